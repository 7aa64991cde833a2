//! Ctrl-C and other requests to terminate.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use super::Failure;

/// Exit code of an interrupted process.
const EXIT_INTERRUPTED: i32 = 130;

/// Counts interrupts. The first ends the process at once, except during work that watches the count
/// and stops by itself.
#[derive(Debug)]
pub struct Interrupts {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU32,
    working: AtomicBool,
}

impl Interrupts {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP.
    pub fn listen() -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        let handler = Arc::clone(&shared);
        ctrlc::set_handler(move || {
            handler.count.fetch_add(1, Ordering::Relaxed);
            if !handler.working.load(Ordering::Relaxed) {
                process::exit(EXIT_INTERRUPTED);
            }
        })?;
        Ok(Self { shared })
    }

    /// Runs work that watches the number of interrupts and ends soon after the first.
    pub fn during<T>(&self, work: impl FnOnce(&AtomicU32) -> T) -> T {
        self.shared.working.store(true, Ordering::Relaxed);
        let done = work(&self.shared.count);
        self.shared.working.store(false, Ordering::Relaxed);
        done
    }

    /// Returns whether there was an interrupt.
    pub fn any(&self) -> bool {
        self.shared.count.load(Ordering::Relaxed) > 0
    }
}
