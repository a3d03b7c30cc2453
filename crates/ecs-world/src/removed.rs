//! Entities that lost a tracked component, for systems to read.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use ecs_core::{Component, ComponentId, EntityId, Invariant};
use ecs_storage_api::{Removed, Storage, Version};

use crate::events::{EventReader, Events};
use crate::resources::Resources;
use crate::system::{ParamContext, SystemAccess, SystemError, SystemParam};

/// An entity lost a `C`: the event behind [`RemovedComponents`], which the
/// schedule sends.
pub struct Lost<C> {
    entity: EntityId,
    component: Invariant<C>,
}

impl<C> fmt::Debug for Lost<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lost").field(&self.entity).finish()
    }
}

/// The entities that lost a component, as a parameter of a system: because it was
/// removed, or the entity ended, or all were cleared. A system goes on from a
/// snapshot as if it had never been broken: it gets what it had not got yet when
/// that was made.
///
/// Each system gets every entity once, in the order of the removals, whenever it
/// runs, as with [`Events`]: what was removed before its phase began, by systems
/// that take the world and by commands. The component is one that is tracked
/// (`#[component(track)]`), or the program is not compiled.
///
/// # Example
/// ```
/// use ecs_core::{Component, Description};
/// use ecs_world::{RemovedComponents, ResMut, Schedule, World};
///
/// struct Burning;
/// impl Component for Burning {
///     const TRACK: bool = true;
///
///     fn describe() -> Description<Self> {
///         Description::transient("docs::removed::Burning")
///     }
/// }
///
/// fn count(mut put_out: RemovedComponents<Burning>, mut total: ResMut<usize>) {
///     *total += put_out.read().count();
/// }
///
/// let mut world = World::new();
/// world.insert_resource(0usize);
/// let house = world.spawn(Burning);
/// let mut schedule = Schedule::new();
/// schedule.add_system(count);
/// world.remove::<Burning>(house)?;
/// schedule.run(&mut world);
/// schedule.run(&mut world);
/// assert_eq!(*world.resource::<usize>().unwrap(), 1);
/// # Ok::<(), ecs_storage_api::StorageError>(())
/// ```
pub struct RemovedComponents<'w, C: Component>(EventReader<'w, Lost<C>>);

impl<C: Component> RemovedComponents<'_, C> {
    /// Returns the entities that this system has not got yet, and takes them as
    /// got. They may be dead, or have the component again.
    pub fn read(&mut self) -> impl ExactSizeIterator<Item = EntityId> + '_ {
        self.0.read().map(|lost| lost.entity)
    }
}

impl<C: Component> fmt::Debug for RemovedComponents<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemovedComponents").field("unread", &self.0.len()).finish()
    }
}

impl<C: Component> SystemParam for RemovedComponents<'_, C> {
    type State = <EventReader<'static, Lost<C>> as SystemParam>::State;
    type Item<'w> = RemovedComponents<'w, C>;

    fn init(access: &mut SystemAccess) -> Result<Self::State, SystemError> {
        const {
            assert!(
                C::TRACK,
                "`RemovedComponents` needs a tracked component: derive it with `#[component(track)]`"
            );
        }
        EventReader::<Lost<C>>::init(access)
    }

    fn prepare(state: &mut Self::State, resources: &mut Resources) {
        resources.follow::<C>();
        EventReader::<Lost<C>>::prepare(state, resources);
    }

    fn get<'w>(
        state: &'w mut Self::State,
        context: &mut ParamContext<'w>,
    ) -> RemovedComponents<'w, C> {
        RemovedComponents(EventReader::<Lost<C>>::get(state, context))
    }
}

/// The components whose removals some system reads, and how far they were taken
/// from the store's memory.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    followed: Vec<Followed>,
    /// What a snapshot brought for systems that have not come yet, by the names of
    /// the components.
    expected: BTreeMap<String, Unread>,
}

#[derive(Debug)]
struct Followed {
    component: ComponentId,
    /// What was removed up to this version has been sent.
    sent: Version,
    send: fn(&Resources, &[Removed]),
    unread: fn(&Resources) -> (u64, Vec<EntityId>),
    restore: fn(&mut Resources, &Unread),
}

/// The removals of a component that some system has not got yet.
#[derive(Debug, Default)]
struct Unread {
    sent: Version,
    /// The number of the first of those that were sent and wait.
    first: u64,
    waiting: Vec<EntityId>,
}

/// As a snapshot keeps it: the component's name; how many versions ago removals were
/// sent, and one more; then the number of the first that waits, and those that do.
pub(crate) type SavedRemovals = (String, u64, u64, Vec<EntityId>);

fn send<C: Component>(resources: &Resources, removed: &[Removed]) {
    let Some(mut events) = resources.get_mut::<Events<Lost<C>>>() else { return };
    for removed in removed {
        events.send(Lost { entity: removed.entity, component: PhantomData });
    }
}

fn unread<C: Component>(resources: &Resources) -> (u64, Vec<EntityId>) {
    let Some(events) = resources.get::<Events<Lost<C>>>() else { return Default::default() };
    let (first, waiting) = events.as_saved();
    (first, waiting.iter().map(|lost| lost.entity).collect())
}

fn restore<C: Component>(resources: &mut Resources, unread: &Unread) {
    let lost = |&entity| Lost::<C> { entity, component: PhantomData };
    Events::restore(resources, unread.first, unread.waiting.iter().map(lost).collect());
}

impl Resources {
    /// Has the removals of a component sent.
    fn follow<C: Component>(&mut self) {
        let component = ComponentId::of::<C>();
        if self.removals.followed.iter().any(|followed| followed.component == component) {
            return;
        }
        let expected = self.removals.expected.remove(component.info().name());
        if let Some(unread) = &expected {
            restore::<C>(self, unread);
        }
        self.bring(TypeId::of::<Events<Lost<C>>>());
        self.removals.followed.push(Followed {
            component,
            sent: expected.map_or(Version::ZERO, |unread| unread.sent),
            send: send::<C>,
            unread: unread::<C>,
            restore: restore::<C>,
        });
    }

    /// Returns the removals that some system has not got yet, of a world whose store
    /// is at `present` and whose history begins at `origin`.
    pub(crate) fn save_removals(&self, present: Version, origin: Version) -> Vec<SavedRemovals> {
        let ago = |sent: Version| match sent <= origin {
            true => 0,
            false => (present.get() + 1).saturating_sub(sent.get()),
        };
        let followed = self.removals.followed.iter().map(|followed| {
            let (first, waiting) = (followed.unread)(self);
            (followed.component.info().name().to_owned(), ago(followed.sent), first, waiting)
        });
        let expected = self.removals.expected.iter().map(|(name, unread)| {
            (name.clone(), ago(unread.sent), unread.first, unread.waiting.clone())
        });
        let mut all: Vec<_> = followed.chain(expected).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Takes over what a snapshot holds, for a world whose store is at `present` and
    /// whose history begins at `origin`.
    pub(crate) fn restore_removals(
        &mut self,
        saved: Vec<SavedRemovals>,
        present: Version,
        origin: Version,
    ) {
        let saved = saved.into_iter().map(|(name, ago, first, waiting)| {
            let sent = match ago {
                0 => origin,
                ago => Version::new((present.get() + 1).saturating_sub(ago)),
            };
            (name, Unread { sent, first, waiting })
        });
        let mut expected: BTreeMap<_, _> = saved.collect();
        let mut followed = std::mem::take(&mut self.removals.followed);
        for of_one in &mut followed {
            let unread = expected.remove(of_one.component.info().name());
            let unread = unread.unwrap_or(Unread { sent: origin, ..Unread::default() });
            of_one.sent = unread.sent;
            (of_one.restore)(self, &unread);
        }
        self.removals = Removals { followed, expected };
    }

    /// Forgets what waits for systems that are not expected any more.
    pub(crate) fn forget_unexpected_removals(&mut self) {
        if !self.removals.expected.is_empty() && !self.places.expect_readers() {
            self.removals.expected.clear();
        }
    }

    /// Has all be new of which the store tells, since it is another one.
    fn forget_sent(&mut self, origin: Version) {
        self.removals.followed.iter_mut().for_each(|followed| followed.sent = origin);
        self.removals.expected.values_mut().for_each(|unread| unread.sent = origin);
    }

    /// Gets to know the store of the world. If it is another than before, and not by a
    /// snapshot, all in it is new to systems.
    #[inline]
    pub(crate) fn meet<S: Storage>(&mut self, storage: &S) {
        if self.places.meet(storage.identity()) {
            self.forget_sent(storage.origin());
        }
    }
}

/// Sends what a store remembers of removals that was not sent before, and keeps it for
/// systems that are still to come. What is removed from now on has a later version.
pub(crate) fn send_removals(resources: &mut Resources, storage: &dyn Storage) {
    let Removals { followed, expected } = &mut resources.removals;
    if followed.is_empty() && expected.is_empty() {
        return;
    }
    let now = storage.advance_version();
    for (name, unread) in expected {
        // One that the process does not know yet has not been removed here.
        let component = ComponentId::named(name);
        let removed = component.map_or(&[][..], |id| storage.removed(id, unread.sent));
        unread.waiting.extend(removed.iter().map(|removed| removed.entity));
        unread.sent = now;
    }
    let mut followed = std::mem::take(&mut resources.removals.followed);
    for Followed { component, sent, send, .. } in &mut followed {
        send(resources, storage.removed(*component, *sent));
        *sent = now;
    }
    resources.removals.followed = followed;
}
