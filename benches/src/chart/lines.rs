//! Lines over a logarithmic axis, in panels beside one another.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Outcome, Owner, RULE, faint, head, round, text, title};
use crate::figure;

const PANEL: (u32, u32) = (300, 220);
const COLUMNS: usize = 3;
const HEAD: u32 = 84;

/// A sheet of panels that share the words of their axes.
#[derive(Clone, Debug)]
pub struct Lines {
    /// What it shows.
    pub title: String,
    /// What stands along the axes.
    pub about: String,
    /// The panels, in the order of reading.
    pub panels: Vec<Panel>,
}

/// One plot with a scale of its own, which begins at zero.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Who it belongs to.
    pub owner: Owner,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl Lines {
    /// Draws the sheet into a file.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn draw(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let rows = self.panels.len().div_ceil(COLUMNS);
        let size = (PANEL.0 * COLUMNS as u32, HEAD + PANEL.1 * rows as u32);
        let area = SVGBackend::new(file, size).into_drawing_area();
        area.fill(&WHITE)?;
        let (top, body) = area.split_vertically(HEAD);
        head(&top, &self.title, &self.about, |owner| {
            self.panels.iter().flat_map(|panel| &panel.lines).any(|line| line.owner == owner)
        })?;
        for (panel, area) in self.panels.iter().zip(body.split_evenly((rows, COLUMNS))) {
            panel.draw(&area)?;
        }
        area.present()?;
        Ok(())
    }
}

impl Panel {
    fn draw(&self, area: &Area<'_>) -> Outcome {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let first = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let last = points().map(|point| point.0).fold(0.0, f64::max);
        let most = points().map(|point| point.1).fold(0.0, f64::max);
        if first > last {
            return Ok(());
        }
        area.draw(&Text::new(self.title.as_str(), (52, 8), title(17)))?;
        // Room for what is written at the points.
        let xs = (first / 2.0..last * 2.0).log_scale();
        let mut chart = ChartBuilder::on(area)
            .margin_top(32)
            .margin_right(12)
            .set_label_area_size(LabelAreaPosition::Left, 48)
            .set_label_area_size(LabelAreaPosition::Bottom, 32)
            .build_cartesian_2d(xs, 0.0..most * 1.2)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(RULE)
            .light_line_style(TRANSPARENT)
            .axis_style(RULE)
            .x_labels(8)
            .y_labels(5)
            .x_label_formatter(&|value| power(*value))
            .y_label_formatter(&|value| round(*value))
            .label_style(faint(14))
            .draw()?;
        // What is drawn last lies on top.
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.owner == Owner::Ours);
        for line in lines {
            let colour = line.owner.colour();
            let points = line.points.iter().copied();
            chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
            chart.draw_series(points.clone().map(|at| Circle::new(at, 3, colour.filled())))?;
            if line.owner == Owner::Ours {
                let above = text(13).pos(Pos::new(HPos::Center, VPos::Bottom));
                let words = points.map(|at| {
                    EmptyElement::at(at) + Text::new(figure(at.1), (0, -5), above.clone())
                });
                chart.draw_series(words)?;
            }
        }
        Ok(())
    }
}

/// Writes a power of ten as people say it.
fn power(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{value}"),
    }
}
