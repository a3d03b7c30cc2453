//! Parameters of systems.

use std::any::type_name;
use std::cell::Cell;

use ecs_storage_api::StageRecords;

use super::access::{SystemAccess, SystemError};
use super::tick::Tick;
use crate::commands::CommandQueue;
use crate::resources::{Res, ResMut, Resource, Resources};

/// What parameters are made of, for one run.
#[derive(Debug)]
pub struct ParamContext<'w> {
    pub(super) records: StageRecords<'w>,
    pub(super) resources: &'w Resources,
    pub(super) tick: Tick,
    /// Where a resource is noted that is not there.
    pub(super) missing: &'w Cell<Option<&'static str>>,
}

impl<'w> ParamContext<'w> {
    /// Borrows a resource for reading.
    ///
    /// # Panics
    /// If it is not there, which ends the run with
    /// [`RunError::MissingResource`](crate::RunError::MissingResource), or a parameter
    /// that was not described by `init` borrows it.
    pub fn resource<T: Resource>(&self) -> Res<'w, T> {
        self.resources.get().unwrap_or_else(|| self.missing::<T>())
    }

    /// Borrows a resource for writing.
    ///
    /// # Panics
    /// As [`ParamContext::resource`].
    pub fn resource_mut<T: Resource>(&self) -> ResMut<'w, T> {
        self.resources.get_mut().unwrap_or_else(|| self.missing::<T>())
    }

    #[cold]
    fn missing<T>(&self) -> ! {
        let resource = type_name::<T>();
        self.missing.set(Some(resource));
        panic!("{}", missing_message(resource))
    }
}

/// Says that a resource is not there. The system is named by whoever tells that it panicked.
pub(crate) fn missing_message(resource: &str) -> String {
    format!("it, or a condition of it, asks for resource `{resource}`, which is not there")
}

/// A parameter of a system.
///
/// Queries, resources, [`Commands`](crate::Commands), [`Local`](super::Local)
/// values, events, the [`Tick`], and tuples of those are parameters;
/// `#[derive(SystemParam)]` makes one of a struct of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parameter of a system",
    label = "a system can't ask for this",
    note = "systems ask for `Query`, `Res`, `ResMut`, `Commands`, `Local`, `Tick`, events, tuples of those, and structs that derive `SystemParam`"
)]
pub trait SystemParam {
    /// What is kept between runs.
    type State: Send + 'static;
    /// The parameter as the function gets it.
    type Item<'w>;

    /// Says what the parameter reads and writes, and makes its state.
    ///
    /// # Errors
    /// [`SystemError`] if it conflicts with an earlier parameter.
    fn init(access: &mut SystemAccess) -> Result<Self::State, SystemError>;

    /// Gets to know the resources of a world, before the first run on it.
    fn prepare(_state: &mut Self::State, _resources: &mut Resources) {}

    /// Makes the parameter for one run. Parameters are made in the order in
    /// which they were described by `init`.
    fn get<'w>(state: &'w mut Self::State, context: &mut ParamContext<'w>) -> Self::Item<'w>;

    /// Adds the commands that were recorded. It is asked only if `init` said so
    /// ([`SystemAccess::add_commands`]).
    fn take_commands(_state: &mut Self::State, _queue: &mut CommandQueue) {}
}

// impl<A: SystemParam, B: SystemParam> SystemParam for (A, B) {
//     type State = (A::State, B::State);
//     type Item<'w> = (A::Item<'w>, B::Item<'w>);
//     … each method goes over A, then B
// }
macro_rules! tuple_param {
    ($($name:ident)*) => {
        #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
        impl<$($name: SystemParam),*> SystemParam for ($($name,)*) {
            type State = ($($name::State,)*);
            type Item<'w> = ($($name::Item<'w>,)*);

            fn init(access: &mut SystemAccess) -> Result<Self::State, SystemError> {
                Ok(($($name::init(access)?,)*))
            }

            fn prepare(($($name,)*): &mut Self::State, resources: &mut Resources) {
                $($name::prepare($name, resources);)*
            }

            #[inline]
            fn get<'w>(
                ($($name,)*): &'w mut Self::State,
                context: &mut ParamContext<'w>,
            ) -> Self::Item<'w> {
                ($($name::get($name, context),)*)
            }

            #[inline]
            fn take_commands(($($name,)*): &mut Self::State, queue: &mut CommandQueue) {
                $($name::take_commands($name, queue);)*
            }
        }
    };
}

tuple_param!();
tuple_param!(A);
tuple_param!(A B);
tuple_param!(A B C);
tuple_param!(A B C D);
tuple_param!(A B C D E);
tuple_param!(A B C D E F);
tuple_param!(A B C D E F G);
tuple_param!(A B C D E F G H);
tuple_param!(A B C D E F G H I);
tuple_param!(A B C D E F G H I J);
tuple_param!(A B C D E F G H I J K);
tuple_param!(A B C D E F G H I J K L);
