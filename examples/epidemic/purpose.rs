//! What a draw is for.

/// Names the use of a draw: the last word of its counter.
///
/// Two uses never share a number, because each has a constant of its own. The
/// constants are part of what makes a run repeatable: a new use gets a new number,
/// and no number is given out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// A person: which airport of the home city it flies from.
    HomeAirport = 1,
    /// A person: whether it is among the first cases.
    FirstCase = 2,
    /// A person: how much exposure it resists, see [`Hazard`](crate::hazard::Hazard).
    Resistance = 3,
    /// A person: how long it is infected without infecting others.
    LatentTime = 4,
    /// A person: how long it infects others.
    InfectiousTime = 5,
    /// A person at home: when its turn to fly comes, see
    /// [`DepartureBoard`](crate::departure_board::DepartureBoard).
    DepartureClock = 6,
    /// A flight: how many people want to board.
    Passengers = 7,
    /// A person: the city that it visits.
    VisitedCity = 8,
    /// A person: how long it stays there.
    Stay = 9,
}
