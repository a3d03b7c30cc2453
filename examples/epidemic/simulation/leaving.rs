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
    mut visitors: Query<(EntityId, &Visiting, &mut Place, &Home, Option<&mut Susceptible>)>,
    mut commands: Commands,
) {
    let tick = now.0;
    let pieces = visitors.par_map_chunks_of(PIECE, |people| {
        let (mut leaving, mut left) = (Exchange::<Visiting, InFlight>::new(), Vec::new());
        people.for_each(|(entity, visit, place, home, susceptible)| {
            if visit.until > tick {
                return;
            }
            if let Some(threshold) = susceptible {
                threshold.0 = hazard.resistance_left(CityIndex(place.0), threshold.0);
            }
            left.push(place.0);
            place.0 = home.city;
            leaving.push(entity, InFlight { until: tick + visit.way_back, way_back: 0 });
        });
        (leaving, left)
    });
    let (leaving, left): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
    left.into_iter().flatten().for_each(|city| places.leave(city));
    leaving.into_iter().collect::<Exchange<_, _>>().record(&mut commands);
}
