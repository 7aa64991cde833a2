//! The differences between the ports, for the reader of a report.
//!
//! `models::physical_interaction` lists the lines of code under the same numbers.

use super::{Port, Transformation, Version};

/// One respect in which the ports differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub number: u8,
    pub what: &'static str,
    concerns: Concerned,
    /// One entry per port, in the order of [`Port::ALL`].
    by_port: [&'static str; 5],
}

/// Models that a difference affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Concerned {
    Every,
    Cdna,
    Dna,
    Stp,
}

impl Difference {
    /// Returns what a port does.
    pub const fn of(&self, port: Port) -> &'static str {
        self.by_port[match port {
            Port::Tensorflow(Version::V1) => 0,
            Port::Tensorflow(Version::Fixed) => 1,
            Port::Tensorflow(Version::FixedLinear) => 2,
            Port::Chainer => 3,
            Port::ChainerStateless => 4,
        }]
    }

    /// Returns whether it affects models with this transformation.
    pub const fn concerns(&self, transformation: Transformation) -> bool {
        matches!(
            (self.concerns, transformation),
            (Concerned::Every, _)
                | (Concerned::Cdna, Transformation::Cdna { .. })
                | (Concerned::Dna, Transformation::Dna)
                | (Concerned::Stp, Transformation::Stp { .. })
        )
    }
}

/// A difference between the frameworks, the same in all versions of each.
const fn frameworks(
    number: u8,
    what: &'static str,
    concerns: Concerned,
    [tensorflow, chainer]: [&'static str; 2],
) -> Difference {
    let by_port = [tensorflow, tensorflow, tensorflow, chainer, chainer];
    Difference { number, what, concerns, by_port }
}

/// All differences by number.
pub const DIFFERENCES: [Difference; 17] = [
    frameworks(
        1,
        "layer norm: parameters",
        Concerned::Every,
        ["scale and shift per channel", "scale and shift per element"],
    ),
    frameworks(
        2,
        "layer norm: epsilon",
        Concerned::Every,
        ["1e-12, inside the root", "1e-6, outside the root"],
    ),
    frameworks(
        3,
        "softmax of the masks",
        Concerned::Every,
        ["over the masks of a pixel", "over M + 1 neighbouring pixels of a mask"],
    ),
    Difference {
        number: 4,
        what: "images of CDNA",
        concerns: Concerned::Cdna,
        by_port: [
            "colours and kernels are mixed",
            "each kernel on all colours",
            "each kernel on all colours",
            "each kernel on all colours",
            "learned filters; kernels are ignored",
        ],
    },
    frameworks(
        5,
        "layout of CDNA's kernels (order of weights)",
        Concerned::Cdna,
        ["row, column, kernel", "kernel, row, column"],
    ),
    frameworks(
        6,
        "shifts of DNA",
        Concerned::Dna,
        ["whole frames", "cropped, then padded with zeros at the end"],
    ),
    frameworks(7, "gradient of DNA to the previous frame", Concerned::Dna, ["flows", "is cut"]),
    Difference {
        number: 8,
        what: "lower limit of DNA's kernels",
        concerns: Concerned::Dna,
        by_port: ["1e-12", "1e-12", "1e-12", "1e-12", "1e+12: every kernel is uniform"],
    },
    Difference {
        number: 9,
        what: "affine maps of STP",
        concerns: Concerned::Stp,
        by_port: [
            "one layer per map",
            "one layer per map",
            "one layer per map",
            "one layer for all maps, so all are equal",
            "one layer per map",
        ],
    },
    frameworks(
        10,
        "sampling of STP",
        Concerned::Stp,
        ["the identity shrinks the frame", "the identity is exact"],
    ),
    Difference {
        number: 11,
        what: "rectifier after enc7",
        concerns: Concerned::Every,
        by_port: ["yes", "yes", "no", "yes, but not with STP", "no"],
    },
    frameworks(
        12,
        "zero padding of strided convolutions",
        Concerned::Every,
        ["more at the end (SAME)", "equal on both sides"],
    ),
    Difference {
        number: 13,
        what: "gates of a cell (order of weights)",
        concerns: Concerned::Every,
        by_port: ["i, j, f, o", "i, j, f, o", "i, j, f, o", "j, i, f, o", "i, j, f, o"],
    },
    Difference {
        number: 14,
        what: "state that a cell keeps",
        concerns: Concerned::Every,
        by_port: ["c, h", "c, h", "c, h", "c, h", "c and h swapped"],
    },
    Difference {
        number: 15,
        what: "rectifiers after convolutions and masks",
        concerns: Concerned::Every,
        by_port: ["yes", "yes", "not after enc6 and the masks", "yes", "none"],
    },
    Difference {
        number: 16,
        what: "scheduled sampling",
        concerns: Concerned::Every,
        by_port: [
            "gradient through predictions",
            "gradient through predictions",
            "gradient through predictions",
            "gradient is cut; not in evaluation",
            "gradient is cut",
        ],
    },
    frameworks(17, "initial weights", Concerned::Every, ["Xavier uniform", "LeCun normal"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_number_and_distinguishes_ports() {
        for (difference, number) in DIFFERENCES.iter().zip(1..) {
            assert_eq!(difference.number, number);
            let first = difference.of(Port::ALL[0]);
            assert!(Port::ALL.iter().any(|&port| difference.of(port) != first), "row {number}");
        }
    }

    #[test]
    fn differences_of_cdna_and_stp_do_not_affect_dna() {
        let numbers: Vec<u8> = DIFFERENCES
            .iter()
            .filter(|difference| difference.concerns(Transformation::Dna))
            .map(|difference| difference.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17]);
    }
}
