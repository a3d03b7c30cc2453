//! Values that a system keeps.

use std::ops::{Deref, DerefMut};

use super::access::{SystemAccess, SystemError};
use super::param::{ParamContext, SystemParam};

/// A value that a system keeps between its runs; it is not saved.
#[derive(Debug)]
pub struct Local<'w, T>(&'w mut T);

impl<T> Deref for Local<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T> DerefMut for Local<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0
    }
}

impl<T: Default + Send + 'static> SystemParam for Local<'_, T> {
    type State = T;
    type Item<'w> = Local<'w, T>;

    fn init(_access: &mut SystemAccess) -> Result<T, SystemError> {
        Ok(T::default())
    }

    fn get<'w>(state: &'w mut T, _context: &mut ParamContext<'w>) -> Local<'w, T> {
        Local(state)
    }
}
