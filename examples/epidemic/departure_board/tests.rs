use super::*;
use crate::draws::{DrawName, Draws};
use crate::purpose::Purpose;

/// People at home, each with an id, an airport and a clock.
struct Home {
    board: DepartureBoard,
    people: Vec<Candidate<u32>>,
    draws: Draws,
    tick: u32,
    scans: u32,
}

impl Home {
    /// Brings home `people` persons at each of `airports`.
    fn new(seed: u64, airports: u16, people: u32) -> Self {
        let board = DepartureBoard::new(usize::from(airports));
        let draws = Draws::new(seed);
        let mut home = Self { board, people: Vec::new(), draws, tick: 0, scans: 0 };
        for airport in 0..airports {
            (0..people).for_each(|person| home.come(u32::from(airport) * people + person, airport));
        }
        home
    }

    fn come(&mut self, id: u32, airport: u16) {
        let name =
            DrawName { entity: u64::from(id), tick: self.tick, purpose: Purpose::DepartureClock };
        let airport = AirportIndex(airport);
        let clock = self.board.clock(airport, self.draws.exponential(name));
        self.people.push(Candidate { airport, clock, id });
    }

    /// Lets people leave and returns who they are, a list a demand.
    fn leave(&mut self, demands: &[(u16, u32)]) -> Vec<Vec<u32>> {
        self.tick += 1;
        let at_home = |airport| self.people.iter().filter(|p| p.airport == airport).count() as u32;
        let demands: Vec<Demand> = demands
            .iter()
            .map(|&(airport, travellers)| (AirportIndex(airport), travellers))
            .map(|(airport, travellers)| Demand { airport, travellers, at_home: at_home(airport) })
            .collect();
        let (people, scans) = (&self.people, &mut self.scans);
        let chosen = self.board.choose(&demands, |cutoffs, candidates| {
            *scans += 1;
            candidates.extend(people.iter().filter(|p| p.clock < cutoffs[p.airport.index()]));
        });
        self.people.retain(|person| !chosen.iter().flatten().any(|&id| id == person.id));
        chosen
    }
}

#[test]
fn the_smallest_clocks_leave_in_order() {
    let mut home = Home::new(1, 3, 500);
    let mut all = home.people.clone();
    all.sort_by(by_airport_and_clock);
    let chosen = home.leave(&[(2, 40), (0, 0), (1, 1)]);
    let first = |airport, n| -> Vec<u32> {
        of_airport(&all, AirportIndex(airport))[..n].iter().map(|p| p.id).collect()
    };
    assert_eq!(chosen, [first(2, 40), Vec::new(), first(1, 1)]);
}

#[test]
fn everybody_can_leave_and_come_home_again() {
    let mut home = Home::new(2, 1, 30);
    let mut gone = home.leave(&[(0, 30)]).concat();
    assert!(home.people.is_empty());
    gone.iter().for_each(|&id| home.come(id, 0));
    let mut again = home.leave(&[(0, 30)]).concat();
    assert_ne!(gone, again, "the clocks are new");
    gone.sort_unstable();
    again.sort_unstable();
    assert_eq!(gone, again);
}

#[test]
fn the_order_of_the_candidates_does_not_matter() {
    let run = |reverse: bool| {
        let mut home = Home::new(3, 2, 300);
        if reverse {
            home.people.reverse();
        }
        (0..20).map(|_| home.leave(&[(0, 7), (1, 3)])).collect::<Vec<_>>()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_cutoff_that_was_too_low_is_raised() {
    // Clocks that no exponential draw would give: all but one far above the level.
    let mut board = DepartureBoard::new(1);
    let airport = AirportIndex(0);
    let clock = |id: u32| if id == 0 { 0.0 } else { 50.0 + f64::from(id) };
    let demand = Demand { airport, travellers: 3, at_home: 10_000 };
    let mut scans = 0;
    let chosen = board.choose(&[demand], |cutoffs, candidates| {
        scans += 1;
        let people = (0..10_000).map(|id| Candidate { airport, clock: clock(id), id });
        candidates.extend(people.filter(|p| p.clock < cutoffs[0]));
    });
    assert_eq!(chosen, [[0, 1, 2]]);
    assert!(scans > 1);
}

#[test]
#[should_panic(expected = "finds 2 at home")]
fn more_travellers_than_people_are_a_broken_count() {
    let mut board = DepartureBoard::new(1);
    let airport = AirportIndex(0);
    board.choose(&[Demand { airport, travellers: 3, at_home: 3 }], |_, candidates| {
        candidates.extend([1, 2].map(|id| Candidate { airport, clock: 0.5, id }));
    });
}

#[test]
fn one_scan_is_nearly_always_enough() {
    let mut home = Home::new(4, 8, 400);
    let everywhere: Vec<(u16, u32)> = (0..8).map(|airport| (airport, 2)).collect();
    (0..150).for_each(|_| drop(home.leave(&everywhere)));
    assert!(home.scans <= 153, "{} scans for 150 ticks", home.scans);
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
        let first = home.leave(&[(0, 6)]).concat();
        first.iter().for_each(|&id| counts[0][id as usize] += 1);
        // Four of the six come home; two stay away.
        first[..4].iter().for_each(|&id| home.come(id, 0));
        let second = home.leave(&[(0, 5)]).concat();
        second.iter().for_each(|&id| home.come(id, 0));
        first[4..].iter().for_each(|&id| home.come(id, 0));
        second.iter().for_each(|&id| counts[1][id as usize] += 1);
        home.leave(&[(0, 6)]).concat().iter().for_each(|&id| counts[2][id as usize] += 1);
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
        let first = home.leave(&[(0, 4)]).concat();
        home.come(first[0], 0);
        // Seven at home, two of them leave.
        let second = home.leave(&[(0, 2)]).concat();
        returned_leaves += f64::from(u8::from(second.contains(&first[0])));
    }
    let (share, fair) = (returned_leaves / SEEDS as f64, 2.0 / 7.0_f64);
    let error = (fair * (1.0 - fair) / SEEDS as f64).sqrt();
    assert!((share - fair).abs() < 4.0 * error, "{share} is not {fair}");
}
