//! Components: what they are, and the dense id a process knows them by.

use std::any::TypeId;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use ahash::AHashMap;

use crate::description::Description;
use crate::info::ComponentInfo;
use crate::invariant::Invariant;
use crate::registry::{self, RegisterError};

/// Marks a type as data that an entity can carry.
///
/// Derive it. By default a component is persistent and must be
/// `Serialize + DeserializeOwned`; `#[component(pod)]` stores it as plain bytes
/// (`bytemuck::Pod`), `#[component(transient)]` keeps it out of snapshots, and
/// `#[component(name = "…")]` gives the name that files and other processes
/// know it by.
///
/// A component reaches every thread that a world reaches, so it must be
/// `Send + Sync`.
///
/// # Example
/// ```
/// use ecs_core::{Component, ComponentId, Description};
///
/// struct Health(u32);
/// // What the derive writes, by hand:
/// impl Component for Health {
///     fn describe() -> Description<Self> {
///         Description::transient("example::Health")
///     }
/// }
/// assert_eq!(ComponentId::of::<Health>().info().name(), "example::Health");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no component",
    note = "derive it: `#[derive(Component)]`",
    note = "of several, each stands in a term of its own: `(&A, &B)`, `(With<A>, With<B>)`"
)]
pub trait Component: Sized + Send + Sync + 'static {
    /// Whether storages remember of each value when it changed and when it came,
    /// and of each entity when it lost the component: `#[component(track)]`.
    ///
    /// It costs eight bytes a value, and a store beside each value that a query
    /// lends for writing. Without it changes are known a page of rows at a time. What was
    /// removed is remembered until a schedule has run over the world, or until it is told
    /// to forget it (`World::forget_removed`).
    const TRACK: bool = false;

    /// Describes the component: its stable name, codec and abilities.
    fn describe() -> Description<Self>;

    /// Returns the cell that caches the component's dense id.
    ///
    /// Without one (generic types cannot have their own `static`) the id comes
    /// from a thread-local map, which costs about a nanosecond more.
    #[inline]
    fn cell() -> Option<&'static ComponentCell<Self>> {
        None
    }
}

/// Takes the components of a bundle, one by one.
pub trait ComponentSink {
    /// Takes one component.
    fn put<C: Component>(&mut self, value: C);
}

/// Caches the dense id of one component type.
///
/// The type parameter ties the cell to its component, so a cell can never hand
/// out the id of another type.
pub struct ComponentCell<C> {
    id: AtomicU32,
    component: Invariant<C>,
}

impl<C: Component> ComponentCell<C> {
    /// Creates an empty cell, for a `static`.
    pub const fn new() -> Self {
        Self { id: AtomicU32::new(0), component: PhantomData }
    }

    #[inline]
    fn get(&self) -> Option<ComponentId> {
        // Relaxed: the number is all that is published. Whoever wants more asks
        // the registry, whose lock orders it.
        NonZeroU32::new(self.id.load(Ordering::Relaxed)).map(ComponentId)
    }

    fn set(&self, id: ComponentId) {
        self.id.store(id.0.get(), Ordering::Relaxed);
    }
}

impl<C: Component> Default for ComponentCell<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> fmt::Debug for ComponentCell<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ComponentCell").field(&self.id.load(Ordering::Relaxed)).finish()
    }
}

/// Names a component inside this process: dense, from 1 up, in order of
/// registration.
///
/// The number differs between processes; what is stable is
/// [`ComponentInfo::name`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ComponentId(NonZeroU32);

impl ComponentId {
    /// Returns the id of `C`, registering it at the first call.
    ///
    /// # Complexity
    /// One relaxed load once registered.
    ///
    /// # Panics
    /// If another type has the same name; see [`ComponentId::try_of`].
    #[inline]
    pub fn of<C: Component>() -> Self {
        match C::cell().and_then(ComponentCell::get) {
            Some(id) => id,
            None => Self::of_slow::<C>(),
        }
    }

    /// Returns the [index](Self::index) of the id of `C`, or 0, which is no
    /// component's, if `C` has not been registered yet: for look-ups that find
    /// nothing at 0 and then go another way.
    #[inline]
    pub fn index_if_registered<C: Component>() -> usize {
        match C::cell() {
            // Relaxed: as in `ComponentCell::get`.
            Some(cell) => cell.id.load(Ordering::Relaxed) as usize,
            None => Self::of::<C>().index(),
        }
    }

    #[cold]
    #[inline(never)]
    fn register_or_panic<C: Component>() -> Self {
        match Self::try_of::<C>() {
            Ok(id) => id,
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(never)]
    fn of_slow<C: Component>() -> Self {
        if C::cell().is_some() {
            return Self::register_or_panic::<C>();
        }
        thread_local!(static IDS: RefCell<AHashMap<TypeId, ComponentId>> = RefCell::default());
        let known = IDS.with_borrow(|ids| ids.get(&TypeId::of::<C>()).copied());
        known.unwrap_or_else(|| {
            let id = Self::register_or_panic::<C>();
            IDS.with_borrow_mut(|ids| ids.insert(TypeId::of::<C>(), id));
            id
        })
    }

    /// Returns the id of `C`, registering it at the first call.
    ///
    /// # Errors
    /// [`RegisterError::NameTaken`] if another type, or a component described at
    /// run time, already has the same name; both are named.
    pub fn try_of<C: Component>() -> Result<Self, RegisterError> {
        let id = registry::register_type::<C>()?;
        if let Some(cell) = C::cell() {
            cell.set(id);
        }
        Ok(id)
    }

    /// Finds a registered component by its stable name.
    pub fn named(name: &str) -> Option<Self> {
        registry::find(name)
    }

    /// Returns everything that is known about the component.
    ///
    /// # Complexity
    /// A read lock and a load; stores keep the reference where it matters.
    pub fn info(self) -> &'static ComponentInfo {
        registry::info(self)
    }

    /// Returns the number as an index for dense tables; never 0.
    #[inline]
    pub const fn index(self) -> usize {
        self.0.get() as usize
    }

    pub(crate) fn from_index(index: usize) -> Self {
        let number = u32::try_from(index).ok().and_then(NonZeroU32::new);
        Self(number.expect("component ids are u32 and start at 1"))
    }
}

impl fmt::Debug for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentId({}, {})", self.0, self.info().name())
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name())
    }
}
