//! Random systems.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ecs_core::EntityId;
use ecs_storage_api::{Filter, Query, With, Without};
use ecs_world::{
    EventReader, EventWriter, IntoSystemConfig, Local, ParQuery, QuerySet, Res, ResMut,
    SystemConfig, World,
};

use crate::components::{Acc, P0, P1, P2, P3, P4, P5, Value, mix};
use crate::merging::Merged;

pub(crate) const LABELS: [&str; 3] = ["early", "middle", "late"];

/// Counts the runs of systems on other threads than the one that made them.
pub(crate) static HANDED_OVER: AtomicUsize = AtomicUsize::new(0);

/// What a system does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Mix,
    MixInParallel,
    ById,
    Set,
    Fold,
    FoldMore,
    Apply,
    Spawn,
    Change,
    Batches,
    ChangeInParallel,
    Send,
    Read,
    Exclusive,
}

const KINDS: [Kind; 16] = [
    Kind::Mix,
    Kind::MixInParallel,
    Kind::ById,
    Kind::Set,
    Kind::Fold,
    Kind::FoldMore,
    Kind::Apply,
    Kind::Spawn,
    Kind::Spawn,
    Kind::Change,
    Kind::Batches,
    Kind::ChangeInParallel,
    Kind::ChangeInParallel,
    Kind::Send,
    Kind::Read,
    Kind::Exclusive,
];

/// A system: what it does, to what, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Description {
    kind: Kind,
    target: u8,
    far: bool,
    filter: u8,
    /// A number from 2 on that what it does depends on.
    k: u64,
    delay: Duration,
    label: Option<&'static str>,
    after: Option<&'static str>,
    every: Option<(u64, u64)>,
    conditional: bool,
    pub(crate) second_phase: bool,
}

impl From<[u8; 11]> for Description {
    fn from(bytes: [u8; 11]) -> Self {
        let [kind, target, far, filter, k, delay, label, after, every, condition, phase] = bytes;
        let second_phase = phase % 5 == 0;
        // Labels order the systems of the first phase alone.
        let label = if second_phase { LABELS.len() } else { usize::from(label) % 6 };
        // Nothing is after what is after it.
        let after = (usize::from(after) % 4 < label.min(3)).then(|| LABELS[usize::from(after) % 4]);
        let n = u64::from(every) % 8;
        Self {
            kind: KINDS[usize::from(kind) % KINDS.len()],
            target: target % 6,
            far: far % 2 == 1,
            filter: filter % 3,
            k: u64::from(k) % 9 + 2,
            delay: Duration::from_micros([0, 0, 0, 100, 300][usize::from(delay) % 5]),
            after: if label < 3 { after } else { None },
            label: LABELS.get(label).copied(),
            every: (n == 2 || n == 3).then(|| (n, u64::from(every) / 8 % n)),
            conditional: condition % 6 == 0,
            second_phase,
        }
    }
}

/// When a system ends, and where it runs.
#[derive(Clone, Copy)]
struct Pace {
    home: ThreadId,
    delay: Duration,
}

impl Pace {
    /// Holds the system up, so that others overtake it.
    fn hold_up(self) {
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        if thread::current().id() != self.home {
            HANDED_OVER.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An event.
struct Note(u64);

impl Description {
    pub(crate) fn records_commands(&self) -> bool {
        use Kind::{Batches, Change, ChangeInParallel, Spawn};
        matches!(self.kind, Spawn | Change | Batches | ChangeInParallel)
    }

    pub(crate) fn is_exclusive(&self) -> bool {
        self.kind == Kind::Exclusive
    }

    /// Makes the system; `jitter` holds some up.
    pub(crate) fn config(&self, jitter: bool) -> SystemConfig {
        let delay = if jitter { self.delay } else { Duration::ZERO };
        let pace = Pace { home: thread::current().id(), delay };
        let mut config = match (self.kind.is_parallel(), self.target) {
            (true, target) => match target % 3 {
                0 => self.parallel::<P0>(pace),
                1 => self.parallel::<P1>(pace),
                _ => self.parallel::<P2>(pace),
            },
            (false, 0) => self.serial::<P0>(pace),
            (false, 1) => self.serial::<P1>(pace),
            (false, 2) => self.serial::<P2>(pace),
            (false, 3) => self.serial::<P3>(pace),
            (false, 4) => self.serial::<P4>(pace),
            (false, _) => self.serial::<P5>(pace),
        };
        if let Some(label) = self.label {
            config = config.label(label);
        }
        if let Some(after) = self.after {
            config = config.after(after);
        }
        if let Some((n, offset)) = self.every {
            config = config.every_offset(n, offset);
        }
        if self.conditional {
            config = config.run_if(|acc: Res<Acc<1>>| !acc.word.is_multiple_of(3));
        }
        config
    }

    /// Systems that iterate in parallel: on the components that have rows for
    /// several pieces.
    fn parallel<T: Value>(&self, pace: Pace) -> SystemConfig {
        let k = self.k;
        match self.kind {
            Kind::MixInParallel => mix_in_parallel::<T>(k, pace),
            Kind::Fold => fold::<T, 0>(k, pace),
            Kind::FoldMore => fold::<T, 1>(k, pace),
            Kind::Apply => apply::<T, 0>(pace),
            _ => change_in_parallel::<T>(k, pace),
        }
    }

    fn serial<T: Value>(&self, pace: Pace) -> SystemConfig {
        let k = self.k;
        match self.kind {
            Kind::Mix => match self.filter {
                0 => mix_serially::<T, ()>(k, pace),
                1 => mix_serially::<T, With<T::Far>>(k, pace),
                _ => mix_serially::<T, Without<T::Far>>(k, pace),
            },
            Kind::ById => by_id::<T>(k, pace),
            Kind::Set => set::<T>(k, pace),
            Kind::Spawn => spawn::<T>(k, pace),
            Kind::Change => change::<T>(k, pace),
            Kind::Batches => batches::<T>(k, pace),
            Kind::Send => send::<T>(k, pace),
            Kind::Read if self.far => read::<1>(pace),
            Kind::Read => read::<2>(pace),
            _ => exclusive::<T>(k),
        }
    }
}

impl Kind {
    fn is_parallel(self) -> bool {
        use Kind::{Apply, ChangeInParallel, Fold, FoldMore, MixInParallel};
        matches!(self, MixInParallel | Fold | FoldMore | Apply | ChangeInParallel)
    }
}

/// Writes one component of rows, and reads another where there is one.
fn mix_serially<T: Value, F: Filter>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |mut rows: Query<(&mut T, Option<&T::Next>), F>| {
        rows.for_each(|(t, s)| *t.number_mut() = mix(t.number(), s.map_or(k, T::Next::number)));
        pace.hold_up();
    };
    system.into_config()
}

/// The same from several threads.
fn mix_in_parallel<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |mut rows: Query<(&mut T, Option<&T::Next>)>| {
        rows.par_for_each(|(t, s)| *t.number_mut() = mix(t.number(), s.map_or(k, T::Next::number)));
        pace.hold_up();
    };
    system.into_config()
}

/// Writes a chain of rows, found by their ids.
fn by_id<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |ids: Query<EntityId, With<T>>, mut rows: Query<&mut T>| {
        let mut last = k;
        for entity in ids.iter().step_by(k as usize) {
            let number = rows.get_mut(entity).expect("it matched").number_mut();
            *number = mix(*number, last);
            last = *number;
        }
        pace.hold_up();
    };
    system.into_config()
}

/// Reads and writes the same rows through several queries.
fn set<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    type Queries<'w, T> = QuerySet<
        'w,
        (Query<'static, &'static T>, Query<'static, (&'static mut T, &'static <T as Value>::Next)>),
    >;
    let system = move |mut set: Queries<T>| {
        let sum = set.first().iter().fold(k, |sum, t| mix(sum, t.number()));
        set.second().for_each(|(t, s)| *t.number_mut() ^= mix(s.number(), sum));
        pace.hold_up();
    };
    system.into_config()
}

/// Sums that no two orders give alike.
fn fold<T: Value, const N: usize>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |mut rows: Query<&T>, mut acc: ResMut<Acc<N>>| {
        let (single, double) = rows.par_fold(
            || (0f32, 0f64),
            |(single, double), t| {
                let number = (t.number() % 100_003) as f64 / k as f64;
                (single + number as f32, double + 1.0 / (number + 0.1))
            },
            |a, b| (a.0 + b.0, a.1 + b.1),
        );
        acc.single = acc.single / 3.0 + single;
        acc.double = acc.double / 3.0 + double;
        acc.word = mix(acc.word, u64::from(single.to_bits()) ^ double.to_bits());
        pace.hold_up();
    };
    system.into_config()
}

/// Brings what was summed back to the rows.
fn apply<T: Value, const N: usize>(pace: Pace) -> SystemConfig {
    let system = move |mut rows: Query<&mut T>, acc: Res<Acc<N>>| {
        let all = acc.word ^ acc.double.to_bits() ^ u64::from(acc.single.to_bits());
        rows.par_for_each(|t| *t.number_mut() = mix(t.number(), all));
        pace.hold_up();
    };
    system.into_config()
}

/// Makes entities and uses their handles.
fn spawn<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |rows: Query<&T>, Merged(mut commands): Merged| {
        let chosen = rows.iter().filter(|t| t.number() % (40 * k) == 0).take(30);
        for number in chosen.map(T::number) {
            let new = commands.spawn(T::of(mix(number, k)));
            match number / 7 % 4 {
                0 => commands.insert(new, T::Next::of(number)),
                1 => commands.remove::<T>(new),
                2 => commands.despawn(new),
                _ => {}
            }
        }
        pace.hold_up();
    };
    system.into_config()
}

/// Changes and ends entities, one by one.
fn change<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |rows: Query<(EntityId, &T)>, Merged(mut commands): Merged| {
        for (entity, t) in &rows {
            match t.number() % (30 * k) {
                0 => commands.insert(entity, T::Next::of(t.number())),
                1 => commands.remove::<T::Next>(entity),
                2 => commands.despawn(entity),
                3 => commands.insert(entity, (T::of(k), T::Next::of(k))),
                _ => {}
            }
        }
        pace.hold_up();
    };
    system.into_config()
}

/// Changes and ends entities, many at once; some are listed twice.
fn batches<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system =
        move |rows: Query<(EntityId, &T)>, mut runs: Local<u64>, Merged(mut commands): Merged| {
            *runs += 1;
            let which = |n: u64| {
                let of_n = rows.iter().filter(|(_, t)| t.number() % (20 * k) == n);
                of_n.map(|(entity, _)| entity).collect::<Vec<_>>()
            };
            let first = which(0);
            let numbers: Vec<_> = (0..first.len() as u64).map(|n| T::Next::of(mix(n, k))).collect();
            commands.insert_batch(first, numbers);
            commands.remove_batch::<(T::Next, T)>(which(1));
            let mut ended = which(2);
            ended.extend(which(3).first());
            ended.extend(ended.first().copied());
            commands.despawn_batch(ended);
            let runs = *runs;
            commands.spawn_batch((0..k).map(move |n| (T::of(mix(n, runs)), T::Next::of(n))));
            pace.hold_up();
        };
    system.into_config()
}

/// As `change`, from several threads.
fn change_in_parallel<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |mut rows: Query<(EntityId, &mut T)>, Merged(mut commands): Merged| {
        rows.par_for_each_with(&mut commands, |commands, (entity, t)| {
            *t.number_mut() = mix(t.number(), k);
            match t.number() % (40 * k) {
                0 => {
                    let new = commands.spawn((T::of(t.number()), T::Next::of(k)));
                    commands.insert(new, T::Next::of(t.number()));
                }
                1 => commands.despawn(entity),
                2 => commands.insert(entity, T::Next::of(t.number())),
                3 => commands.remove::<T>(entity),
                _ => {}
            }
        });
        pace.hold_up();
    };
    system.into_config()
}

/// Sends events.
fn send<T: Value>(k: u64, pace: Pace) -> SystemConfig {
    let system = move |rows: Query<&T>, mut notes: EventWriter<Note>| {
        let chosen = rows.iter().filter(|t| t.number() % (50 * k) == 0);
        notes.send_all(chosen.map(|t| Note(t.number())));
        pace.hold_up();
    };
    system.into_config()
}

/// Reads them into a resource.
fn read<const N: usize>(pace: Pace) -> SystemConfig {
    let system = move |mut notes: EventReader<Note>, mut acc: ResMut<Acc<N>>| {
        acc.word = notes.read().fold(acc.word, |word, note| mix(word, note.0));
        pace.hold_up();
    };
    system.into_config()
}

/// Takes the world.
fn exclusive<T: Value>(k: u64) -> SystemConfig {
    let system = move |world: &mut World| {
        let sum = world.query::<&T>().iter().fold(k, |sum, t| mix(sum, t.number()));
        world.spawn(T::of(sum));
        world.query_mut::<&mut T>().par_for_each(|t| *t.number_mut() ^= sum);
    };
    system.into_config()
}
