//! Bundles: several components that are added together, or taken away together.
//!
//! [`Bundle`] is what people write. Storages see it through object-safe views:
//! [`DynBundle`] (one row), [`BundleBatch`] (many rows) and [`Removal`].

mod dynamic;
mod kind;
mod removal;

pub use dynamic::{BundleBatch, BundleRow, BundleRows, DynBundle, ErasedBundle};
pub use kind::{BundleKind, ComponentIds};
pub use removal::{Removal, RemoveAll, Taken};

use crate::component::{Component, ComponentSink};
use crate::component_list::ComponentList;

/// A set of components that travel together: a component, a tuple of bundles,
/// or a struct that derives `Bundle`.
///
/// A safe trait: that `put_all` gives what `COMPONENTS` announces is checked
/// where components arrive.
///
/// # Example
/// ```
/// # use ecs_core::{Bundle, Component, Description};
/// # macro_rules! component { ($t:ident) => { struct $t; impl Component for $t {
/// #     fn describe() -> Description<Self> { Description::transient(concat!("bundle::", stringify!($t))) }
/// # } } }
/// # component!(Position); component!(Velocity); component!(Name);
/// fn spawnable<B: Bundle>(_: B) -> usize {
///     B::COMPONENTS.len()
/// }
/// assert_eq!(spawnable(Position), 1);
/// assert_eq!(spawnable((Position, Velocity)), 2);
/// assert_eq!(spawnable((Name, (Position, Velocity))), 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no bundle of components",
    label = "not a component, nor a bundle",
    note = "bundles are components (`#[derive(Component)]`), structs that derive `Bundle`, and tuples of those: is each member one?"
)]
pub trait Bundle: 'static {
    /// Lists the components, in the order of `put_all`.
    const COMPONENTS: ComponentList;

    /// Hands every component to `sink`.
    fn put_all(self, sink: &mut impl ComponentSink);
}

impl<C: Component> Bundle for C {
    const COMPONENTS: ComponentList = ComponentList::of::<C>();

    #[inline(always)]
    fn put_all(self, sink: &mut impl ComponentSink) {
        sink.put(self);
    }
}

// impl<A: Bundle, B: Bundle> Bundle for (A, B) {
//     const COMPONENTS: ComponentList = ComponentList::EMPTY.and(A::COMPONENTS).and(B::COMPONENTS);
//     fn put_all(self, sink) { let (a, b) = self; a.put_all(sink); b.put_all(sink); }
// }
macro_rules! tuple_bundle {
    ($($name:ident)*) => {
        impl<$($name: Bundle),*> Bundle for ($($name,)*) {
            const COMPONENTS: ComponentList = ComponentList::EMPTY$(.and($name::COMPONENTS))*;

            // Always: a bundle that is not inlined is copied at every level.
            #[inline(always)]
            fn put_all(self, _sink: &mut impl ComponentSink) {
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                $($name.put_all(_sink);)*
            }
        }
    };
}

tuple_bundle!();
tuple_bundle!(A);
tuple_bundle!(A B);
tuple_bundle!(A B C);
tuple_bundle!(A B C D);
tuple_bundle!(A B C D E);
tuple_bundle!(A B C D E F);
tuple_bundle!(A B C D E F G);
tuple_bundle!(A B C D E F G H);
tuple_bundle!(A B C D E F G H I);
tuple_bundle!(A B C D E F G H I J);
tuple_bundle!(A B C D E F G H I J K);
tuple_bundle!(A B C D E F G H I J K L);
