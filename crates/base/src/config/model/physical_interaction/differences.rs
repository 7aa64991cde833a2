//! The differences between the ports: as settings, and for the reader of a report.
//!
//! `models::physical_interaction` lists the lines of code under the same numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Port, Transformation, Version};

/// Makes the enum of the differences, their settings and the list that connects both.
macro_rules! differences {
    ($($(#[$doc:meta])* $key:ident $name:ident;)+) => {
        /// One of the [`DIFFERENCES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Topic {
            $($(#[$doc])* $name,)+
        }

        impl Topic {
            /// All topics in the order of their numbers.
            pub const ALL: [Self; 17] = [$(Self::$name),+];

            /// Returns the key in [`PortDifferences`].
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($key),)+
                }
            }
        }

        /// Implementations to follow in single respects, instead of `port`. A respect that is not
        /// mentioned follows `port`.
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(default, deny_unknown_fields)]
        pub struct PortDifferences {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $key: Option<Port>,
            )+
        }

        impl PortDifferences {
            /// Returns the implementation to follow in one respect, if it is named.
            pub const fn of(&self, topic: Topic) -> Option<Port> {
                match topic {
                    $(Topic::$name => self.$key,)+
                }
            }

            /// Names an implementation for one respect.
            pub const fn set(&mut self, topic: Topic, port: Port) {
                match topic {
                    $(Topic::$name => self.$key = Some(port),)+
                }
            }
        }
    };
}

differences! {
    /// 1: shape of scale and shift of the layer normalization, and bias of the layer before it.
    layer_norm_parameters LayerNormParameters;
    /// 2: size and place of the layer normalization's ε.
    layer_norm_epsilon LayerNormEpsilon;
    /// 3: axis of the softmax of the masks.
    mask_softmax MaskSoftmax;
    /// 4: images that CDNA makes with its kernels.
    cdna_images CdnaImages;
    /// 5: order of the weights that predict CDNA's kernels. It permutes weights: it changes exported
    /// weights, but no score.
    cdna_layout CdnaLayout;
    /// 6: shifts of DNA.
    dna_shifts DnaShifts;
    /// 7: gradient of DNA to the previous frame.
    dna_gradient DnaGradient;
    /// 8: lower limit of DNA's kernels.
    dna_floor DnaFloor;
    /// 9: affine maps of STP.
    stp_maps StpMaps;
    /// 10: sampling of STP.
    stp_sampling StpSampling;
    /// 11: rectifier after `enc7`.
    enc7_rectifier Enc7Rectifier;
    /// 12: zero padding of strided convolutions.
    padding Padding;
    /// 13: order of the gates in the weights of a cell. The gates start with each other's weights.
    gate_order GateOrder;
    /// 14: state that a cell keeps.
    cell_state CellState;
    /// 15: rectifiers after all layers but `enc7`.
    rectifiers Rectifiers;
    /// 16: gradient, arithmetic and use in evaluation of scheduled sampling.
    scheduled_sampling ScheduledSampling;
    /// 17: distribution of the initial weights.
    initial_weights InitialWeights;
}

impl PortDifferences {
    /// Returns whether no respect is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the named implementations in the order of the numbers.
    pub fn named(&self) -> impl Iterator<Item = (Topic, Port)> + '_ {
        Topic::ALL.into_iter().filter_map(|topic| Some((topic, self.of(topic)?)))
    }
}

/// The implementation to follow in every respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowedPorts {
    port: Port,
    differences: PortDifferences,
}

impl FollowedPorts {
    /// Returns the implementation that is followed where nothing else is named.
    pub const fn port(&self) -> Port {
        self.port
    }

    /// Returns the implementation that is followed in one respect.
    pub const fn of(&self, topic: Topic) -> Port {
        match self.differences.of(topic) {
            Some(port) => port,
            None => self.port,
        }
    }
}

impl From<Port> for FollowedPorts {
    fn from(port: Port) -> Self {
        Self { port, differences: PortDifferences::default() }
    }
}

impl From<(Port, PortDifferences)> for FollowedPorts {
    fn from((port, differences): (Port, PortDifferences)) -> Self {
        Self { port, differences }
    }
}

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

    /// Returns the topic under which settings name it.
    pub fn topic(&self) -> Topic {
        Topic::ALL[usize::from(self.number) - 1]
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
