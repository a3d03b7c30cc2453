//! Charts as SVG files, whose text is left to whoever shows them.

mod bars;
mod lines;

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontStyle};

pub use bars::{Bar, Bars};
pub use lines::{Line, Lines, Panel};

/// Who a bar or a line belongs to, which its colour tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This engine.
    Ours,
    /// A loop written by hand.
    Limit,
    /// Another engine.
    Peer,
}

impl Owner {
    const ALL: [Self; 3] = [Self::Ours, Self::Limit, Self::Peer];

    /// Returns whom a contender's name belongs to.
    pub fn of(contender: &str) -> Self {
        match contender.split('/').next() {
            Some("ecs") => Self::Ours,
            Some("limit") => Self::Limit,
            _ => Self::Peer,
        }
    }

    fn colour(self) -> RGBColor {
        match self {
            Self::Ours => RGBColor(37, 99, 190),
            Self::Limit => RGBColor(140, 146, 154),
            Self::Peer => RGBColor(226, 163, 84),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Ours => "this engine",
            Self::Limit => "by hand",
            Self::Peer => "other engines",
        }
    }
}

const INK: RGBColor = RGBColor(38, 42, 48);
const FAINT: RGBColor = RGBColor(110, 116, 124);
const RULE: RGBColor = RGBColor(226, 229, 233);

fn font(size: i32) -> FontDesc<'static> {
    ("Helvetica, Arial, sans-serif", size).into_font()
}

fn text(size: i32) -> TextStyle<'static> {
    font(size).color(&INK)
}

fn faint(size: i32) -> TextStyle<'static> {
    font(size).color(&FAINT)
}

fn title(size: i32) -> TextStyle<'static> {
    font(size).style(FontStyle::Bold).color(&INK)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Outcome = Result<(), Box<dyn Error>>;

/// Draws what a chart shows, and whose colour is which.
fn head(area: &Area<'_>, name: &str, about: &str, owns: impl Fn(Owner) -> bool) -> Outcome {
    area.draw(&Text::new(name, (16, 14), title(24)))?;
    area.draw(&Text::new(about, (16, 46), faint(17)))?;
    let mut right = area.dim_in_pixel().0 as i32 - 16;
    let middle = 24;
    for owner in Owner::ALL.into_iter().rev().filter(|owner| owns(*owner)) {
        let at_right = text(16).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw(&Text::new(owner.words(), (right, middle), at_right))?;
        // Who shows the text knows how wide it is; this leaves enough.
        right -= owner.words().len() as i32 * 7 + 20;
        let square = [(right, middle - 6), (right + 12, middle + 6)];
        area.draw(&Rectangle::new(square, owner.colour().filled()))?;
        right -= 18;
    }
    Ok(())
}

/// Writes a round number without zeros behind it.
fn round(value: f64) -> String {
    let digits = format!("{value:.4}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}
