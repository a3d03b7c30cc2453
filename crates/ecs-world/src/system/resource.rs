//! Resources as parameters.

use super::access::{SystemAccess, SystemError};
use super::param::{ParamContext, SystemParam};
use crate::resources::{Res, ResMut, Resource};

impl<T: Resource> SystemParam for Res<'_, T> {
    type State = ();
    type Item<'w> = Res<'w, T>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(false)
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Res<'w, T> {
        context.resource()
    }
}

impl<T: Resource> SystemParam for ResMut<'_, T> {
    type State = ();
    type Item<'w> = ResMut<'w, T>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(true)
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> ResMut<'w, T> {
        context.resource_mut()
    }
}

impl<T: Resource> SystemParam for Option<Res<'_, T>> {
    type State = ();
    type Item<'w> = Option<Res<'w, T>>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(false)
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Option<Res<'w, T>> {
        context.resources.get()
    }
}

impl<T: Resource> SystemParam for Option<ResMut<'_, T>> {
    type State = ();
    type Item<'w> = Option<ResMut<'w, T>>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_resource::<T>(true)
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Option<ResMut<'w, T>> {
        context.resources.get_mut()
    }
}
