//! Statistics of plain numbers: what a report says about seeds, and how far bits lie apart.

pub mod paired;
pub mod summary;
