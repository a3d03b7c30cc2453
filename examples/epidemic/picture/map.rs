//! The map: when the epidemic came to which city.

use crate::geo::Position;
use crate::number::grouped;

use super::canvas::{Align, Area, Canvas, Point, TextStyle};
use super::colour::{Colour, GRID, INK, PALE_INK, PAPER, UNKNOWN, plasma};
use super::projection::{Panel, panels};

const WIDTH: u32 = 1_860;
const HEIGHT: u32 = 1_060;
const MAP: Area = Area { left: 80.0, top: 140.0, right: 1_610.0, bottom: 1_010.0 };
const BAR: Area = Area { left: 1_670.0, top: 216.0, right: 1_700.0, bottom: 680.0 };

const LABEL: TextStyle = TextStyle::new(24.0, PALE_INK);
const SMALL: TextStyle = TextStyle::new(18.0, PALE_INK);
const ROUTE: Colour = Colour::hex(0x8F_A3_B5);

/// A city as the map shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Where it lies.
    pub position: Position,
    /// How many people live there.
    pub population: u32,
    /// The day, from 1, of its first infection.
    pub first_day: Option<u32>,
}

/// A route as the map shows it: a line that is darker the more it is flown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// One end.
    pub from: Position,
    /// The other.
    pub to: Position,
    /// Flights a week, both ways.
    pub flights: u32,
}

/// Draws the cities at their longitude and latitude, with area by population and colour by
/// the day of the first infection, over the routes.
#[must_use]
pub fn draw(dots: &[Dot], routes: &[Route], title: &str, subtitle: &str) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
    canvas.text(title, (MAP.left, 64.0), TextStyle::new(40.0, INK).bold());
    canvas.text(subtitle, (MAP.left, 106.0), TextStyle::new(26.0, PALE_INK));

    let days = DayRange::of(dots);
    let panels = panels(dots.iter().map(|dot| dot.position), MAP);
    for panel in &panels {
        draw_graticule(&mut canvas, panel);
    }
    draw_routes(&mut canvas, &panels, routes);
    // The large ones first, so that the small ones lie on top.
    let mut by_size: Vec<&Dot> = dots.iter().collect();
    by_size.sort_by_key(|dot| std::cmp::Reverse(dot.population));
    for dot in by_size {
        let Some(panel) = panels.iter().find(|panel| panel.holds(dot.position)) else { continue };
        let colour = dot.first_day.map_or(UNKNOWN, |day| days.colour(day));
        draw_dot(&mut canvas, panel.point(dot.position), radius(dot.population), colour);
    }
    draw_day_bar(&mut canvas, days, dots.iter().any(|dot| dot.first_day.is_none()));
    draw_sizes(&mut canvas, dots);
    canvas
}

/// The days that the colours span.
#[derive(Clone, Copy, Debug)]
struct DayRange {
    first: u32,
    last: u32,
}

impl DayRange {
    fn of(dots: &[Dot]) -> Self {
        let days = || dots.iter().filter_map(|dot| dot.first_day);
        let first = days().min().unwrap_or(1);
        Self { first, last: days().max().unwrap_or(first).max(first + 1) }
    }

    fn colour(self, day: u32) -> Colour {
        plasma(f64::from(day - self.first) / f64::from(self.last - self.first))
    }
}

/// The area goes with the population: a million people have a radius of 13 pixels.
fn radius(population: u32) -> f32 {
    13.0 * (population as f32 / 1e6).sqrt()
}

fn draw_dot(canvas: &mut Canvas, place: Point, radius: f32, colour: Colour) {
    canvas.disc(place, radius, colour.with_alpha(225));
    // An edge sets neighbours apart; on the smallest discs nothing else would be left.
    if radius > 2.5 {
        canvas.ring(place, radius, 1.0, PAPER.with_alpha(170));
    }
}

fn draw_graticule(canvas: &mut Canvas, panel: &Panel) {
    let area = panel.area;
    if panel.is_inset() {
        canvas.area(area, PAPER);
    }
    for longitude in panel.meridians() {
        let x = panel.point(Position { latitude: 0.0, longitude }).0;
        canvas.line(&[(x, area.top), (x, area.bottom)], 1.5, GRID);
        let name = format!("{}° {}", longitude.abs(), if longitude < 0.0 { "W" } else { "E" });
        canvas.text(&name, (x, area.bottom + 22.0), SMALL.align(Align::Middle));
    }
    for latitude in panel.parallels() {
        let y = panel.point(Position { latitude, longitude: 0.0 }).1;
        canvas.line(&[(area.left, y), (area.right, y)], 1.5, GRID);
        let name = format!("{}° {}", latitude.abs(), if latitude < 0.0 { "S" } else { "N" });
        canvas.text(&name, (area.left - 8.0, y + 6.0), SMALL.align(Align::End));
    }
    canvas.frame(area, 1.5, UNKNOWN);
    canvas.text(panel.name, (area.left + 10.0, area.top + 24.0), SMALL);
}

fn draw_routes(canvas: &mut Canvas, panels: &[Panel], routes: &[Route]) {
    let most = routes.iter().map(|route| route.flights).max().unwrap_or(1) as f32;
    for route in routes {
        let panel = panels.iter().find(|panel| panel.holds(route.from) && panel.holds(route.to));
        if let Some(panel) = panel {
            let share = (route.flights as f32 / most).sqrt();
            let ends = [panel.point(route.from), panel.point(route.to)];
            canvas.line(&ends, 0.6 + 1.4 * share, ROUTE.with_alpha((20.0 + 100.0 * share) as u8));
        }
    }
}

fn draw_day_bar(canvas: &mut Canvas, days: DayRange, has_unknown: bool) {
    let heading = TextStyle::new(24.0, INK).bold();
    canvas.text("day of the", (BAR.left - 20.0, BAR.top - 62.0), heading);
    canvas.text("first infection", (BAR.left - 20.0, BAR.top - 30.0), heading);
    let height = BAR.height();
    for row in 0..height as u32 {
        let (top, share) = (BAR.top + row as f32, f64::from(row) / f64::from(height));
        canvas.area(Area { top, bottom: top + 1.0, ..BAR }, plasma(share));
    }
    let span = f64::from(days.last - days.first);
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let day = f64::from(days.first) + share * span;
        let y = BAR.top + share as f32 * height;
        canvas.line(&[(BAR.right, y), (BAR.right + 8.0, y)], 2.0, PALE_INK);
        canvas.text(&grouped(day), (BAR.right + 16.0, y + 8.0), LABEL);
    }
    if has_unknown {
        canvas.disc((BAR.left + 15.0, BAR.bottom + 36.0), 11.0, UNKNOWN);
        canvas.text("none", (BAR.right + 16.0, BAR.bottom + 44.0), LABEL);
    }
}

/// Shows a few populations as discs, where a city is about as large.
fn draw_sizes(canvas: &mut Canvas, dots: &[Dot]) {
    let largest = dots.iter().map(|dot| dot.population).max().unwrap_or(0);
    let mut y = BAR.bottom + 120.0;
    canvas.text("people", (BAR.left - 20.0, y), TextStyle::new(24.0, INK).bold());
    y += 8.0;
    for population in [100_000, 1_000_000, 8_000_000].into_iter().filter(|&p| p <= largest) {
        let radius = radius(population);
        y += radius + 16.0;
        canvas.ring((BAR.left + 15.0, y), radius, 2.0, PALE_INK);
        let beside = BAR.left + 15.0 + radius.max(14.0) + 10.0;
        canvas.text(&grouped(population.into()), (beside, y + 8.0), LABEL);
        y += radius;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn dot(longitude: f64, population: u32, first_day: Option<u32>) -> Dot {
        let position = Position { latitude: 40.0, longitude };
        Dot { position, population, first_day }
    }

    #[test]
    fn a_city_has_the_colour_of_its_day_where_it_lies() {
        let dots = [
            dot(-74.0, 8_000_000, Some(1)),
            dot(-90.0, 8_000_000, Some(31)),
            dot(-120.0, 8_000_000, None),
        ];
        let canvas = draw(&dots, &[], "Title", "Subtitle");
        let panel = panels(dots.iter().map(|dot| dot.position), MAP)[0];
        let colours = [plasma(0.0), plasma(1.0), UNKNOWN];
        for (dot, colour) in dots.iter().zip(colours) {
            let (x, y) = panel.point(dot.position);
            let seen = canvas.pixel(x as u32, y as u32).unwrap();
            let off = |a: u8, b: u8| a.abs_diff(b);
            let far = off(seen.red, colour.red)
                .max(off(seen.green, colour.green))
                .max(off(seen.blue, colour.blue));
            assert!(far < 32, "{seen:?} for {colour:?}: only the paper shines through");
        }
    }

    #[test]
    fn the_area_goes_with_the_population() {
        let area = |population| radius(population).powi(2);
        assert!((area(4_000_000) / area(1_000_000) - 4.0).abs() < 1e-4);
    }

    #[test]
    fn a_map_without_infections_and_one_without_cities_are_drawn_too() {
        assert!(draw(&[dot(-90.0, 5, None)], &[], "", "").into_png().starts_with(b"\x89PNG"));
        assert!(draw(&[], &[], "", "").into_png().starts_with(b"\x89PNG"));
    }
}
