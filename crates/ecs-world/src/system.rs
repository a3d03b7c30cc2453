//! Functions as systems: what they ask for is read off their parameters.

use std::any::{TypeId, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::vec::IntoIter;

use ecs_core::ComponentId;
use ecs_storage_api::{Filter, Prepared, Query, QueryData, QueryError, QueryShape, Records};

use crate::commands::{CommandQueue, Commands};
use crate::resources::{Res, ResMut, Resource, Resources};

/// What a system reads and writes.
#[derive(Debug, Clone, Default)]
pub struct SystemAccess {
    queries: Vec<QueryShape>,
    /// Which resources, their names, and whether they are written.
    resources: Vec<(TypeId, &'static str, bool)>,
}

/// Tells why a function is no system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// One query borrows a component twice, once for writing.
    #[error("system `{system}`: {source}")]
    Query {
        /// The function's name.
        system: &'static str,
        /// What is wrong with the query.
        source: QueryError,
    },
    /// Two queries would borrow a component of the same entities, once for
    /// writing.
    #[error(
        "system `{system}`: two of its queries borrow component `{component}`, at least one for writing"
    )]
    Component {
        /// The function's name.
        system: &'static str,
        /// Which component.
        component: ComponentId,
    },
    /// Two parameters would borrow a resource, once for writing.
    #[error(
        "system `{system}`: two of its parameters borrow resource `{resource}`, at least one for writing"
    )]
    Resource {
        /// The function's name.
        system: &'static str,
        /// Which resource.
        resource: &'static str,
    },
}

impl SystemAccess {
    /// Adds a query.
    ///
    /// # Errors
    /// [`SystemError::Component`] if it conflicts with another of the system.
    fn add_query(&mut self, system: &'static str, shape: QueryShape) -> Result<(), SystemError> {
        if let Some(component) = self.queries.iter().find_map(|other| query_conflict(other, &shape))
        {
            return Err(SystemError::Component { system, component });
        }
        self.queries.push(shape);
        Ok(())
    }

    fn add_resource<T: Resource>(
        &mut self,
        system: &'static str,
        writes: bool,
    ) -> Result<(), SystemError> {
        let (id, resource) = (TypeId::of::<T>(), type_name::<T>());
        if self
            .resources
            .iter()
            .any(|(other, _, other_writes)| *other == id && (writes || *other_writes))
        {
            return Err(SystemError::Resource { system, resource });
        }
        self.resources.push((id, resource, writes));
        Ok(())
    }

    /// Tells whether two systems can't run side by side.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let queries = self
            .queries
            .iter()
            .any(|a| other.queries.iter().any(|b| query_conflict(a, b).is_some()));
        let clash = |(a, _, a_writes): &(TypeId, &str, bool),
                     (b, _, b_writes): &(TypeId, &str, bool)| {
            a == b && (*a_writes || *b_writes)
        };
        queries || self.resources.iter().any(|a| other.resources.iter().any(|b| clash(a, b)))
    }
}

fn query_conflict(a: &QueryShape, b: &QueryShape) -> Option<ComponentId> {
    a.conflict_with(b).filter(|_| !a.matcher().excludes(b.matcher()))
}

/// What a system's parameters are made of, for one run.
#[derive(Debug)]
pub struct RunContext<'w> {
    system: &'static str,
    records: IntoIter<Records<'w>>,
    resources: &'w Resources,
}

/// A parameter of a system.
pub trait SystemParam {
    /// What is kept between runs.
    type State: Send + 'static;
    /// The parameter as the function gets it.
    type Item<'w>;

    /// Says what the parameter reads and writes, and makes its state.
    ///
    /// # Errors
    /// [`SystemError`] if it conflicts with an earlier parameter.
    fn init(system: &'static str, access: &mut SystemAccess) -> Result<Self::State, SystemError>;

    /// Adds the parameter's queries, in order.
    fn queries<'s>(_state: &'s mut Self::State, _all: &mut Vec<&'s mut Prepared>) {}

    /// Makes the parameter for one run.
    fn get<'w>(state: &'w mut Self::State, context: &mut RunContext<'w>) -> Self::Item<'w>;

    /// Adds the commands that were recorded.
    fn take_commands(_state: &mut Self::State, _queue: &mut CommandQueue) {}
}

impl<D: QueryData + 'static, F: Filter> SystemParam for Query<'_, D, F> {
    type State = Prepared;
    type Item<'w> = Query<'w, D, F>;

    fn init(system: &'static str, access: &mut SystemAccess) -> Result<Prepared, SystemError> {
        let shape =
            QueryShape::of::<D, F>().map_err(|source| SystemError::Query { system, source })?;
        access.add_query(system, shape.clone())?;
        Ok(Prepared::new(shape))
    }

    fn queries<'s>(state: &'s mut Prepared, all: &mut Vec<&'s mut Prepared>) {
        all.push(state);
    }

    fn get<'w>(_state: &'w mut Prepared, context: &mut RunContext<'w>) -> Query<'w, D, F> {
        Query::new(
            context.records.next().expect("records are gathered for every query of a system"),
        )
    }
}

impl<T: Resource> SystemParam for Res<'_, T> {
    type State = ();
    type Item<'w> = Res<'w, T>;

    fn init(system: &'static str, access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(system, false)
    }

    fn get<'w>(_state: &'w mut (), context: &mut RunContext<'w>) -> Res<'w, T> {
        context.resources.get().unwrap_or_else(|| missing::<T>(context.system))
    }
}

impl<T: Resource> SystemParam for ResMut<'_, T> {
    type State = ();
    type Item<'w> = ResMut<'w, T>;

    fn init(system: &'static str, access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(system, true)
    }

    fn get<'w>(_state: &'w mut (), context: &mut RunContext<'w>) -> ResMut<'w, T> {
        context.resources.get_mut().unwrap_or_else(|| missing::<T>(context.system))
    }
}

impl<T: Resource> SystemParam for Option<Res<'_, T>> {
    type State = ();
    type Item<'w> = Option<Res<'w, T>>;

    fn init(system: &'static str, access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(system, false)
    }

    fn get<'w>(_state: &'w mut (), context: &mut RunContext<'w>) -> Option<Res<'w, T>> {
        context.resources.get()
    }
}

impl<T: Resource> SystemParam for Option<ResMut<'_, T>> {
    type State = ();
    type Item<'w> = Option<ResMut<'w, T>>;

    fn init(system: &'static str, access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(system, true)
    }

    fn get<'w>(_state: &'w mut (), context: &mut RunContext<'w>) -> Option<ResMut<'w, T>> {
        context.resources.get_mut()
    }
}

#[cold]
fn missing<T>(system: &str) -> ! {
    panic!("system `{system}` asks for resource `{}`, which is not there", type_name::<T>())
}

impl SystemParam for Commands<'_> {
    type State = CommandQueue;
    type Item<'w> = Commands<'w>;

    fn init(
        _system: &'static str,
        _access: &mut SystemAccess,
    ) -> Result<CommandQueue, SystemError> {
        Ok(CommandQueue::new())
    }

    fn get<'w>(state: &'w mut CommandQueue, _context: &mut RunContext<'w>) -> Commands<'w> {
        Commands::new(state)
    }

    fn take_commands(state: &mut CommandQueue, queue: &mut CommandQueue) {
        queue.append(std::mem::take(state));
    }
}

/// A value that a system keeps between its runs; it is not saved.
#[derive(Debug)]
pub struct Local<'w, T>(&'w mut T);

impl<T> std::ops::Deref for Local<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T> std::ops::DerefMut for Local<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0
    }
}

impl<T: Default + Send + 'static> SystemParam for Local<'_, T> {
    type State = T;
    type Item<'w> = Local<'w, T>;

    fn init(_system: &'static str, _access: &mut SystemAccess) -> Result<T, SystemError> {
        Ok(T::default())
    }

    fn get<'w>(state: &'w mut T, _context: &mut RunContext<'w>) -> Local<'w, T> {
        Local(state)
    }
}

/// Something that a schedule runs.
pub trait System: Send {
    /// Returns the function's name.
    fn name(&self) -> &'static str;

    /// Returns what it reads and writes.
    fn access(&self) -> &SystemAccess;

    /// Returns its queries, in order.
    fn queries(&mut self) -> Vec<&mut Prepared>;

    /// Runs it, with the records of its queries in order.
    fn run<'w>(&'w mut self, records: Vec<Records<'w>>, resources: &'w Resources);

    /// Adds the commands that were recorded since the last call.
    fn take_commands(&mut self, queue: &mut CommandQueue);
}

/// A function that is a system.
///
/// `Marker` keeps the implementations for different numbers of parameters
/// apart; it is never named.
pub trait IntoSystem<Marker> {
    /// Makes a system of the function.
    ///
    /// # Errors
    /// [`SystemError`] if its parameters conflict with each other.
    fn into_system(self) -> Result<Box<dyn System>, SystemError>;
}

/// A function with its parameters' states.
struct FunctionSystem<G, P, M> {
    function: G,
    params: P,
    access: SystemAccess,
    marker: PhantomData<fn() -> M>,
}

// impl<G, A: SystemParam, B: SystemParam> IntoSystem<fn(A, B)> for G
// where
//     G: FnMut(A, B) + FnMut(A::Item<'_>, B::Item<'_>) + Send + 'static,
// { … each method goes over A, then B }
macro_rules! function_system {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<Function, $($name: SystemParam + 'static),*> IntoSystem<fn($($name),*)> for Function
        where
            Function: FnMut($($name),*) + Send + 'static,
            Function: for<'w> FnMut($($name::Item<'w>),*),
        {
            fn into_system(self) -> Result<Box<dyn System>, SystemError> {
                let _name = type_name::<Function>();
                #[allow(unused_mut)]
                let mut access = SystemAccess::default();
                let params = ($($name::init(_name, &mut access)?,)*);
                let marker = PhantomData::<fn() -> fn($($name),*)>;
                Ok(Box::new(FunctionSystem { function: self, params, access, marker }))
            }
        }

        #[allow(non_snake_case, unused_mut, unused_variables, clippy::unused_unit, clippy::too_many_arguments)]
        impl<Function, $($name: SystemParam + 'static),*> System for FunctionSystem<Function, ($($name::State,)*), fn($($name),*)>
        where
            Function: FnMut($($name),*) + Send + 'static,
            Function: for<'w> FnMut($($name::Item<'w>),*),
        {
            fn name(&self) -> &'static str {
                type_name::<Function>()
            }

            fn access(&self) -> &SystemAccess {
                &self.access
            }

            fn queries(&mut self) -> Vec<&mut Prepared> {
                let ($($name,)*) = &mut self.params;
                let mut all = Vec::new();
                $($name::queries($name, &mut all);)*
                all
            }

            fn run<'w>(&'w mut self, records: Vec<Records<'w>>, resources: &'w Resources) {
                /// Tells the compiler which of the two signatures is called.
                fn call<$($name),*>(mut function: impl FnMut($($name),*), $($name: $name),*) {
                    function($($name),*)
                }
                let mut context = RunContext { system: type_name::<Function>(), records: records.into_iter(), resources };
                let ($($name,)*) = &mut self.params;
                $(let $name = $name::get($name, &mut context);)*
                call(&mut self.function, $($name),*);
            }

            fn take_commands(&mut self, queue: &mut CommandQueue) {
                let ($($name,)*) = &mut self.params;
                $($name::take_commands($name, queue);)*
            }
        }
    };
}

function_system!();
function_system!(A);
function_system!(A B);
function_system!(A B C);
function_system!(A B C D);
function_system!(A B C D E);
function_system!(A B C D E F);
function_system!(A B C D E F G);
function_system!(A B C D E F G H);
function_system!(A B C D E F G H I);
function_system!(A B C D E F G H I J);
function_system!(A B C D E F G H I J K);
function_system!(A B C D E F G H I J K L);

impl fmt::Debug for dyn System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "System({})", self.name())
    }
}
