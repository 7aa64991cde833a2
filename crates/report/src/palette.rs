//! Colours, each with a light and a dark value.
//!
//! A drawing has the light values as plain attributes, which every program can show. Style rules that
//! select on those attributes replace them on a dark page.

use std::fmt::Write as _;

use plotters::style::RGBColor;

/// A colour on the light and on the dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink {
    light: u32,
    dark: u32,
}

/// Background of the page.
pub(super) const PAPER: Ink = Ink { light: 0xFF_FF_FF, dark: 0x14_17_1A };
/// Text and axes.
pub(super) const TEXT: Ink = Ink { light: 0x1D_23_29, dark: 0xE4_E7_EA };
/// Labels and captions.
pub(super) const MUTED: Ink = Ink { light: 0x5B_65_70, dark: 0x9A_A5_B0 };
/// Grid lines.
pub(super) const GRID: Ink = Ink { light: 0xE3_E7_EB, dark: 0x2B_31_37 };
/// Baselines.
pub(super) const BASELINE: Ink = Ink { light: 0x7A_83_8C, dark: 0x8C_96_A0 };

/// The arms, distinguishable with every common colour vision (Okabe & Ito 2008, without yellow and black,
/// which are invisible on one of the two pages).
const ARMS: [Ink; 6] = [
    Ink { light: 0x00_72_B2, dark: 0x4F_A8_E0 },
    Ink { light: 0xD5_5E_00, dark: 0xF0_8A_3C },
    Ink { light: 0x00_9E_73, dark: 0x33_C0_98 },
    Ink { light: 0xCC_79_A7, dark: 0xE0_9C_C2 },
    Ink { light: 0xE6_9F_00, dark: 0xF2_BE_45 },
    Ink { light: 0x56_B4_E9, dark: 0x8A_CF_F5 },
];

/// Returns the colour of an arm by its position; after six arms they repeat.
pub(super) const fn arm(position: usize) -> Ink {
    ARMS[position % ARMS.len()]
}

impl Ink {
    /// Returns the colour that plotters draws with.
    pub(super) const fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }

    /// Returns the light colour as plotters writes it in SVG.
    pub(super) fn hex(self) -> String {
        format!("#{:06X}", self.light)
    }
}

/// Returns the rules that turn drawings dark, for use inside `@media (prefers-color-scheme: dark)`.
pub(super) fn dark_rules() -> String {
    let mut rules = String::new();
    for ink in [PAPER, TEXT, MUTED, GRID, BASELINE].iter().chain(&ARMS) {
        for attribute in ["fill", "stroke"] {
            let light = ink.hex();
            let dark = ink.dark;
            // Writing to a `String` cannot fail.
            let _ = writeln!(rules, "svg [{attribute}=\"{light}\"]{{{attribute}:#{dark:06X}}}");
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_colours_share_a_light_value() {
        let all: Vec<Ink> = [PAPER, TEXT, MUTED, GRID, BASELINE].into_iter().chain(ARMS).collect();
        let distinct: BTreeSet<u32> = all.iter().map(|ink| ink.light).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn rules_select_what_plotters_writes() {
        assert!(dark_rules().contains("svg [stroke=\"#0072B2\"]{stroke:#4FA8E0}"));
    }
}
