//! Everything that spawns the program, and the layers of its sources.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests stop at the first surprise"
)]

mod bench;
mod data;
mod faults;
mod help;
mod layers;
mod messages;
mod resume;
mod sources;
mod support;
mod sweep;
mod systems;
mod weights;
