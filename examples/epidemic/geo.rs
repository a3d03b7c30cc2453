//! Places on a spherical Earth.

use serde::{Deserialize, Serialize};

/// The mean radius of the Earth in kilometres (IUGG), which the model takes for a sphere.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// A statute mile in kilometres.
pub const KM_PER_MILE: f64 = 1.609_344;

/// A point on the Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees north of the equator, from -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, from -180 to 180.
    pub longitude: f64,
}

impl Position {
    /// Measures the great-circle distance to another point in kilometres.
    ///
    /// By the haversine formula, which stays exact for near points. Only `libm` is used:
    /// the distance decides who belongs to which airport, and so feeds state.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let half_sine = |degrees: f64| libm::sin(degrees.to_radians() / 2.0);
        let up = half_sine(other.latitude - self.latitude);
        let across = half_sine(other.longitude - self.longitude);
        let cosines =
            libm::cos(self.latitude.to_radians()) * libm::cos(other.latitude.to_radians());
        let haversine = up * up + cosines * across * across;
        2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(haversine.min(1.0)))
    }

    /// Measures the great-circle distance to another point in statute miles.
    #[must_use]
    pub fn distance_mi(self, other: Self) -> f64 {
        self.distance_km(other) / KM_PER_MILE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(latitude: f64, longitude: f64) -> Position {
        Position { latitude, longitude }
    }

    #[test]
    fn known_arcs_have_their_length() {
        let quarter = EARTH_RADIUS_KM * core::f64::consts::FRAC_PI_2;
        assert!((at(0.0, 0.0).distance_km(at(90.0, 13.0)) - quarter).abs() < 1e-6);
        assert!((at(0.0, -45.0).distance_km(at(0.0, 45.0)) - quarter).abs() < 1e-6);
        assert!((at(10.0, 0.0).distance_km(at(-10.0, 180.0)) - 2.0 * quarter).abs() < 1e-3);
        assert_eq!(at(40.7, -74.0).distance_km(at(40.7, -74.0)), 0.0);
    }

    #[test]
    fn the_way_back_is_as_long_and_the_date_line_is_no_border() {
        let (fiji, samoa) = (at(-17.8, 178.0), at(-13.8, -172.0));
        assert_eq!(fiji.distance_km(samoa), samoa.distance_km(fiji));
        assert!(fiji.distance_mi(samoa) < 750.0);
    }
}
