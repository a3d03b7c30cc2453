//! Colours.

/// A colour, each channel from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity.
    pub alpha: u8,
}

impl Colour {
    /// Makes an opaque colour of its hexadecimal number, `0xRRGGBB`.
    #[must_use]
    pub const fn hex(number: u32) -> Self {
        let [_, red, green, blue] = number.to_be_bytes();
        Self { red, green, blue, alpha: 255 }
    }

    /// Makes the colour transparent: 255 is opaque.
    #[must_use]
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Self { alpha, ..self }
    }
}

/// What lies under everything.
pub const PAPER: Colour = Colour::hex(0xFF_FF_FF);
/// Titles and numbers.
pub const INK: Colour = Colour::hex(0x1D_24_2B);
/// What explains: subtitles and sources.
pub const PALE_INK: Colour = Colour::hex(0x5F_6B_76);
/// Lines that guide the eye.
pub const GRID: Colour = Colour::hex(0xE3_E7_EB);
/// What no value is known of.
pub const UNKNOWN: Colour = Colour::hex(0xC4_CB_D2);

/// Seven even steps of the colour map "plasma" without its palest end (van der Walt and
/// Smith, Matplotlib 2015): evenly rising lightness, also for the colour-blind and in grey.
const PLASMA: [Colour; 7] = [
    Colour::hex(0x0D_08_87),
    Colour::hex(0x5C_01_A6),
    Colour::hex(0x9C_17_9E),
    Colour::hex(0xCC_47_78),
    Colour::hex(0xED_79_53),
    Colour::hex(0xFD_B4_2F),
    Colour::hex(0xF0_F9_21),
];

/// Finds the colour of a share from 0, dark, to 1, light.
#[must_use]
pub fn plasma(share: f64) -> Colour {
    // The last fifth is too pale on paper.
    let place = share.clamp(0.0, 1.0) * 0.87 * (PLASMA.len() - 1) as f64;
    let (below, part) = (place as usize, place.fract());
    let (from, to) = (PLASMA[below], PLASMA[(below + 1).min(PLASMA.len() - 1)]);
    let mix = |from: u8, to: u8| {
        (f64::from(from) + part * (f64::from(to) - f64::from(from))).round() as u8
    };
    Colour {
        red: mix(from.red, to.red),
        green: mix(from.green, to.green),
        blue: mix(from.blue, to.blue),
        alpha: 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_gets_lighter_all_the_way() {
        let light = |share: f64| {
            let colour = plasma(share);
            // Relative luminance, ITU-R BT.709.
            0.2126 * f64::from(colour.red)
                + 0.7152 * f64::from(colour.green)
                + 0.0722 * f64::from(colour.blue)
        };
        assert_eq!(plasma(-1.0), PLASMA[0]);
        assert!(
            (1..=50).all(|step| light(f64::from(step) / 50.0) > light(f64::from(step - 1) / 50.0))
        );
    }
}
