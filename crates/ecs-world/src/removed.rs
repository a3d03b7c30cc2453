//! Entities that lost a tracked component, for systems to read.

use std::fmt;
use std::marker::PhantomData;

use ecs_core::{Component, ComponentId, EntityId};
use ecs_storage_api::{Removed, Storage, Version};

use crate::events::{EventReader, Events};
use crate::resources::Resources;
use crate::system::{ParamContext, SystemAccess, SystemError, SystemParam};

/// An entity lost a `C`: the event behind [`RemovedComponents`], which the
/// schedule sends.
pub struct Lost<C> {
    entity: EntityId,
    component: PhantomData<fn() -> C>,
}

impl<C> fmt::Debug for Lost<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lost").field(&self.entity).finish()
    }
}

/// The entities that lost a component, as a parameter of a system: because it was
/// removed, or the entity ended, or all were cleared or replaced by a snapshot.
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
        const { assert!(C::TRACK, "`RemovedComponents` needs a tracked component") }
        EventReader::<Lost<C>>::init(access)
    }

    fn prepare(state: &mut Self::State, resources: &mut Resources) {
        EventReader::<Lost<C>>::prepare(state, resources);
        resources.removals.register::<C>();
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
pub(crate) struct Removals(Vec<Followed>);

#[derive(Debug)]
struct Followed {
    component: ComponentId,
    /// What was removed up to this version has been sent.
    sent: Version,
    send: fn(&Resources, &[Removed]),
}

impl Removals {
    fn register<C: Component>(&mut self) {
        let component = ComponentId::of::<C>();
        if self.0.iter().all(|followed| followed.component != component) {
            self.0.push(Followed { component, sent: Version::ZERO, send: send::<C> });
        }
    }
}

fn send<C: Component>(resources: &Resources, removed: &[Removed]) {
    let Some(mut events) = resources.get_mut::<Events<Lost<C>>>() else { return };
    for removed in removed {
        events.send(Lost { entity: removed.entity, component: PhantomData });
    }
}

/// Sends what a store remembers of removals that was not sent before. What is
/// removed from now on has a later version.
pub(crate) fn send_removals(resources: &mut Resources, storage: &dyn Storage) {
    if resources.removals.0.is_empty() {
        return;
    }
    let now = storage.advance_version();
    let mut removals = std::mem::take(&mut resources.removals);
    for Followed { component, sent, send } in &mut removals.0 {
        send(resources, storage.removed(*component, *sent));
        *sent = now;
    }
    resources.removals = removals;
}
