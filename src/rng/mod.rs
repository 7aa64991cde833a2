//! Randomness, all of it a function of a seed.
//!
//! [`streams::Stream`] is what runs draw from: named, counter-based, the same bits on every machine.
//! The other generators exist to repeat what an original drew, bit for bit, and nothing else draws
//! from them: [`numpy::RandomState`], [`python::Random`] and [`torch::Generator`], all over one
//! [`mt19937::Mt19937`]. The recipe of reference cases ([`fill`]) is no source of randomness at all.

pub mod fill;
pub mod mt19937;
pub mod numpy;
pub mod python;
pub mod streams;
pub mod torch;
