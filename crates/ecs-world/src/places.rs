//! How far systems are in a world: part of its state, so that a world that is
//! saved and restored, or forked, goes on as if nothing had happened.
//!
//! A system is known by its name, which it was given or which is the path of its
//! function, and by its number among those of that name. For each the world keeps when
//! it ran last, and which event each of its readers gets next. The system shares these
//! numbers as long as it lives; those that a snapshot brings wait for a system of that
//! name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_storage_api::Version;
use serde::{Deserialize, Serialize};

/// A number that a system and a world share.
pub(crate) type Place = Arc<AtomicU64>;

/// How many ticks a system is waited for that a snapshot knows.
const PATIENCE: u32 = 1_000;

/// So many names are kept without asking whose they are.
const FEW_NAMES: usize = 64;

/// How far the systems are that run on a world, by their names.
#[derive(Debug, Default)]
pub(crate) struct Places {
    systems: BTreeMap<String, Vec<SystemPlaces>>,
    /// With so many names, those of which all systems are gone are looked for.
    full: usize,
    /// How many ticks it takes at most until none is waited for.
    patience: u32,
    /// The store of the world, by its identity; 0 if it is not known.
    store: u64,
    /// The sub-schedules whose systems are being prepared.
    path: Vec<String>,
    /// Which system is being prepared, and which of its places comes next.
    preparing: Option<(String, usize, usize)>,
}

/// How far a system is: first when it ran last, then what its readers get next.
#[derive(Debug)]
struct SystemPlaces {
    /// Which system it is in this process, if one has come.
    owner: Option<u64>,
    /// Whether that has the places too, or had.
    shared: bool,
    /// How many ticks it is still waited for, if it has not come.
    patience: u32,
    places: Vec<Place>,
}

/// How far a system is, as a snapshot keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedPlaces {
    /// How many versions ago it ran last, and one more; 0 for never.
    last_run: u64,
    /// The numbers of the events that its readers get next.
    readers: Vec<u64>,
}

/// All places of a world, as a snapshot keeps them.
pub(crate) type SavedSystems = BTreeMap<String, Vec<SavedPlaces>>;

impl SystemPlaces {
    /// Makes one of a system that has not come, and is waited for.
    fn expected(patience: u32) -> Self {
        Self { owner: None, shared: false, patience, places: Vec::new() }
    }

    /// Tells whether it may still come.
    fn is_expected(&self) -> bool {
        self.owner.is_none() && self.patience > 0
    }

    /// Tells whether the system is gone.
    fn is_orphaned(&self) -> bool {
        self.shared && self.places.iter().all(|place| Arc::strong_count(place) == 1)
    }
}

impl Places {
    /// Says that systems of a sub-schedule are prepared from now on.
    pub(crate) fn enter(&mut self, sub_schedule: &str) {
        self.path.push(sub_schedule.to_owned());
    }

    /// Says that the sub-schedule's systems are prepared.
    pub(crate) fn leave(&mut self) {
        self.path.pop();
    }

    /// Begins to prepare a system, whose number nobody else has in this process.
    /// The places are those that it had here, or those of a system of its name that
    /// has not come yet, or new ones.
    pub(crate) fn prepare(&mut self, system: &str, owner: u64) {
        let name = match &self.path[..] {
            [] => system.to_owned(),
            path => format!("{}/{system}", path.join("/")),
        };
        self.make_room();
        let named = self.systems.entry(name.clone()).or_default();
        named.retain(|system| !system.is_orphaned());
        let known = named.iter().position(|system| system.owner == Some(owner));
        let known = known.or_else(|| named.iter().position(SystemPlaces::is_expected));
        let known = known.unwrap_or_else(|| {
            named.push(SystemPlaces::expected(0));
            named.len() - 1
        });
        (named[known].owner, named[known].shared) = (Some(owner), true);
        self.preparing = Some((name, known, 0));
    }

    /// Forgets the names of which all systems are gone, once there are twice as many as
    /// stayed the last time: names can be made at run time.
    fn make_room(&mut self) {
        if self.systems.len() < self.full.max(FEW_NAMES) {
            return;
        }
        self.systems.retain(|_, systems| {
            systems.retain(|system| !system.is_orphaned());
            !systems.is_empty()
        });
        self.full = 2 * self.systems.len();
    }

    /// Returns the next place of the system that is being prepared, and whether it has
    /// waited for the system since a snapshot brought it.
    ///
    /// # Panics
    /// If none is.
    pub(crate) fn next(&mut self) -> (Place, bool) {
        let (name, known, next) = self.preparing.as_mut().expect("a system is being prepared");
        let system = &mut self.systems.get_mut(name).expect("it was put in")[*known];
        *next += 1;
        if system.places.len() < *next {
            system.places.push(Place::default());
            return (system.places[*next - 1].clone(), false);
        }
        let place = &system.places[*next - 1];
        let has_waited = Arc::strong_count(place) == 1;
        (Arc::clone(place), has_waited)
    }

    /// Tells whether a system is to come that reads events: none may be dropped.
    pub(crate) fn expect_readers(&self) -> bool {
        let expected = |system: &SystemPlaces| system.is_expected() && system.places.len() > 1;
        self.patience > 0 && self.systems.values().flatten().any(expected)
    }

    /// Counts a tick. Systems that have not come for long are those of another
    /// program.
    pub(crate) fn end_tick(&mut self) {
        if self.patience > 0 {
            self.patience -= 1;
            let systems = self.systems.values_mut().flatten();
            systems.for_each(|system| system.patience = system.patience.saturating_sub(1));
        }
    }

    /// Gets to know the store of the world. Tells whether it is another than before: then
    /// everything in it is new to all systems.
    #[inline]
    pub(crate) fn meet(&mut self, store: u64) -> bool {
        let before = std::mem::replace(&mut self.store, store);
        let is_another = before != store && before != 0;
        if is_another {
            self.begin_anew();
        }
        is_another
    }

    #[cold]
    fn begin_anew(&self) {
        let last_runs = self.systems.values().flatten().filter_map(|system| system.places.first());
        last_runs.for_each(|last_run| store(last_run, 0));
    }

    /// Returns all of them for a snapshot of a world whose store is at `present`,
    /// and whose history begins at `origin`.
    pub(crate) fn save(&self, present: Version, origin: Version) -> SavedSystems {
        let save = |system: &SystemPlaces| {
            let (last_run, readers) = system.places.split_first()?;
            let version = load(last_run);
            let ago = (present.get() + 1).saturating_sub(version);
            Some(SavedPlaces {
                last_run: if version <= origin.get() { 0 } else { ago },
                readers: readers.iter().map(load).collect(),
            })
        };
        let systems = self.systems.iter().map(|(name, systems)| {
            let living = systems.iter().filter(|system| match system.owner {
                Some(_) => !system.is_orphaned(),
                None => system.is_expected(),
            });
            (name.clone(), living.filter_map(save).collect::<Vec<_>>())
        });
        systems.filter(|(_, systems)| !systems.is_empty()).collect()
    }

    /// Takes over what a snapshot holds, for a world with a store that is at `present`:
    /// systems that are here go on from there, others when they come. To those of
    /// which the snapshot knows nothing, everything is new. Systems that were waited for
    /// before are not waited for any longer: a world that is restored again and again would
    /// keep all events.
    pub(crate) fn restore(&mut self, saved: SavedSystems, store_identity: u64, present: Version) {
        (self.patience, self.store) = (PATIENCE, store_identity);
        let mut waited: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (name, systems) in &mut self.systems {
            let absent = systems.iter().filter(|system| system.owner.is_none());
            waited.insert(name.clone(), absent.map(|system| system.patience).collect());
            systems.retain(|system| system.owner.is_some() && !system.is_orphaned());
            systems.iter().flat_map(|system| &system.places).for_each(|place| store(place, 0));
        }
        for (name, saved) in saved {
            let mut waited = waited.remove(&name).unwrap_or_default().into_iter();
            let systems = self.systems.entry(name).or_default();
            for (n, SavedPlaces { last_run, readers }) in saved.into_iter().enumerate() {
                if n == systems.len() {
                    systems.push(SystemPlaces::expected(waited.next().unwrap_or(PATIENCE)));
                }
                let last_run = match last_run {
                    0 => 0,
                    ago => (present.get() + 1).saturating_sub(ago),
                };
                let places = &mut systems[n].places;
                for (at, value) in [last_run].into_iter().chain(readers).enumerate() {
                    match places.get(at) {
                        Some(place) => store(place, value),
                        None => places.push(Place::new(value.into())),
                    }
                }
            }
        }
    }
}

// Relaxed: systems do not run meanwhile, or the number is the system's own.

pub(crate) fn load(place: &Place) -> u64 {
    place.load(Ordering::Relaxed)
}

pub(crate) fn store(place: &Place, value: u64) {
    place.store(value, Ordering::Relaxed);
}

/// A place in each world that a system has met.
#[derive(Debug, Default)]
pub(crate) struct PlaceByWorld {
    /// In the present world, and which that is.
    here: Option<(u64, Place)>,
    elsewhere: Vec<(u64, Place)>,
}

impl PlaceByWorld {
    /// Takes the place in a world, which is the present one from now on.
    pub(crate) fn enter(&mut self, world: u64, place: Place) {
        self.elsewhere.extend(self.here.replace((world, place)));
        // Nobody else knows the places in worlds that are gone.
        self.elsewhere.retain(|(known, place)| *known != world && Arc::strong_count(place) > 1);
    }

    /// Returns the place in the present world.
    ///
    /// # Panics
    /// If no world was entered.
    #[inline]
    pub(crate) fn here(&self) -> &Place {
        &self.here.as_ref().expect("a system is prepared for a world").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_whose_systems_are_gone_are_forgotten() {
        let mut places = Places::default();
        places.prepare("stays", 1);
        let _stays = places.next();
        for owner in 2..10_000 {
            places.prepare(&format!("load {owner}"), owner);
            places.next();
        }
        assert!(places.systems.contains_key("stays"));
        assert!(places.systems.len() <= FEW_NAMES);
    }
}
