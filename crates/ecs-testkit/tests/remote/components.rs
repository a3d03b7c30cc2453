//! Components of every kind, and stores that hold them.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, ComponentId, Description, EntityId};
use ecs_local::LocalStorage;
use ecs_storage_api::{BoxStream, LocalAsync, Storage, StorageExt, remote, state_hash};
use pollster::block_on;
use serde::{Deserialize, Serialize};

macro_rules! component {
    ($($describe:expr => $(#[$attribute:meta])* struct $name:ident($field:ty);)*) => {
        $(
            #[derive(Debug, PartialEq)]
            $(#[$attribute])*
            pub(crate) struct $name(pub(crate) $field);

            impl Component for $name {
                fn describe() -> Description<Self> {
                    $describe(concat!("remote::", stringify!($name)))
                }
            }
        )*
    };
}

component! {
    |name| Description::persistent(name).cloneable() => #[derive(Clone, Serialize, Deserialize)] struct Position(f32);
    // A codec alone: it travels by its bytes.
    Description::persistent => #[derive(Serialize, Deserialize)] struct Name(String);
    |name| Description::persistent(name).cloneable() => #[derive(Clone, Serialize, Deserialize)] struct Asleep(());
    |name| Description::transient(name).cloneable() => #[derive(Clone)] struct Cache(u32);
    // Neither: it can't travel at all.
    Description::transient => struct Handle(u32);
}

/// A store with `count` entities: each has a position, every second a name,
/// every third sleeps.
pub(crate) fn filled<S: Storage>(mut store: S, count: usize) -> (S, Vec<EntityId>) {
    let ids = (0..count).map(|n| {
        let id = store.create(Position(n as f32)).unwrap();
        if n % 2 == 0 {
            store.set_component(id, Name(format!("number {n}"))).unwrap();
        }
        if n % 3 == 0 {
            store.set_component(id, Asleep(())).unwrap();
        }
        id
    });
    let ids = ids.collect();
    (store, ids)
}

/// Both backends, far away, with the same content.
pub(crate) fn far(
    count: usize,
) -> (LocalAsync<ArchetypeStorage>, LocalAsync<LocalStorage>, Vec<EntityId>) {
    // They give the same ids.
    let (fast, ids) = filled(ArchetypeStorage::new(0), count);
    let (oracle, _) = filled(LocalStorage::new(0), count);
    (LocalAsync::new(fast), LocalAsync::new(oracle), ids)
}

pub(crate) fn id<C: Component>() -> ComponentId {
    ComponentId::of::<C>()
}

/// Waits for a whole stream.
pub(crate) fn collect<T, E>(mut stream: BoxStream<'_, Result<T, E>>) -> Result<Vec<T>, E> {
    block_on(async {
        let mut items = Vec::new();
        while let Some(item) = remote::next(&mut stream).await {
            items.push(item?);
        }
        Ok(items)
    })
}

pub(crate) fn hash<S: Storage>(store: &S) -> u64 {
    state_hash(store).unwrap()
}
