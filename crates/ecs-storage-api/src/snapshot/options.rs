//! What to do with components that are not what they were.

use std::any::type_name;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use ecs_core::{Codec, Component, ComponentId, ComponentInfo};

use super::error::SnapshotError;
use super::form::Form;
use super::migration::{Chain, Migration, Step};

/// Says how to read components that this process does not know, or knows in
/// another form: which ones to skip, and how old values become new ones.
/// By default none is skipped, and a changed one is an error.
///
/// # Old forms
/// An old form is a type that describes itself as the component once did: the old
/// struct, kept under a new Rust name, with the derive and the stable name that it
/// had. It is never registered, so the name stays that of the present component.
/// Steps make a chain: values of the first form go through every step from there
/// on, until a type from which no step leads; that one must be registered.
///
/// A form is found by the stable name, the codec, for plain bytes size and
/// alignment, and the schema. If one of two forms has no schema, only the rest is
/// compared; of [opaque](ecs_core::Schema::Opaque) parts only the name is. A column
/// that is in the present form is read as it is, even if a step begins there.
///
/// # Example
/// ```
/// use ecs_core::{Component, Description};
/// use ecs_storage_api::snapshot::ReadOptions;
///
/// /// What the component was a year ago: a number of another size.
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(transparent)]
/// struct ManaV1(u16);
/// impl Component for ManaV1 {
///     fn describe() -> Description<Self> {
///         Description::pod("docs::Mana")
///     }
/// }
///
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(transparent)]
/// struct Mana(f32);
/// impl Component for Mana {
///     fn describe() -> Description<Self> {
///         Description::pod("docs::Mana")
///     }
/// }
///
/// let options = ReadOptions::new()
///     .migrate(|old: ManaV1| Mana(old.0.into()))
///     .skip_named("docs::Weather");
/// # let _ = options;
/// ```
#[derive(Debug, Default)]
pub struct ReadOptions {
    steps: Vec<Step>,
    skipped: BTreeSet<String>,
    skip_unknown: bool,
}

/// What becomes of the columns of a component.
#[derive(Debug)]
pub(super) enum Target<'o> {
    /// They are read as they are.
    Here(&'static ComponentInfo),
    /// They are read in an old form.
    Migrated(Chain<'o>),
    /// They are left out.
    Skipped,
}

impl Target<'_> {
    /// Returns the component that the values are of in this process.
    pub(super) fn info(&self) -> Option<&'static ComponentInfo> {
        match self {
            Self::Here(info) => Some(info),
            Self::Migrated(chain) => Some(chain.info()),
            Self::Skipped => None,
        }
    }
}

impl ReadOptions {
    /// Skips nothing and migrates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes values of an old form those of a newer one: a step of a chain.
    ///
    /// # Panics
    /// If a step from `Old` is there already, or steps lead from `New` back to it,
    /// or `Old` is transient, so that no file can hold it.
    #[must_use]
    pub fn migrate<Old: Component, New: Component>(
        mut self,
        convert: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Self {
        let step = Step::new(convert);
        let (old, new) = (type_name::<Old>(), type_name::<New>());
        assert!(
            self.steps.iter().all(|known| known.from != step.from),
            "a migration from `{old}` is there already"
        );
        assert!(
            !matches!(Old::describe().codec(), Codec::Transient),
            "`{old}` is transient: no snapshot holds it"
        );
        let mut end = step.to;
        while end != step.from {
            match self.steps.iter().find(|known| known.from == end) {
                Some(next) => end = next.to,
                None => {
                    self.steps.push(step);
                    return self;
                }
            }
        }
        panic!("migrations lead from `{new}` back to `{old}`");
    }

    /// Leaves a component out, whatever its form: its entities come without it.
    #[must_use]
    pub fn skip<C: Component>(self) -> Self {
        self.skip_named(C::describe().name())
    }

    /// As [`skip`](Self::skip), by its stable name; or by its name a resource or events of a
    /// world.
    #[must_use]
    pub fn skip_named(mut self, name: impl Into<String>) -> Self {
        self.skipped.insert(name.into());
        self
    }

    /// Leaves out every component that this process has not registered, and from
    /// which no migration leads; of a world also resources and events that it does not save.
    #[must_use]
    pub fn skip_unknown(mut self) -> Self {
        self.skip_unknown = true;
        self
    }

    /// Returns the stable name under which a component is known here, after
    /// migrations of any of its forms; `None` if it is skipped.
    pub fn name_here<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        if self.skipped.contains(name) {
            return None;
        }
        let mut step = self.steps.iter().find(|step| step.old.name == name);
        if step.is_none() && self.skip_unknown && ComponentId::named(name).is_none() {
            return None;
        }
        let mut here = name;
        while let Some(Step { to, new_name, .. }) = step {
            here = new_name;
            step = self.steps.iter().find(|next| next.from == *to);
        }
        Some(here)
    }

    /// Tells whether a resource or events of a name are left out, which a world saves or
    /// does not know.
    pub fn skips_resource(&self, name: &str, is_known: bool) -> bool {
        self.skipped.contains(name) || self.skip_unknown && !is_known
    }

    /// Returns the way from an old form of a component, by its stable name, the name of
    /// its codec, the bytes from one value to the next if they are plain bytes, and the
    /// text of its schema, empty if it has none; `None` if no migration begins there.
    ///
    /// # Errors
    /// [`SnapshotError`] if the way does not end at a component of this process.
    pub fn migration(
        &self,
        name: &str,
        codec: &str,
        stride: Option<usize>,
        schema: &str,
    ) -> Result<Option<Migration<'_>>, SnapshotError> {
        let begins = |step: &&Step| {
            let text = step.schema.as_ref().map(ToString::to_string).unwrap_or_default();
            let form = &step.old;
            (&*form.name, form.codec(), form.stride(), &*text) == (name, codec, stride, schema)
        };
        let step = self.steps.iter().find(begins);
        step.map(|step| Migration::new(step, &self.steps)).transpose()
    }

    /// Decides what becomes of a component that a file holds.
    pub(super) fn target(&self, form: &Form) -> Result<Target<'_>, SnapshotError> {
        form.check()?;
        if self.skipped.contains(&form.name) {
            return Ok(Target::Skipped);
        }
        let here = ComponentId::named(&form.name).map(|id| id.info());
        let likeness = here.and_then(|info| Form::of(info).likeness(form));
        let steps = self.steps.iter().filter(|step| step.old.name == form.name);
        let steps = steps.filter_map(|step| Some((step.old.likeness(form)?, step)));
        // Of several that are alike the first.
        let step = steps.min_by_key(|(likeness, _)| Reverse(*likeness));
        match (here, step) {
            (Some(info), None) if likeness.is_some() => Ok(Target::Here(info)),
            (Some(info), Some((of_step, _))) if likeness >= Some(of_step) => Ok(Target::Here(info)),
            (_, Some((_, step))) => Ok(Target::Migrated(Chain::new(step, &self.steps)?)),
            (Some(info), None) => Err(SnapshotError::changed(form, info)),
            (None, None) if self.skip_unknown => Ok(Target::Skipped),
            (None, None) => Err(SnapshotError::UnknownComponent { name: form.name.clone() }),
        }
    }
}
