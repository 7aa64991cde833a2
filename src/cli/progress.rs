//! Prints how far work is that is done in this process.

use super::output::tell;
use reprise_base::text::count;
use reprise_data::{self as data};
use reprise_store::provenance::Stopwatch;

/// Least seconds between lines.
const LINE_SECONDS: f64 = 2.0;

/// Returns a watcher of a number of things, such as predictions, that grows to `total`; quiet while there is little to
/// do.
pub fn count_watch(done: &'static str, total: usize, noun: &'static str) -> impl FnMut(usize) {
    let watch = Stopwatch::start();
    let mut printed_at = 0.0;
    move |number| {
        let now = watch.seconds();
        if now - printed_at >= LINE_SECONDS {
            printed_at = now;
            tell(&format!("{done} {number} of {}", count(total, noun)));
        }
    }
}

/// Returns a watcher that prints how far a data set is; quiet while there is little to do.
pub fn data_watch() -> impl FnMut(data::Progress) {
    let watch = Stopwatch::start();
    let mut printed_at = 0.0;
    move |progress| {
        let now = watch.seconds();
        let text = match progress {
            data::Progress::Waiting => {
                "data: waiting while another process decodes the data set".to_owned()
            }
            data::Progress::Decoding { done, total } => {
                format!("data: decoded {done} of {total} sequences")
            }
            data::Progress::Verifying { bytes, total } => {
                format!("data: verified {} of {} MB", bytes / 1_000_000, total / 1_000_000)
            }
        };
        if now - printed_at >= LINE_SECONDS || progress == data::Progress::Waiting {
            printed_at = now;
            tell(&text);
        }
    }
}
