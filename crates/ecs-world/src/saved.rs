//! Resources that ask to be part of snapshots and of the state hash.

use std::any::{Any, TypeId, type_name};
use std::collections::VecDeque;

use ecs_core::CodecError;
use ecs_storage_api::SnapshotError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::events::Events;
use crate::resources::{Resource, Resources};
use crate::state::can_be_counted;

/// Puts a decoded resource in, and returns what was there.
pub(crate) type Insert = Box<dyn FnOnce(&mut Resources) -> Replaced + Send>;

/// What something else took the place of: it may panic as it is dropped.
pub(crate) type Replaced = Option<Box<dyn Any>>;

type Encoded = Result<Vec<u8>, postcard::Error>;

/// Reads a value, which is all that there is.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

fn replaced<T: 'static>(value: T) -> Replaced {
    Some(Box::new(value))
}

/// How one type of resource is saved.
#[derive(Debug, Clone)]
pub(crate) struct SavedResource {
    pub(crate) name: String,
    /// The type of the resource.
    pub(crate) kind: TypeId,
    /// The same for people.
    pub(crate) what: String,
    encode: fn(&Resources) -> Option<Encoded>,
    decode: fn(&[u8]) -> Result<Insert, String>,
    pub(crate) remove: fn(&mut Resources) -> Replaced,
}

impl SavedResource {
    pub(crate) fn of<T: Resource + Serialize + DeserializeOwned>(name: String) -> Self {
        Self {
            name,
            kind: TypeId::of::<T>(),
            what: format!("resource `{}`", type_name::<T>()),
            encode: |resources| resources.get::<T>().map(|value| postcard::to_allocvec(&*value)),
            decode: |bytes| {
                let value: T = read(bytes)?;
                Ok(Box::new(move |resources| resources.insert(value).and_then(replaced)))
            },
            remove: |resources| resources.remove::<T>().and_then(replaced),
        }
    }

    pub(crate) fn of_events<E: Resource + Serialize + DeserializeOwned>(name: String) -> Self {
        Self {
            name,
            kind: TypeId::of::<Events<E>>(),
            what: format!("events of `{}`", type_name::<E>()),
            encode: |resources| {
                let events = resources.get::<Events<E>>()?;
                // Where none was ever sent, there may as well be no events.
                let saved = events.as_saved();
                (saved.0 != 0 || !saved.1.is_empty()).then(|| postcard::to_allocvec(&saved))
            },
            decode: |bytes| {
                let (first, waiting) = read(bytes)?;
                if !can_be_counted(first) {
                    return Err(format!("{first} events can't have been sent before"));
                }
                Ok(Box::new(move |resources| {
                    replaced(Events::<E>::restore(resources, first, waiting))
                }))
            },
            remove: |resources| {
                let is_there = resources.contains::<Events<E>>();
                is_there
                    .then(|| Events::<E>::restore(resources, 0, VecDeque::new()))
                    .and_then(replaced)
            },
        }
    }

    /// Returns the resource's bytes, or `None` if there is none now.
    pub(crate) fn encode(&self, resources: &Resources) -> Result<Option<Vec<u8>>, CodecError> {
        let bytes = (self.encode)(resources).transpose();
        bytes.map_err(|error| CodecError::Encode {
            component: self.name.clone(),
            row: 0,
            reason: error.to_string(),
        })
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Insert, SnapshotError> {
        let decoded = (self.decode)(bytes);
        decoded.map_err(|reason| SnapshotError::Resource { name: self.name.clone(), reason })
    }
}
