//! Functions and closures as systems.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use super::access::{SystemAccess, SystemError};
use super::param::SystemParam;
use super::pipe::In;
use super::{IntoSystem, System, Turn};
use crate::commands::CommandQueue;
use crate::resources::Resources;

/// A function whose parameters are those of a system.
///
/// `Marker` keeps the implementations for different parameters apart; it is
/// never named.
pub trait SystemFunction<Marker>: Send + 'static {
    /// What it takes beside parameters: nothing, or an [`In`].
    type In;
    /// What it returns.
    type Out;
    /// Its parameters, as a tuple.
    type Param: SystemParam;

    /// Calls it.
    fn call(
        &mut self,
        input: Self::In,
        params: <Self::Param as SystemParam>::Item<'_>,
    ) -> Self::Out;
}

/// A function with its parameters' states.
pub struct FunctionSystem<F: SystemFunction<Marker>, Marker> {
    function: F,
    /// `None` until it was initialised.
    state: Option<<F::Param as SystemParam>::State>,
    marker: PhantomData<fn() -> Marker>,
}

/// Marks functions.
#[derive(Debug)]
pub struct IsFunction;

impl<F: SystemFunction<Marker>, Marker: 'static> IntoSystem<(IsFunction, Marker)> for F {
    type System = FunctionSystem<F, Marker>;

    fn into_system(self) -> FunctionSystem<F, Marker> {
        FunctionSystem { function: self, state: None, marker: PhantomData }
    }
}

impl<F: SystemFunction<Marker>, Marker: 'static> FunctionSystem<F, Marker> {
    fn state(&mut self) -> (&mut F, &mut <F::Param as SystemParam>::State) {
        (
            &mut self.function,
            self.state.as_mut().expect("a system is initialised before it is used"),
        )
    }
}

impl<F: SystemFunction<Marker>, Marker: 'static> System for FunctionSystem<F, Marker> {
    type In = F::In;
    type Out = F::Out;

    fn name(&self) -> &str {
        type_name::<F>()
    }

    fn init(&mut self, access: &mut SystemAccess) -> Result<(), SystemError> {
        access.begin_stage();
        self.state = Some(F::Param::init(access)?);
        Ok(())
    }

    fn prepare(&mut self, resources: &mut Resources) {
        F::Param::prepare(self.state().1, resources);
    }

    #[inline]
    fn run(&mut self, input: F::In, turn: &mut Turn<'_>) -> F::Out {
        let (function, state) = self.state();
        let params = F::Param::get(state, &mut turn.begin());
        function.call(input, params)
    }

    #[inline]
    fn take_commands(&mut self, queue: &mut CommandQueue) {
        F::Param::take_commands(self.state().1, queue);
    }
}

impl<F: SystemFunction<Marker>, Marker> fmt::Debug for FunctionSystem<F, Marker> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionSystem({})", type_name::<F>())
    }
}

// impl<F, Out, A: SystemParam, B: SystemParam> SystemFunction<fn(A, B) -> Out> for F
// where
//     F: Send + 'static,
//     for<'f> &'f mut F: FnMut(A, B) -> Out + FnMut(A::Item<'_>, B::Item<'_>) -> Out,
// { … }
// and the same with an `In<Input>` in front. By way of a reference, since of what a
// function returns as `impl FnMut(…)` the compiler knows one signature alone.
macro_rules! system_function {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<Function, Out, $($name: SystemParam + 'static),*> SystemFunction<fn($($name),*) -> Out>
            for Function
        where
            Function: Send + 'static,
            for<'f> &'f mut Function: FnMut($($name),*) -> Out + FnMut($($name::Item<'_>),*) -> Out,
        {
            type In = ();
            type Out = Out;
            type Param = ($($name,)*);

            #[inline]
            fn call(&mut self, _input: (), params: <Self::Param as SystemParam>::Item<'_>) -> Out {
                /// Tells the compiler which of the two signatures is called.
                #[allow(clippy::too_many_arguments)]
                #[inline]
                fn call<Out, $($name),*>(mut function: impl FnMut($($name),*) -> Out, $($name: $name),*) -> Out {
                    function($($name),*)
                }
                let ($($name,)*) = params;
                call(self, $($name),*)
            }
        }

        #[allow(non_snake_case)]
        impl<Function, Out, Input, $($name: SystemParam + 'static),*>
            SystemFunction<(Input, fn($($name),*) -> Out)> for Function
        where
            Function: Send + 'static,
            for<'f> &'f mut Function: FnMut(In<Input>, $($name),*) -> Out
                + FnMut(In<Input>, $($name::Item<'_>),*) -> Out,
        {
            type In = In<Input>;
            type Out = Out;
            type Param = ($($name,)*);

            #[inline]
            fn call(&mut self, input: In<Input>, params: <Self::Param as SystemParam>::Item<'_>) -> Out {
                #[allow(clippy::too_many_arguments)]
                #[inline]
                fn call<Input, Out, $($name),*>(
                    mut function: impl FnMut(In<Input>, $($name),*) -> Out,
                    input: In<Input>,
                    $($name: $name),*
                ) -> Out {
                    function(input, $($name),*)
                }
                let ($($name,)*) = params;
                call(self, input, $($name),*)
            }
        }
    };
}

system_function!();
system_function!(A);
system_function!(A B);
system_function!(A B C);
system_function!(A B C D);
system_function!(A B C D E);
system_function!(A B C D E F);
system_function!(A B C D E F G);
system_function!(A B C D E F G H);
system_function!(A B C D E F G H I);
system_function!(A B C D E F G H I J);
system_function!(A B C D E F G H I J K);
system_function!(A B C D E F G H I J K L);
