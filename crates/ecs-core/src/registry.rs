//! The process-wide registry: names, types and dense ids of components.

use std::alloc::Layout;
use std::any::{TypeId, type_name};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use parking_lot::RwLock;

use crate::codec::Codec;
use crate::component::{Component, ComponentId};
use crate::erased::drop_fn;
use crate::info::ComponentInfo;
use crate::type_hasher::TypeHasher;

/// Tells why a component could not be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name belongs to something else already.
    #[error(
        "component name `{name}` is taken: `{first}` has it, and `{second}` asks for it; give one of them another name, by #[component(name = \"…\")] if it is derived"
    )]
    NameTaken {
        /// The contested stable name.
        name: String,
        /// Who has it: a type's path, or the layout of a run-time component.
        first: String,
        /// Who asked for it.
        second: String,
    },
    /// A run-time description has no valid layout.
    #[error("component `{name}`: size {size} with alignment {align} is no valid layout")]
    InvalidLayout {
        /// The component's name.
        name: String,
        /// The size that was asked for, in bytes.
        size: usize,
        /// The alignment that was asked for, in bytes.
        align: usize,
    },
}

struct Registry {
    /// By `ComponentId::index() - 1`.
    infos: Vec<&'static ComponentInfo>,
    by_type: HashMap<TypeId, ComponentId, BuildHasherDefault<TypeHasher>>,
    by_name: BTreeMap<&'static str, ComponentId>,
}

static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    infos: Vec::new(),
    by_type: HashMap::with_hasher(BuildHasherDefault::new()),
    by_name: BTreeMap::new(),
});

/// Returns how many components the process has registered; their ids have the
/// indices `1..=component_count()`.
pub fn component_count() -> usize {
    REGISTRY.read().infos.len()
}

/// Returns every component that this process knows, in the order of registration.
pub fn components() -> impl Iterator<Item = ComponentId> {
    (1..=component_count()).map(ComponentId::from_index)
}

pub(crate) fn find(name: &str) -> Option<ComponentId> {
    REGISTRY.read().by_name.get(name).copied()
}

pub(crate) fn info(id: ComponentId) -> &'static ComponentInfo {
    REGISTRY.read().infos[id.index() - 1]
}

pub(crate) fn register_type<C: Component>() -> Result<ComponentId, RegisterError> {
    if let Some(&id) = REGISTRY.read().by_type.get(&TypeId::of::<C>()) {
        return Ok(id);
    }
    // Outside the lock: user code runs here, and may register other components.
    let description = C::describe();
    let mut registry = REGISTRY.write();
    if let Some(&id) = registry.by_type.get(&TypeId::of::<C>()) {
        return Ok(id);
    }
    registry.check_name(&description.name, type_name::<C>())?;
    let id = registry.add(|id| ComponentInfo {
        id,
        name: description.name.into_owned().into_boxed_str(),
        type_name: Some(type_name::<C>()),
        type_id: Some(TypeId::of::<C>()),
        size: size_of::<C>(),
        layout: Layout::new::<C>(),
        drop: drop_fn::<C>(),
        clone: description.clone,
        debug: description.debug,
        schema: description.schema.map(LazyLock::new),
        codec: description.codec,
        tracked: C::TRACK,
    });
    registry.by_type.insert(TypeId::of::<C>(), id);
    Ok(id)
}

pub(crate) fn register_dynamic(
    name: String,
    layout: Layout,
    tracked: bool,
) -> Result<ComponentId, RegisterError> {
    let mut registry = REGISTRY.write();
    if let Some(&id) = registry.by_name.get(name.as_str()) {
        let known = registry.infos[id.index() - 1];
        let same = known.type_id.is_none()
            && known.size == layout.size()
            && known.align() == layout.align()
            && known.tracked == tracked;
        if same {
            return Ok(id);
        }
    }
    registry.check_name(&name, &describe_layout(layout.size(), layout.align(), tracked))?;
    Ok(registry.add(|id| ComponentInfo {
        id,
        name: name.into_boxed_str(),
        type_name: None,
        type_id: None,
        size: layout.size(),
        layout: layout.pad_to_align(),
        drop: None,
        clone: None,
        debug: None,
        schema: None,
        codec: Codec::Pod,
        tracked,
    }))
}

fn describe_layout(size: usize, align: usize, tracked: bool) -> String {
    let tracked = if tracked { ", tracked" } else { "" };
    format!("{size} bytes at alignment {align}{tracked}, described at run time")
}

impl Registry {
    fn check_name(&self, name: &str, second: &str) -> Result<(), RegisterError> {
        let Some(id) = self.by_name.get(name) else { return Ok(()) };
        let known = self.infos[id.index() - 1];
        let first = match known.type_name {
            Some(path) => path.to_owned(),
            None => describe_layout(known.size, known.align(), known.tracked),
        };
        Err(RegisterError::NameTaken { name: name.to_owned(), first, second: second.to_owned() })
    }

    fn add(&mut self, make: impl FnOnce(ComponentId) -> ComponentInfo) -> ComponentId {
        let id = ComponentId::from_index(self.infos.len() + 1);
        // Leaked on purpose: a component is known as long as the process lives.
        let info: &'static ComponentInfo = Box::leak(Box::new(make(id)));
        self.infos.push(info);
        self.by_name.insert(&info.name, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, DynamicComponent};

    struct First;
    struct Second;
    struct Generic<T>(std::marker::PhantomData<fn() -> T>);

    impl Component for First {
        fn describe() -> Description<Self> {
            Description::transient("registry::Contested")
        }
    }
    impl Component for Second {
        fn describe() -> Description<Self> {
            Description::transient("registry::Contested")
        }
    }
    impl<T: 'static> Component for Generic<T> {
        fn describe() -> Description<Self> {
            Description::transient(format!("registry::Generic<{}>", type_name::<T>()))
        }
    }

    #[test]
    fn two_types_under_one_name_are_an_error_with_both_paths() {
        let first = ComponentId::try_of::<First>();
        let second = ComponentId::try_of::<Second>();
        let error = first.and(second).unwrap_err().to_string();
        assert!(error.contains("tests::First") && error.contains("tests::Second"), "{error}");
    }

    #[test]
    fn instances_of_a_generic_component_have_ids_of_their_own() {
        let (a, b) = (ComponentId::of::<Generic<u8>>(), ComponentId::of::<Generic<String>>());
        assert_ne!(a, b);
        assert_eq!(a, ComponentId::of::<Generic<u8>>());
        assert_eq!(ComponentId::named("registry::Generic<u8>"), Some(a));
    }

    #[test]
    fn a_run_time_component_is_registered_once_and_by_one_layout() {
        let id = DynamicComponent::new("registry::Dynamic", 5, 4).register().unwrap();
        assert_eq!(DynamicComponent::new("registry::Dynamic", 5, 4).register(), Ok(id));
        assert!(DynamicComponent::new("registry::Dynamic", 8, 4).register().is_err());
        assert!(DynamicComponent::new("registry::Dynamic", 5, 4).tracked().register().is_err());
        assert!(DynamicComponent::new("registry::Odd", 8, 3).register().is_err());
        assert!(DynamicComponent::new("registry::Vast", usize::MAX, 8).register().is_err());
        assert_eq!((id.info().size(), id.info().stride()), (5, 8));
    }
}
