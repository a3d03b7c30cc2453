//! Leaving for home, when a stay is over.

use ecs::prelude::*;

use super::components::{Home, InFlight, Place, Susceptible, Visiting};
use super::exchange::Exchange;
use super::state::{Now, Places};
use crate::hazard::Hazard;
use crate::input::cities::CityIndex;

/// Visitors who are looked at in one piece of work.
const PIECE: usize = 8_192;

/// Lets visitors whose stay is over fly home.
pub(super) fn leave_for_home(
    now: Res<Now>,
    hazard: Res<Hazard>,
    mut places: ResMut<Places>,
    mut visitors: Query<(EntityId, &Visiting, &Place, &Home, Option<&Susceptible>)>,
    mut commands: Commands,
) {
    let tick = now.0;
    let pieces = visitors.par_map_chunks_of(PIECE, |people| {
        let mut leaving = Leaving::default();
        people.for_each(|(entity, visit, place, home, susceptible)| {
            if visit.until > tick {
                return;
            }
            let flight = InFlight { until: tick + visit.way_back, way_back: 0 };
            let (city, place) = (place.0, Place(home.city));
            leaving.left.push(city);
            match susceptible {
                Some(threshold) => {
                    let left = hazard.resistance_left(CityIndex(city), threshold.0);
                    leaving.well.push(entity, (flight, place, Susceptible(left)));
                }
                None => leaving.others.push(entity, (flight, place)),
            }
        });
        leaving
    });
    let mut all = Leaving::default();
    for mut piece in pieces {
        all.left.append(&mut piece.left);
        all.well.append(piece.well);
        all.others.append(piece.others);
    }
    all.left.into_iter().for_each(|city| places.leave(city));
    all.well.record(&mut commands);
    all.others.record(&mut commands);
}

/// Those who leave, and from where.
#[derive(Debug, Default)]
struct Leaving {
    well: Exchange<Visiting, (InFlight, Place, Susceptible)>,
    others: Exchange<Visiting, (InFlight, Place)>,
    left: Vec<u16>,
}
