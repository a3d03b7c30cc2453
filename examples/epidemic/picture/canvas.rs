//! A surface to draw on.

use std::fmt;

use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, Rect,
    Stroke, Transform,
};

use super::colour::Colour;
use super::lettering::Lettering;

/// A place on the canvas: pixels from the left and from the top.
pub type Point = (f32, f32);

/// An area of the canvas, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The left edge.
    pub left: f32,
    /// The upper edge.
    pub top: f32,
    /// The right edge.
    pub right: f32,
    /// The lower edge.
    pub bottom: f32,
}

impl Area {
    /// The width.
    #[must_use]
    pub fn width(self) -> f32 {
        self.right - self.left
    }

    /// The height.
    #[must_use]
    pub fn height(self) -> f32 {
        self.bottom - self.top
    }
}

/// Which part of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// Height of a line, in pixels.
    pub size: f32,
    /// Colour.
    pub colour: Colour,
    /// What the place means.
    pub align: Align,
    /// Whether the strokes are heavier.
    pub bold: bool,
    /// Whether it is turned to read upward.
    pub upward: bool,
}

impl TextStyle {
    /// Makes a style that begins at its place.
    #[must_use]
    pub const fn new(size: f32, colour: Colour) -> Self {
        Self { size, colour, align: Align::Start, bold: false, upward: false }
    }

    /// Changes what the place means.
    #[must_use]
    pub const fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Makes the strokes heavier.
    #[must_use]
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Turns the text to read upward.
    #[must_use]
    pub const fn upward(self) -> Self {
        Self { upward: true, ..self }
    }
}

/// A surface to draw on, smooth at the edges.
pub struct Canvas {
    pixmap: Pixmap,
    lettering: Lettering,
}

impl Canvas {
    /// Makes a canvas of one colour.
    ///
    /// # Panics
    /// When a side is 0 or larger than a picture can be.
    #[must_use]
    pub fn new(width: u32, height: u32, colour: Colour) -> Self {
        let mut pixmap = Pixmap::new(width, height).expect("a picture has a size");
        pixmap.fill(solid(colour));
        Self { pixmap, lettering: Lettering::new() }
    }

    /// Fills an area.
    pub fn area(&mut self, area: Area, colour: Colour) {
        if let Some(rect) = Rect::from_ltrb(area.left, area.top, area.right, area.bottom) {
            self.pixmap.fill_rect(rect, &paint(colour), Transform::identity(), None);
        }
    }

    /// Draws a line through points.
    pub fn line(&mut self, points: &[Point], width: f32, colour: Colour) {
        self.stroke(polygon(points, false), width, colour);
    }

    /// Fills the inside of a line through points.
    pub fn inside(&mut self, points: &[Point], colour: Colour) {
        self.fill(polygon(points, true), colour);
    }

    /// Draws the edge of an area.
    pub fn frame(&mut self, area: Area, width: f32, colour: Colour) {
        let Area { left, top, right, bottom } = area;
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.stroke(polygon(&corners, true), width, colour);
    }

    /// Fills a disc.
    pub fn disc(&mut self, (x, y): Point, radius: f32, colour: Colour) {
        self.fill(PathBuilder::from_circle(x, y, radius), colour);
    }

    /// Draws a circle.
    pub fn ring(&mut self, (x, y): Point, radius: f32, width: f32, colour: Colour) {
        self.stroke(PathBuilder::from_circle(x, y, radius), width, colour);
    }

    /// Writes text with its base line at a place.
    pub fn text(&mut self, text: &str, (x, y): Point, style: TextStyle) {
        let width = self.text_width(text, style);
        let back = match style.align {
            Align::Start => 0.0,
            Align::Middle => width / 2.0,
            Align::End => width,
        };
        let outline = self.lettering.outline(text, style.size);
        let placed = outline.and_then(|outline| {
            let turn =
                if style.upward { Transform::from_rotate(-90.0) } else { Transform::identity() };
            outline.transform(turn.pre_translate(-back, 0.0).post_translate(x, y))
        });
        if style.bold {
            self.stroke(placed.clone(), style.size / 28.0, style.colour);
        }
        self.fill(placed, style.colour);
    }

    /// Measures how wide text is.
    #[must_use]
    pub fn text_width(&self, text: &str, style: TextStyle) -> f32 {
        self.lettering.width(text, style.size)
    }

    /// Encodes the picture as PNG, without transparency: the canvas was of one colour
    /// to begin with.
    ///
    /// Compressed in the quick way: a file is up to two thirds larger, and made in a
    /// fraction of the time.
    ///
    /// # Panics
    /// Never: a picture in memory can be encoded.
    #[must_use]
    pub fn into_png(self) -> Vec<u8> {
        let opaque = |pixel: &PremultipliedColorU8| [pixel.red(), pixel.green(), pixel.blue()];
        let colours: Vec<u8> = self.pixmap.pixels().iter().flat_map(opaque).collect();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.pixmap.width(), self.pixmap.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&colours))
            .expect("a picture in memory can be encoded");
        bytes
    }

    /// The colour of a pixel.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> Option<Colour> {
        let pixel = self.pixmap.pixel(x, y)?.demultiply();
        let (red, green, blue, alpha) = (pixel.red(), pixel.green(), pixel.blue(), pixel.alpha());
        Some(Colour { red, green, blue, alpha })
    }

    // A path is `None` when it has no point or a number in it is not finite: nothing shows.
    fn fill(&mut self, path: Option<Path>, colour: Colour) {
        if let Some(path) = path {
            let (rule, identity) = (FillRule::Winding, Transform::identity());
            self.pixmap.fill_path(&path, &paint(colour), rule, identity, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, colour: Colour) {
        if let Some(path) = path {
            let (line_cap, line_join) = (LineCap::Round, LineJoin::Round);
            let stroke = Stroke { width, line_cap, line_join, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint(colour), &stroke, Transform::identity(), None);
        }
    }
}

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        f.debug_struct("Canvas").field("width", &width).field("height", &height).finish()
    }
}

fn polygon(points: &[Point], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (place, &(x, y)) in points.iter().enumerate() {
        if place == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(solid(colour));
    paint
}

fn solid(colour: Colour) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(colour.red, colour.green, colour.blue, colour.alpha)
}

#[cfg(test)]
mod tests {
    use super::super::colour::{INK, PAPER};
    use super::*;

    #[test]
    fn what_is_drawn_is_there() {
        let mut canvas = Canvas::new(60, 40, PAPER);
        canvas.area(Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 }, INK);
        canvas.disc((30.0, 20.0), 6.0, INK);
        canvas.line(&[(50.0, 0.0), (50.0, 40.0)], 4.0, INK);
        for (x, y, colour) in
            [(5, 5, INK), (15, 5, PAPER), (30, 20, INK), (38, 20, PAPER), (50, 30, INK)]
        {
            assert_eq!(canvas.pixel(x, y), Some(colour), "{x}, {y}");
        }
        assert!(canvas.into_png().starts_with(b"\x89PNG"));
    }

    #[test]
    fn text_stands_where_it_should() {
        let inked = |style: TextStyle| {
            let mut canvas = Canvas::new(200, 200, PAPER);
            canvas.text("HHHH", (100.0, 100.0), style);
            let at = |x: u32, y: u32| canvas.pixel(x, y) != Some(PAPER);
            let pixels = (0..200).flat_map(|x| (0..200).map(move |y| (x, y)));
            let pixels: Vec<(u32, u32)> = pixels.filter(|&(x, y)| at(x, y)).collect();
            let (left, right) =
                (pixels.iter().map(|p| p.0).min(), pixels.iter().map(|p| p.0).max());
            let (top, bottom) =
                (pixels.iter().map(|p| p.1).min(), pixels.iter().map(|p| p.1).max());
            [left, right, top, bottom].map(Option::unwrap)
        };
        let style = TextStyle::new(20.0, INK);
        let [left, right, top, bottom] = inked(style);
        assert!(left >= 100 && right > 140 && top > 80 && bottom <= 100);
        assert!(inked(style.align(Align::End))[1] <= 100);
        let [left, right, top, bottom] = inked(style.upward());
        assert!(right <= 100 && left > 80 && bottom <= 100 && top < 60);
    }
}
