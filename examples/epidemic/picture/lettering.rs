//! Text as outlines, in a font that is part of the program.

use std::fmt;

use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::{Face, OutlineBuilder};

/// The font: Ubuntu Light, under the Ubuntu Font Licence 1.0.
const FONT: &[u8] = epaint_default_fonts::UBUNTU_LIGHT;

/// Turns text into outlines.
pub struct Lettering {
    face: Face<'static>,
}

impl Lettering {
    /// Opens the font.
    ///
    /// # Panics
    /// Never: the font is part of the program, and a test opens it.
    #[must_use]
    pub fn new() -> Self {
        Self { face: Face::parse(FONT, 0).expect("the embedded font is whole") }
    }

    /// Measures how wide text is at a size, both in pixels.
    #[must_use]
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(letter)).sum::<f32>() * self.scale(size)
    }

    /// Outlines text that begins at 0, 0 on its base line; `None` when nothing shows.
    #[must_use]
    pub fn outline(&self, text: &str, size: f32) -> Option<Path> {
        let mut pen = Pen { path: PathBuilder::new(), x: 0.0 };
        for letter in text.chars() {
            if let Some(glyph) = self.face.glyph_index(letter) {
                // Without an outline, as a blank is, there is nothing to add.
                let _ = self.face.outline_glyph(glyph, &mut pen);
            }
            pen.x += self.advance(letter);
        }
        let scale = self.scale(size);
        // A font's y goes up, a picture's down.
        pen.path.finish()?.transform(Transform::from_scale(scale, -scale))
    }

    fn scale(&self, size: f32) -> f32 {
        size / f32::from(self.face.units_per_em())
    }

    /// How far a letter moves the pen, in units of the font.
    fn advance(&self, letter: char) -> f32 {
        let glyph = self.face.glyph_index(letter).unwrap_or_default();
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0))
    }
}

impl Default for Lettering {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Lettering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lettering").finish_non_exhaustive()
    }
}

/// Draws a glyph at the pen's place.
struct Pen {
    path: PathBuilder,
    x: f32,
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, y1, self.x + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(self.x + x1, y1, self.x + x2, y2, self.x + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_letter_that_the_pictures_use() {
        let lettering = Lettering::new();
        for letter in ' '..='~' {
            assert!(lettering.face.glyph_index(letter).is_some(), "{letter:?}");
        }
        for letter in "°·–×₀é".chars() {
            assert!(lettering.face.glyph_index(letter).is_some(), "{letter:?}");
        }
    }

    #[test]
    fn an_outline_is_as_large_as_its_text() {
        let lettering = Lettering::new();
        let bounds = lettering.outline("Heights", 40.0).unwrap().bounds();
        assert!(bounds.top() > -40.0 && bounds.top() < -25.0 && bounds.bottom() > 3.0);
        assert!((bounds.right() - lettering.width("Heights", 40.0)).abs() < 5.0);
        assert_eq!(lettering.width("", 40.0), 0.0);
        assert!(lettering.outline(" ", 40.0).is_none());
    }
}
