//! Bars beside one another, one below the other.

use std::error::Error;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Outcome, Owner, RULE, faint, head, round, text};
use crate::figure;

const WIDTH: u32 = 860;
const BAR: u32 = 24;
const HEAD: u32 = 76;
const FOOT: u32 = 46;
const NAMES: u32 = 190;
/// Bars that differ by more are drawn on a logarithmic scale.
const SPREAD: f64 = 40.0;

/// A chart of bars, the first one on top.
#[derive(Clone, Debug)]
pub struct Bars {
    /// What it shows.
    pub title: String,
    /// In more words.
    pub about: String,
    /// What the values count.
    pub unit: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands before it.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// Who it belongs to.
    pub owner: Owner,
}

impl Bars {
    /// Draws the chart into a file.
    ///
    /// # Errors
    /// If there is no bar, or the file can't be written.
    pub fn draw(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let values = || self.bars.iter().map(|bar| bar.value);
        let most = values().max_by(f64::total_cmp).ok_or("a chart of no bars")?;
        let least = values().filter(|&value| value > 0.0).min_by(f64::total_cmp).unwrap_or(most);
        let height = HEAD + FOOT + BAR * self.bars.len() as u32;
        let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let (top, body) = area.split_vertically(HEAD);
        head(&top, &self.title, &self.about, |owner| {
            self.bars.iter().any(|bar| bar.owner == owner)
        })?;
        if most > least * SPREAD {
            // The shortest bar is to be seen too.
            let first = 10f64.powf((least * 0.8).log10().floor());
            // The room behind the longest bar is for its value.
            let last = most * (most / first).powf(0.12);
            let unit = format!("{}, logarithmic scale", self.unit);
            self.draw_bars(&body, (first..last).log_scale(), first, &unit)?;
        } else {
            let axis: RangedCoordf64 = (0.0..most * 1.1).into();
            self.draw_bars(&body, axis, 0.0, &self.unit)?;
        }
        area.present()?;
        Ok(())
    }

    fn draw_bars<A>(&self, area: &Area<'_>, axis: A, from: f64, unit: &str) -> Outcome
    where
        A: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>>,
    {
        let count = self.bars.len();
        let mut chart = ChartBuilder::on(area)
            .margin_right(16)
            .set_label_area_size(LabelAreaPosition::Left, NAMES)
            .set_label_area_size(LabelAreaPosition::Bottom, FOOT)
            .build_cartesian_2d(axis, (0..count - 1).into_segmented())?;
        // The axis counts from below.
        let place = |number: usize| count - 1 - number;
        let name = |segment: &SegmentValue<usize>| match segment {
            SegmentValue::CenterOf(at) if *at < count => self.bars[place(*at)].name.clone(),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .bold_line_style(RULE)
            .light_line_style(TRANSPARENT)
            .axis_style(RULE)
            .x_labels(8)
            .y_labels(count + 1)
            .x_label_formatter(&|value| round(*value))
            .y_label_formatter(&name)
            .x_label_style(faint(15))
            .y_label_style(text(16))
            .axis_desc_style(faint(15))
            .x_desc(unit)
            .draw()?;
        for (number, bar) in self.bars.iter().enumerate() {
            let at = place(number);
            let upper = if number == 0 { SegmentValue::Last } else { SegmentValue::Exact(at + 1) };
            let corners = [(from, SegmentValue::Exact(at)), (bar.value, upper)];
            let mut rectangle = Rectangle::new(corners, bar.owner.colour().filled());
            rectangle.set_margin(4, 4, 0, 0);
            chart.draw_series([rectangle])?;
            let behind = text(16).pos(Pos::new(HPos::Left, VPos::Center));
            let words = Text::new(figure(bar.value), (6, 0), behind);
            let end = (bar.value, SegmentValue::CenterOf(at));
            chart.draw_series([EmptyElement::at(end) + words])?;
        }
        Ok(())
    }
}
