//! Resources that ask to be part of snapshots and of the state hash.

use std::any::TypeId;
use std::collections::VecDeque;

use ecs_core::CodecError;
use ecs_storage_api::SnapshotError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::events::Events;
use crate::resources::{Resource, Resources};
use crate::state::can_be_counted;

/// Puts a decoded resource in.
pub(crate) type Insert = Box<dyn FnOnce(&mut Resources) + Send>;

type Encoded = Result<Vec<u8>, postcard::Error>;

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

/// How one type of resource is saved.
#[derive(Debug, Clone)]
pub(crate) struct SavedResource {
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: TypeId,
    encode: fn(&Resources) -> Option<Encoded>,
    decode: fn(&[u8]) -> Result<Insert, String>,
    pub(crate) remove: fn(&mut Resources),
}

impl SavedResource {
    pub(crate) fn of<T: Resource + Serialize + DeserializeOwned>(name: String) -> Self {
        Self {
            name,
            kind: TypeId::of::<T>(),
            encode: |resources| resources.get::<T>().map(|value| postcard::to_allocvec(&*value)),
            decode: |bytes| {
                let value: T = read(bytes)?;
                Ok(Box::new(move |resources| drop(resources.insert(value))))
            },
            remove: |resources| drop(resources.remove::<T>()),
        }
    }

    pub(crate) fn of_events<E: Resource + Serialize + DeserializeOwned>(name: String) -> Self {
        Self {
            name,
            kind: TypeId::of::<Events<E>>(),
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
                Ok(Box::new(move |resources| Events::<E>::restore(resources, first, waiting)))
            },
            remove: |resources| {
                if resources.contains::<Events<E>>() {
                    Events::<E>::restore(resources, 0, VecDeque::new());
                }
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
        decoded.map_err(|reason| {
            CodecError::Decode { component: self.name.clone(), row: 0, reason }.into()
        })
    }
}
