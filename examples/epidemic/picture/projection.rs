//! Longitude and latitude as places on a map.

use crate::geo::Position;

use super::canvas::{Area, Point};

/// A rectangle of the Earth on a rectangle of the canvas.
///
/// Longitude and latitude are mapped evenly; degrees of longitude are narrowed by the
/// cosine of the middle latitude, so that shapes there are true (equirectangular).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
    region: Region,
    /// Where it is drawn.
    pub area: Area,
    /// What an inset shows; empty for the main map.
    pub name: &'static str,
    /// Degrees between two lines of the graticule.
    step: f64,
}

/// A rectangle of the Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Region {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

const CONTIGUOUS: Region = Region { west: -126.0, east: -66.0, south: 24.0, north: 50.0 };
const ALASKA: Region = Region { west: -170.0, east: -129.0, south: 53.0, north: 72.0 };
const HAWAII: Region = Region { west: -161.0, east: -154.0, south: 18.4, north: 22.8 };

/// Chooses the panels for these positions within an area of the canvas.
///
/// The United States get insets for Alaska and Hawaii in the corner below California, where
/// the map is empty. Anything else gets one panel that holds all of it.
pub(crate) fn panels(positions: impl Iterator<Item = Position> + Clone, area: Area) -> Vec<Panel> {
    let states = [CONTIGUOUS, ALASKA, HAWAII];
    let is_american = |position| states.iter().any(|region| region.holds(position));
    if !positions.clone().all(is_american) {
        return vec![Panel::fit(Region::around(positions), area, 10.0)];
    }
    let main = Panel::fit(CONTIGUOUS, area, 10.0);
    let (left, bottom) = (main.area.left + 14.0, main.area.bottom - 14.0);
    let inset = |left: f32, width: f32, height: f32| Area {
        left,
        top: bottom - height,
        right: left + width,
        bottom,
    };
    let alaska = Panel::fit_low("Alaska", ALASKA, inset(left, 200.0, 200.0));
    let hawaii = Panel::fit_low("Hawaii", HAWAII, inset(alaska.area.right + 12.0, 190.0, 160.0));
    vec![main, alaska, hawaii]
}

impl Panel {
    /// Fits a region into an area, at its upper left.
    fn fit(region: Region, area: Area, step: f64) -> Self {
        let (width, height) = region.size();
        let scale = (f64::from(area.width()) / width).min(f64::from(area.height()) / height);
        let (right, bottom) =
            (area.left + (width * scale) as f32, area.top + (height * scale) as f32);
        Self { region, area: Area { right, bottom, ..area }, name: "", step }
    }

    /// Fits an inset into an area, at its lower left; it has no graticule.
    fn fit_low(name: &'static str, region: Region, area: Area) -> Self {
        let panel = Self::fit(region, area, f64::INFINITY);
        let down = area.bottom - panel.area.bottom;
        let (top, bottom) = (panel.area.top + down, panel.area.bottom + down);
        Self { area: Area { top, bottom, ..panel.area }, name, ..panel }
    }

    /// Tells whether a position lies in the panel.
    #[must_use]
    pub fn holds(&self, position: Position) -> bool {
        self.region.holds(position)
    }

    /// Tells whether it is drawn over another panel.
    #[must_use]
    pub fn is_inset(&self) -> bool {
        self.step.is_infinite()
    }

    /// Finds the place of a position.
    #[must_use]
    pub fn point(&self, position: Position) -> Point {
        let Region { west, east, south, north } = self.region;
        let across = (position.longitude - west) / (east - west);
        let down = (north - position.latitude) / (north - south);
        let area = self.area;
        (area.left + across as f32 * area.width(), area.top + down as f32 * area.height())
    }

    /// The longitudes to draw a line at.
    pub fn meridians(&self) -> impl Iterator<Item = f64> {
        multiples(self.step, self.region.west, self.region.east)
    }

    /// The latitudes to draw a line at.
    pub fn parallels(&self) -> impl Iterator<Item = f64> {
        multiples(self.step, self.region.south, self.region.north)
    }
}

impl Region {
    /// The smallest region, with a margin, that holds all positions.
    fn around(positions: impl Iterator<Item = Position>) -> Self {
        let nothing = Self {
            west: f64::INFINITY,
            east: f64::NEG_INFINITY,
            south: f64::INFINITY,
            north: f64::NEG_INFINITY,
        };
        let tight = positions.fold(nothing, |region, position| Self {
            west: region.west.min(position.longitude),
            east: region.east.max(position.longitude),
            south: region.south.min(position.latitude),
            north: region.north.max(position.latitude),
        });
        let margin = 0.05 * (tight.east - tight.west).max(tight.north - tight.south) + 0.5;
        Self {
            west: tight.west - margin,
            east: tight.east + margin,
            south: (tight.south - margin).max(-90.0),
            north: (tight.north + margin).min(90.0),
        }
    }

    fn holds(&self, position: Position) -> bool {
        (self.west..=self.east).contains(&position.longitude)
            && (self.south..=self.north).contains(&position.latitude)
    }

    /// Width and height in degrees of latitude.
    fn size(&self) -> (f64, f64) {
        let middle = ((self.south + self.north) / 2.0).to_radians();
        ((self.east - self.west) * middle.cos(), self.north - self.south)
    }
}

/// The multiples of `step` between two numbers, ends excluded.
fn multiples(step: f64, from: f64, to: f64) -> impl Iterator<Item = f64> {
    let (first, last) = if step.is_finite() {
        ((from / step).floor() as i32 + 1, (to / step).ceil() as i32)
    } else {
        (0, 0)
    };
    (first..last).map(move |multiple| f64::from(multiple) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, right: 1_500.0, bottom: 1_000.0 };
    const NEW_YORK: Position = Position { latitude: 40.7, longitude: -74.0 };
    const HONOLULU: Position = Position { latitude: 21.3, longitude: -157.9 };
    const PARIS: Position = Position { latitude: 48.9, longitude: 2.35 };

    #[test]
    fn america_has_insets_and_the_world_has_none() {
        assert_eq!(panels([NEW_YORK, HONOLULU].into_iter(), AREA).len(), 3);
        let [world] = panels([NEW_YORK, PARIS].into_iter(), AREA)[..] else { panic!("one panel") };
        assert!(world.holds(NEW_YORK) && world.holds(PARIS));
        let ((x, y), (further, up)) = (world.point(NEW_YORK), world.point(PARIS));
        assert!(further > x && up < y, "east is right, north is up");
    }

    #[test]
    fn panels_stay_in_their_area() {
        for panel in panels([NEW_YORK].into_iter(), AREA) {
            let Area { left, top, right, bottom } = panel.area;
            assert!(left >= 0.0 && top >= 0.0 && right <= 1_500.0 && bottom <= 1_000.0);
            assert!(panel.area.width() > 100.0 && panel.area.height() > 60.0);
        }
    }

    #[test]
    fn one_place_alone_has_a_map_too() {
        let [panel] = panels([PARIS].into_iter(), AREA)[..] else { panic!("one panel") };
        let (x, y) = panel.point(PARIS);
        assert!(x > 0.0 && x < 1_500.0 && y > 0.0 && y < 1_000.0);
    }

    #[test]
    fn the_graticule_is_at_tens_of_degrees() {
        let main = panels([NEW_YORK].into_iter(), AREA)[0];
        assert!(main.meridians().eq([-120.0, -110.0, -100.0, -90.0, -80.0, -70.0]));
        assert!(main.parallels().eq([30.0, 40.0]));
    }
}
