use super::*;
use crate::draws::{DrawName, Draws};
use crate::purpose::Purpose;
use crate::queues::Turn;

/// People at home, by airport.
struct Home {
    board: DepartureBoard,
    people: Queues<u32>,
    draws: Draws,
    tick: u32,
}

impl Home {
    /// Brings home `people` persons at each of `airports`.
    fn new(seed: u64, airports: u16, people: u32) -> Self {
        let board = DepartureBoard::new(usize::from(airports));
        let people_of = Queues::new(usize::from(airports), []);
        let mut home = Self { board, people: people_of, draws: Draws::new(seed), tick: 0 };
        for airport in 0..airports {
            for person in 0..people {
                home.come(u32::from(airport) * people + person, airport);
            }
        }
        home
    }

    /// Brings somebody home, and returns the clock.
    fn come(&mut self, id: u32, airport: u16) -> f64 {
        let name =
            DrawName { entity: u64::from(id), tick: self.tick, purpose: Purpose::DepartureClock };
        let airport = AirportIndex(airport);
        let level = self.board.clock(airport, self.draws.exponential(name));
        self.people.push(airport.index(), Turn { level, id });
        level
    }

    /// Brings people home to the first airport.
    fn come_all(&mut self, ids: &[u32]) {
        for &id in ids {
            self.come(id, 0);
        }
    }

    /// Lets people leave from an airport and returns who they are.
    fn leave(&mut self, airport: u16, travellers: u32) -> Vec<u32> {
        self.tick += 1;
        let next = |_| self.board.next_to_leave(&mut self.people, AirportIndex(airport));
        (0..travellers).filter_map(next).collect()
    }
}

#[test]
fn the_smallest_clocks_leave_and_the_level_rises_to_the_last() {
    let mut home = Home::new(1, 2, 500);
    let mut clocks: Vec<(f64, u32)> = (1_000..1_200).map(|id| (home.come(id, 0), id)).collect();
    let gone = home.leave(0, 350);
    clocks.sort_by(|a, b| a.0.total_cmp(&b.0));
    clocks.retain(|(_, id)| gone.contains(id));
    let of_those: Vec<u32> = gone.iter().copied().filter(|&id| id >= 1_000).collect();
    assert_eq!(of_those, clocks.iter().map(|&(_, id)| id).collect::<Vec<_>>());
    let level = home.board.clock(AirportIndex(0), 0.0);
    assert!(level >= clocks[clocks.len() - 1].0);
    assert!(home.people.pop(0).unwrap().level >= level, "those who stay are above the level");
    assert_eq!(home.board.clock(AirportIndex(1), 0.0), 0.0, "the other airport has its own");
}

#[test]
fn nobody_leaves_where_nobody_is_at_home() {
    assert_eq!(Home::new(2, 1, 3).leave(0, 5).len(), 3);
}

#[test]
fn everybody_can_leave_and_come_home_again() {
    let mut home = Home::new(2, 1, 30);
    let mut gone = home.leave(0, 30);
    assert_eq!(home.people.len(0), 0);
    home.come_all(&gone);
    let mut again = home.leave(0, 30);
    assert_ne!(gone, again, "the clocks are new");
    gone.sort_unstable();
    again.sort_unstable();
    assert_eq!(gone, again);
}

/// Over many seeds, every person leaves equally often, also in late departures, and
/// after others left and came home: a uniform sample without replacement.
#[test]
fn everybody_leaves_equally_often() {
    const PEOPLE: u32 = 24;
    const SEEDS: u64 = 4_000;
    let mut counts = [[0_u32; PEOPLE as usize]; 3];
    for seed in 0..SEEDS {
        let mut home = Home::new(seed, 1, PEOPLE);
        let first = home.leave(0, 6);
        first.iter().for_each(|&id| counts[0][id as usize] += 1);
        // Four of the six come home; two stay away.
        home.come_all(&first[..4]);
        let second = home.leave(0, 5);
        home.come_all(&second);
        home.come_all(&first[4..]);
        second.iter().for_each(|&id| counts[1][id as usize] += 1);
        home.leave(0, 6).iter().for_each(|&id| counts[2][id as usize] += 1);
    }
    // By symmetry everybody leaves equally often in each round. 23 degrees of freedom:
    // a chi-square above 49.7 has a chance of 0.001.
    for count in counts {
        let expected = f64::from(count.iter().sum::<u32>()) / f64::from(PEOPLE);
        // Drawing without replacement narrows the counts by the share that stays.
        let stay = 1.0 - expected / SEEDS as f64;
        let chi_square: f64 = count
            .iter()
            .map(|&n| (f64::from(n) - expected).powi(2) / (expected * stay))
            .sum::<f64>()
            * f64::from(PEOPLE - 1)
            / f64::from(PEOPLE);
        assert!(chi_square < 49.7, "chi-square {chi_square} of {count:?}");
    }
}

/// Given who left first, everybody who stayed has the same chance to leave next, and one
/// who just came home has it too.
#[test]
fn those_who_stayed_and_those_who_came_home_have_the_same_chance() {
    const SEEDS: u64 = 20_000;
    let mut returned_leaves = 0.0;
    for seed in 0..SEEDS {
        let mut home = Home::new(seed, 1, 10);
        let first = home.leave(0, 4);
        home.come(first[0], 0);
        // Seven at home, two of them leave.
        let second = home.leave(0, 2);
        returned_leaves += f64::from(u8::from(second.contains(&first[0])));
    }
    let (share, fair) = (returned_leaves / SEEDS as f64, 2.0 / 7.0_f64);
    let error = (fair * (1.0 - fair) / SEEDS as f64).sqrt();
    assert!((share - fair).abs() < 4.0 * error, "{share} is not {fair}");
}
