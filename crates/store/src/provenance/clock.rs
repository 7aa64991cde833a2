//! The clock.
#![expect(clippy::disallowed_methods, reason = "the one module that reads the clock")]

use std::time::Instant;

use jiff::{Timestamp, Unit};

/// Returns the time in UTC as RFC 3339, to the second.
pub fn now_rfc3339() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// Returns the seconds since 1970, to the microsecond.
pub fn unix_seconds() -> f64 {
    Timestamp::now().as_microsecond() as f64 / 1e6
}

/// Measures elapsed time; never goes backwards.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_utc_to_the_second() {
        let now = now_rfc3339();
        assert_eq!(now.len(), "2026-01-01T00:00:00Z".len(), "{now}");
        assert!(now.ends_with('Z'), "{now}");
    }

    #[test]
    fn a_stopwatch_never_goes_backwards() {
        let watch = Stopwatch::start();
        let first = watch.seconds();
        assert!(first >= 0.0 && watch.seconds() >= first);
    }
}
