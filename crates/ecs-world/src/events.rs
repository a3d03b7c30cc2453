//! Events: values that systems send to others, in order.

use std::any::TypeId;
use std::collections::{VecDeque, vec_deque};
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::places::{Place, PlaceByWorld, load, store};
use crate::resources::{Res, ResMut, Resource, Resources};
use crate::system::{ParamContext, SystemAccess, SystemError, SystemParam};

/// The events of type `E` that a reader may still want: a resource.
///
/// A reader is a system; each gets every event once, in the order in which they
/// were sent, whenever it runs. An event is dropped at the end of the tick in
/// which the last reader has got it; those that no reader waits for, at the end
/// of the tick in which they were sent. A reader that never runs keeps them all.
/// After a snapshot was restored, all wait until the systems have come that it knows
/// to read events, in other schedules for example; for a thousand ticks at most. Where no
/// schedule runs, [`World::forget_events`](crate::World::forget_events) drops them.
///
/// Of events that are not saved, a system that comes after that begins with the first that
/// waits: the snapshot has its number, and not the events that it counts.
///
/// The systems of a schedule become readers of a world when it first runs on
/// it. Events are part of snapshots if
/// [`World::save_events`](crate::World::save_events) says so.
pub struct Events<E> {
    /// Unique in the process: what a reader knows of one world's events is not
    /// taken for another's.
    identity: u64,
    waiting: VecDeque<E>,
    /// The number of the first that waits; all are numbered as they are sent.
    first: u64,
    /// The number of the next event that each reader gets.
    readers: Mutex<Vec<Weak<AtomicU64>>>,
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only uniqueness matters.
        let identity = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { identity, waiting: VecDeque::new(), first: 0, readers: Mutex::new(Vec::new()) }
    }
}

impl<E: Resource> Events<E> {
    /// Sends an event.
    pub fn send(&mut self, event: E) {
        self.waiting.push_back(event);
    }

    /// Returns how many events a reader may still want.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn end(&self) -> u64 {
        self.first + self.waiting.len() as u64
    }

    /// Counts a reader whose next event is numbered at `next`. One that is ahead of
    /// all events has been with others: it begins with the first that waits.
    fn register(&self, next: &Place) {
        if load(next) > self.end() {
            store(next, self.first);
        }
        let mut readers = self.readers.lock();
        if !readers.iter().any(|reader| reader.as_ptr() == Arc::as_ptr(next)) {
            readers.push(Arc::downgrade(next));
        }
    }

    /// Returns what a snapshot keeps: the number of the first event that waits, and
    /// those that do.
    pub(crate) fn as_saved(&self) -> (u64, &VecDeque<E>) {
        (self.first, &self.waiting)
    }

    /// Puts in what a snapshot kept, and returns the events that waited.
    pub(crate) fn restore(
        resources: &mut Resources,
        first: u64,
        waiting: VecDeque<E>,
    ) -> VecDeque<E> {
        if !resources.contains::<Self>() {
            resources.insert(Self::default());
        }
        let mut events = resources.get_mut::<Self>().expect("it was put in");
        events.first = first;
        mem::replace(&mut events.waiting, waiting)
    }

    /// Returns where each reader is.
    fn reading(&self) -> Vec<(Weak<AtomicU64>, u64)> {
        let place = |reader: &Weak<AtomicU64>| Some((reader.clone(), load(&reader.upgrade()?)));
        self.readers.lock().iter().filter_map(place).collect()
    }

    /// Has readers that are ahead of all events wait for the next.
    fn hold_back(&self) {
        for reader in self.readers.lock().iter().filter_map(Weak::upgrade) {
            store(&reader, load(&reader).min(self.end()));
        }
    }

    /// Drops all that wait. Their numbers stay taken: readers go on behind them.
    pub(crate) fn forget_all(&mut self) {
        self.forget_before(self.end());
    }

    /// Drops what every reader has got.
    fn forget(&mut self) {
        let mut needed = self.end();
        // A place that only the world has is that of a system that is gone.
        self.readers.get_mut().retain(|reader| reader.strong_count() > 1);
        for reader in self.readers.get_mut() {
            if let Some(next) = reader.upgrade() {
                needed = needed.min(load(&next));
            }
        }
        self.forget_before(needed);
    }

    /// Drops those before a number.
    fn forget_before(&mut self, number: u64) {
        let seen = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        // First of all: what is dropped may panic, and is gone then as well.
        self.first = self.first.max(number);
        self.waiting.drain(..seen.min(self.waiting.len()));
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("first", &self.first)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Tells whether events were sent that nobody has asked this condition for yet: a system
/// runs once for all of them.
///
/// To ask a reader of one's own whether it [is empty](EventReader::is_empty) would not do:
/// as a condition has a reader apart from its system's, which gets nothing by that.
///
/// # Example
/// ```
/// use ecs_world::{EventReader, IntoSystemConfig, ResMut, Schedule, World, on_event};
///
/// struct Bell;
///
/// fn answer(mut bells: EventReader<Bell>, mut answers: ResMut<usize>) {
///     *answers += bells.read().count();
/// }
///
/// let mut world = World::new();
/// world.insert_resource(0usize);
/// let mut schedule = Schedule::new();
/// schedule.add_system(answer.run_if(on_event::<Bell>));
/// world.send(Bell);
/// world.send(Bell);
/// assert_eq!(schedule.run(&mut world).skipped, 0);
/// assert_eq!(schedule.run(&mut world).skipped, 1);
/// assert_eq!(*world.resource::<usize>().unwrap(), 2);
/// ```
pub fn on_event<E: Resource>(mut events: EventReader<'_, E>) -> bool {
    events.read().len() > 0
}

/// Puts the resource in, unless it is there, and has it cleaned up.
pub(crate) fn prepare<E: Resource>(resources: &mut Resources) {
    if !resources.contains::<Events<E>>() {
        resources.insert(Events::<E>::default());
    }
    resources.at_end_of_tick::<Events<E>>(|resources| {
        if resources.places.expect_readers() {
            return;
        }
        if let Some(mut events) = resources.get_mut::<Events<E>>() {
            events.forget();
        }
    });
    resources.at_restore::<Events<E>>(|resources, stay| {
        let places = resources.get::<Events<E>>().filter(|_| stay).map(|it| it.reading());
        Box::new(move |resources| {
            for (reader, next) in places.into_iter().flatten() {
                if let Some(reader) = reader.upgrade() {
                    store(&reader, next);
                }
            }
            if let Some(events) = resources.get::<Events<E>>() {
                events.hold_back();
            }
        })
    });
}

/// Sends events, as a parameter of a system.
///
/// Writers and readers of one type of event run one after another, in the order
/// of their registration.
#[derive(Debug)]
pub struct EventWriter<'w, E: Resource>(ResMut<'w, Events<E>>);

impl<E: Resource> EventWriter<'_, E> {
    /// Sends an event.
    pub fn send(&mut self, event: E) {
        self.0.send(event);
    }

    /// Sends several.
    pub fn send_all(&mut self, events: impl IntoIterator<Item = E>) {
        self.0.waiting.extend(events);
    }
}

impl<E: Resource> SystemParam for EventWriter<'_, E> {
    type State = ();
    type Item<'w> = EventWriter<'w, E>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_events::<E>(true)
    }

    fn prepare(_state: &mut (), resources: &mut Resources) {
        prepare::<E>(resources);
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> EventWriter<'w, E> {
        EventWriter(context.resource_mut())
    }
}

/// Reads events, as a parameter of a system.
#[derive(Debug)]
pub struct EventReader<'w, E: Resource> {
    events: Res<'w, Events<E>>,
    next: &'w Place,
}

impl<E: Resource> EventReader<'_, E> {
    /// Returns the events that this system has not got yet, in the order in which
    /// they were sent, and takes them as got, whether they are looked at or not.
    pub fn read(&mut self) -> vec_deque::Iter<'_, E> {
        let got = self.got();
        store(self.next, self.events.end());
        self.events.waiting.range(got..)
    }

    /// Returns how many of the events that wait this system has got.
    fn got(&self) -> usize {
        let got = load(self.next).saturating_sub(self.events.first);
        usize::try_from(got).unwrap_or(usize::MAX).min(self.events.len())
    }

    /// Returns how many events this system has not got yet.
    pub fn len(&self) -> usize {
        self.events.len() - self.got()
    }

    /// Tells whether it has got all. A condition that asks no more gets none: see [`on_event`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which event a reader gets next, in each world that it has met.
#[derive(Debug, Default)]
pub struct ReaderPlaces {
    next: PlaceByWorld,
    /// The events that it reads in the present world, by their identity.
    events: u64,
}

impl ReaderPlaces {
    /// Returns the number of the next event that the reader gets.
    fn of<E: Resource>(&mut self, events: &Events<E>) -> &Place {
        if self.events != events.identity {
            // Others were put in their place: their numbers are others too.
            store(self.next.here(), events.first);
            self.meet(events);
        }
        self.next.here()
    }

    fn meet<E: Resource>(&mut self, events: &Events<E>) {
        events.register(self.next.here());
        self.events = events.identity;
    }
}

impl<E: Resource> SystemParam for EventReader<'_, E> {
    type State = ReaderPlaces;
    type Item<'w> = EventReader<'w, E>;

    fn init(access: &mut SystemAccess) -> Result<Self::State, SystemError> {
        access.add_events::<E>(false)?;
        Ok(Self::State::default())
    }

    fn prepare(state: &mut Self::State, resources: &mut Resources) {
        prepare::<E>(resources);
        let (place, has_waited) = resources.places.next();
        let events = resources.get::<Events<E>>().expect("it was put in");
        if has_waited && !resources.brought.contains(&TypeId::of::<Events<E>>()) {
            // The snapshot has a number of the reader, but not the events that it counts.
            store(&place, events.first);
        }
        state.next.enter(resources.identity(), place);
        state.meet(&events);
    }

    fn get<'w>(state: &'w mut Self::State, context: &mut ParamContext<'w>) -> EventReader<'w, E> {
        let events = context.resource::<Events<E>>();
        EventReader { next: state.of(&events), events }
    }
}
