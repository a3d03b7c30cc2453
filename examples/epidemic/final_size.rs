//! What is known of an epidemic's end.

/// Finds the share of a closed, well mixed population that is ever infected.
///
/// It is the positive root of `z = 1 - exp(-R0 z)`, or 0 when R0 is at most 1 (Kermack and
/// McKendrick 1927; it holds whatever the latent and the infectious time, see Ma and
/// Earn, Bulletin of Mathematical Biology 68, 2006). The simulation must come to it with one
/// city and no flights, as the population grows and the share of first cases falls.
#[must_use]
pub fn final_size(r0: f64) -> f64 {
    if r0 <= 1.0 {
        return 0.0;
    }
    // From the right the iteration falls to the root without passing it.
    let mut share = 1.0;
    loop {
        let next = 1.0 - libm::exp(-r0 * share);
        if share - next < 1e-15 {
            return next;
        }
        share = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::draws::{DrawName, Draws};
    use crate::hazard::{Hazard, overcomes};
    use crate::input::cities::CityIndex;
    use crate::purpose::Purpose;

    #[test]
    fn known_roots_are_found() {
        for (r0, share) in
            [(0.5, 0.0), (1.0, 0.0), (1.5, 0.582_812), (2.0, 0.796_812), (2.5, 0.892_645)]
        {
            assert!((final_size(r0) - share).abs() < 1e-6, "{r0}");
        }
        assert!((0.0..0.05).contains(&final_size(1.02)));
    }

    /// The rules of the model without an engine: one city, nobody travels.
    fn attack_rate(seed: u64, people: u32, r0: f64) -> f64 {
        let (draws, calendar, city) = (Draws::new(seed), Calendar::new(60), CityIndex(0));
        let time = |person: u32, tick, purpose, days: f64| {
            let draw = draws.exponential(DrawName { entity: u64::from(person), tick, purpose });
            calendar.duration(draw * days * 1_440.0)
        };
        let mut hazard = Hazard::new(1);
        let resistance = |person: &u32| {
            let purpose = Purpose::Resistance;
            draws.exponential(DrawName { entity: u64::from(*person), tick: 0, purpose })
        };
        let (mut susceptible, mut exposed, mut infectious) = (Vec::new(), Vec::new(), Vec::new());
        for person in 0..people {
            if person < people / 400 {
                exposed.push((person, time(person, 0, Purpose::LatentTime, 1.0)));
            } else {
                susceptible.push((person, hazard.threshold(city, resistance(&person))));
            }
        }
        let mut tick = 0;
        while !(exposed.is_empty() && infectious.is_empty()) {
            infectious.retain(|&(_, until)| until > tick);
            exposed.retain(|&(person, until)| {
                if until <= tick {
                    infectious
                        .push((person, tick + time(person, tick, Purpose::InfectiousTime, 2.0)));
                }
                until > tick
            });
            hazard.expose(city, infectious.len() as u32, people, r0 / 2.0, calendar.tick_days());
            susceptible.retain(|&(person, threshold)| {
                let infected = overcomes(hazard.sums()[0], threshold);
                if infected {
                    exposed.push((person, tick + 1 + time(person, tick, Purpose::LatentTime, 1.0)));
                }
                !infected
            });
            tick += 1;
        }
        1.0 - susceptible.len() as f64 / f64::from(people)
    }

    #[test]
    fn the_rules_come_to_the_final_size() {
        for r0 in [1.6, 2.5] {
            let rates = (0..4).map(|seed| attack_rate(seed, 20_000, r0));
            let mean = rates.sum::<f64>() / 4.0;
            // Deviations of one run: about 0.008 at 1.6, 0.003 at 2.5; first cases add 0.003.
            assert!((mean - final_size(r0)).abs() < 0.015, "{mean} for R0 {r0}");
        }
    }
}
