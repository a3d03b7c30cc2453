//! The epidemic curve.

use crate::number::grouped;
use crate::outputs::series::DayCounts;

use super::axis::{Scale, ticks};
use super::canvas::{Align, Area, Canvas, Point, TextStyle};
use super::colour::{Colour, GRID, INK, PALE_INK, PAPER};

const WIDTH: u32 = 1_600;
const HEIGHT: u32 = 1_100;
const STATES: Area = Area { left: 170.0, top: 150.0, right: 1_380.0, bottom: 700.0 };
const INFECTIONS: Area = Area { left: 170.0, top: 790.0, right: 1_380.0, bottom: 1_000.0 };

const LABEL: TextStyle = TextStyle::new(24.0, PALE_INK);
const BAR: Colour = Colour::hex(0xC4_4E_52);

/// A line of the upper part.
struct Line {
    name: &'static str,
    colour: Colour,
    of: fn(&DayCounts) -> u32,
}

/// Colours that the colour-blind tell apart too (Okabe and Ito 2008).
const LINES: [Line; 4] = [
    Line { name: "susceptible", colour: Colour::hex(0x00_72_B2), of: |day| day.susceptible },
    Line { name: "exposed", colour: Colour::hex(0xE6_9F_00), of: |day| day.exposed },
    Line { name: "infectious", colour: Colour::hex(0xD5_5E_00), of: |day| day.infectious },
    Line { name: "recovered", colour: Colour::hex(0x00_9E_73), of: |day| day.recovered },
];

/// Draws the states by day above, the new infections a day below.
#[must_use]
pub fn draw(series: &[DayCounts], title: &str, subtitle: &str) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
    canvas.text(title, (STATES.left, 64.0), TextStyle::new(40.0, INK).bold());
    canvas.text(subtitle, (STATES.left, 106.0), TextStyle::new(26.0, PALE_INK));
    draw_states(&mut canvas, series);
    draw_infections(&mut canvas, series);
    canvas
}

fn draw_states(canvas: &mut Canvas, series: &[DayCounts]) {
    let people = series.iter().map(|day| day.people() as f64).fold(1.0, f64::max);
    let steps = ticks(people, 5);
    let y = Scale { numbers: (0.0, steps[steps.len() - 1]), pixels: (STATES.bottom, STATES.top) };
    let x = day_scale(series, STATES);
    draw_axes(canvas, STATES, (x, y), &steps, "people, at the day's end");

    let lines = LINES.each_ref().map(|line| {
        let point = |day: &DayCounts| (x.pixel(day.day.into()), y.pixel((line.of)(day).into()));
        (line, series.iter().map(point).collect::<Vec<Point>>())
    });
    for (line, points) in &lines {
        canvas.line(points, 5.0, line.colour);
    }
    // The names stand where the lines end, moved apart where they would meet.
    let mut names: Vec<(&Line, f32)> =
        lines.iter().filter_map(|(line, points)| Some((*line, points.last()?.1))).collect();
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (place, name_y) in spread(names.iter().map(|name| name.1).collect(), 34.0, STATES.bottom)
        .into_iter()
        .enumerate()
    {
        let line = names[place].0;
        let style = TextStyle::new(28.0, line.colour).bold();
        canvas.text(line.name, (STATES.right + 18.0, name_y + 9.0), style);
    }
}

fn draw_infections(canvas: &mut Canvas, series: &[DayCounts]) {
    let most = series.iter().map(|day| day.new_infections).max().unwrap_or(0);
    let steps = ticks(f64::from(most.max(1)), 3);
    let y = Scale {
        numbers: (0.0, steps[steps.len() - 1]),
        pixels: (INFECTIONS.bottom, INFECTIONS.top),
    };
    let x = day_scale(series, INFECTIONS);
    draw_axes(canvas, INFECTIONS, (x, y), &steps, "new infections, a day");
    let half = 0.38 * (x.pixel(2.0) - x.pixel(1.0)).min(60.0);
    for day in series {
        let (middle, top) = (x.pixel(day.day.into()), y.pixel(day.new_infections.into()));
        let bar =
            Area { left: middle - half, top, right: middle + half, bottom: INFECTIONS.bottom };
        canvas.area(bar, BAR);
    }
    let below = ((INFECTIONS.left + INFECTIONS.right) / 2.0, INFECTIONS.bottom + 78.0);
    canvas.text("day", below, LABEL.align(Align::Middle));
}

/// Half a day is left free at both ends, where a bar needs it.
fn day_scale(series: &[DayCounts], area: Area) -> Scale {
    let last = series.last().map_or(1, |day| day.day).max(2);
    Scale { numbers: (0.5, f64::from(last) + 0.5), pixels: (area.left, area.right) }
}

fn draw_axes(canvas: &mut Canvas, area: Area, (x, y): (Scale, Scale), steps: &[f64], name: &str) {
    for &step in steps {
        let height = y.pixel(step);
        canvas.line(&[(area.left, height), (area.right, height)], 1.5, GRID);
        let place = (area.left - 14.0, height + 8.0);
        canvas.text(&grouped(step), place, LABEL.align(Align::End));
    }
    canvas.line(&[(area.left, area.bottom), (area.right, area.bottom)], 2.0, PALE_INK);
    let days = x.numbers.1.floor();
    for day in ticks(days, 12).into_iter().filter(|&day| day <= days) {
        let day = day.max(1.0);
        let across = x.pixel(day);
        canvas.line(&[(across, area.bottom), (across, area.bottom + 8.0)], 2.0, PALE_INK);
        let place = (across, area.bottom + 38.0);
        canvas.text(&grouped(day), place, LABEL.align(Align::Middle));
    }
    let beside = (area.left - 130.0, (area.top + area.bottom) / 2.0);
    canvas.text(name, beside, LABEL.align(Align::Middle).upward());
}

/// Moves rising places apart by at least `gap`, none below `bottom`.
fn spread(mut places: Vec<f32>, gap: f32, bottom: f32) -> Vec<f32> {
    for place in 1..places.len() {
        places[place] = places[place].max(places[place - 1] + gap);
    }
    let mut limit = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A logistic epidemic.
    pub(super) fn series(days: u32) -> Vec<DayCounts> {
        let ever = |day: f64| 890_000.0 / (1.0 + (-(day - 25.0) / 3.0).exp());
        (1..=days)
            .map(|day| {
                let at = |back: f64| ever(f64::from(day) - back) as u32;
                DayCounts {
                    day,
                    susceptible: 1_000_000 - at(0.0),
                    exposed: at(0.0) - at(1.0),
                    infectious: at(1.0) - at(3.0),
                    recovered: at(3.0),
                    in_flight: 900,
                    new_infections: at(0.0) - at(1.0),
                }
            })
            .collect()
    }

    #[test]
    fn the_curve_is_drawn_in_its_colours() {
        let canvas = draw(&series(60), "An epidemic", "1,000,000 people");
        let seen =
            |colour| (0..WIDTH).any(|x| (0..HEIGHT).any(|y| canvas.pixel(x, y) == Some(colour)));
        assert!(LINES.iter().all(|line| seen(line.colour)));
        assert!(seen(BAR) && seen(INK));
    }

    #[test]
    fn a_run_of_a_day_and_one_of_none_have_a_picture_too() {
        assert!(draw(&series(1), "", "").into_png().starts_with(b"\x89PNG"));
        assert!(draw(&[], "", "").into_png().starts_with(b"\x89PNG"));
    }

    #[test]
    fn names_do_not_meet() {
        let places = spread(vec![10.0, 11.0, 50.0, 99.0, 100.0], 20.0, 100.0);
        assert_eq!(places, [10.0, 30.0, 50.0, 80.0, 100.0]);
    }
}
