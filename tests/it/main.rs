//! Tests that run the program, and checks of its sources.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests stop at the first surprise"
)]

mod bench;
mod completions;
mod damage;
mod data;
mod docs;
mod evaluate;
mod extend;
mod faults;
mod generate;
mod help;
mod layers;
mod messages;
mod resume;
mod settings;
mod simulated_cuda;
mod sources;
mod support;
mod sweep;
#[path = "../fixtures/sweeps.rs"]
mod sweeps;
mod systems;
mod weights;
