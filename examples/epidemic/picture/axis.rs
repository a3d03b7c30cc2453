//! Numbers as places along an axis.

/// Maps a range of numbers to a range of pixels, evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The numbers at both ends.
    pub numbers: (f64, f64),
    /// The pixels at both ends; the first may be the larger.
    pub pixels: (f32, f32),
}

impl Scale {
    /// Finds the pixel of a number.
    #[must_use]
    pub fn pixel(&self, number: f64) -> f32 {
        let (from, to) = self.numbers;
        let share = if to > from { (number - from) / (to - from) } else { 0.0 };
        self.pixels.0 + share as f32 * (self.pixels.1 - self.pixels.0)
    }
}

/// Finds the steps of 1, 2 or 5 times a power of ten that cut `0..=largest` in at most
/// `parts` parts, from 0 until they reach it.
#[must_use]
pub fn ticks(largest: f64, parts: u32) -> Vec<f64> {
    let raw = (largest.max(f64::MIN_POSITIVE) / f64::from(parts.max(1))).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    // A hair of rounding must not skip a step.
    let step = step.into_iter().find(|&step| step >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * power);
    let last = (largest / step - 1e-9).ceil().max(1.0) as u32;
    (0..=last).map(|place| f64::from(place) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(123_456.0, 5), [0.0, 50_000.0, 100_000.0, 150_000.0]);
        assert_eq!(ticks(1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(7.0, 7).len(), 8);
        assert!(ticks(0.0, 5).len() >= 2);
    }

    #[test]
    fn a_scale_may_go_down() {
        let scale = Scale { numbers: (0.0, 10.0), pixels: (200.0, 100.0) };
        assert_eq!([0.0, 5.0, 10.0].map(|n| scale.pixel(n)), [200.0, 150.0, 100.0]);
        let point = Scale { numbers: (3.0, 3.0), pixels: (0.0, 9.0) };
        assert_eq!(point.pixel(3.0), 0.0);
    }
}
