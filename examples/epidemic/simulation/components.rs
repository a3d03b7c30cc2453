//! What entities carry.

use bytemuck::{Pod, Zeroable};
use ecs::Storage;
use ecs::prelude::*;

/// A city: its row in the city file.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::City")]
#[repr(C)]
pub(super) struct City(pub u16);

/// The day of a city's first case.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::FirstCase")]
#[repr(C)]
pub(super) struct FirstCase(pub u32);

/// An airport: its row in the airport file.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Airport")]
#[repr(C)]
pub(super) struct Airport(pub u16);

/// How many flights have left an airport in the first seven days.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Departures")]
#[repr(C)]
pub(super) struct Departures(pub u32);

/// A flight that is repeated weekly: its row in the flight file.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Flight")]
#[repr(C)]
pub(super) struct Flight(pub u32);

/// Where a person lives and flies from.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Home")]
#[repr(C)]
pub(super) struct Home {
    pub city: u16,
    /// [`Home::OUT_OF_REACH`] for who has no airport.
    pub airport: u16,
}

impl Home {
    /// Stands for no airport.
    pub(super) const OUT_OF_REACH: u16 = u16::MAX;
}

/// The city where a person is, or is flying to.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Place")]
#[repr(C)]
pub(super) struct Place(pub u16);

/// Says that a person with an airport is at home, and when its turn to fly comes:
/// see [`DepartureBoard`](crate::departure_board::DepartureBoard).
#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Clock")]
#[repr(C)]
pub(super) struct Clock(pub f64);

/// Says that a person is on board.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::InFlight")]
#[repr(C)]
pub(super) struct InFlight {
    /// The tick of landing.
    pub until: u32,
    /// How many ticks the way back takes; 0 on the way back.
    pub way_back: u32,
}

/// Says that a person is away from home.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Visiting")]
#[repr(C)]
pub(super) struct Visiting {
    /// The tick of departure for home.
    pub until: u32,
    /// How many ticks the way back takes.
    pub way_back: u32,
}

/// Never infected so far: the threshold that the city's hazard must exceed, or on
/// board the resistance that is left; see [`Hazard`](crate::hazard::Hazard).
#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Susceptible")]
#[repr(C)]
pub(super) struct Susceptible(pub f64);

/// Infected, and infectious from a tick on.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Exposed")]
#[repr(C)]
pub(super) struct Exposed {
    pub until: u32,
}

/// Infecting others, until a tick.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Infectious")]
#[repr(C)]
pub(super) struct Infectious {
    pub until: u32,
}

/// No longer infecting others, and immune.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[component(pod, name = "epidemic::Recovered")]
#[repr(C)]
pub(super) struct Recovered;

/// Names every component to the process, before a checkpoint is read.
pub(super) fn register<S: Storage>(world: &mut World<S>) {
    world.register::<(City, FirstCase, Airport, Departures, Flight)>();
    world.register::<(Home, Place, Clock, InFlight, Visiting)>();
    world.register::<(Susceptible, Exposed, Infectious, Recovered)>();
}
