//! Steps from what a component once was to what it is.

use std::any::{Any, TypeId};
use std::fmt;

use ecs_core::{CodecError, Component, ComponentId, ComponentInfo, ErasedVec, Schema};

use super::error::SnapshotError;
use super::form::Form;

/// A `Vec` of values of the type at which a step begins or ends.
type Values = Box<dyn Any>;

/// Leads from the values of one type to those of another.
pub(super) struct Step {
    /// What is read at the beginning.
    pub(super) old: Form,
    pub(super) schema: Option<Schema>,
    pub(super) from: TypeId,
    pub(super) to: TypeId,
    /// The name of the component at the end.
    pub(super) new_name: String,
    decode: fn(&mut &[u8], usize) -> Result<Values, CodecError>,
    convert: Box<dyn Fn(Values) -> Values + Send + Sync>,
    finish: fn(Values) -> ErasedVec,
}

impl Step {
    pub(super) fn new<Old: Component, New: Component>(
        convert: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Self {
        let old = Old::describe();
        let layout = (size_of::<Old>(), align_of::<Old>());
        Self {
            old: Form::new(old.name(), old.codec().name(), layout, old.schema().as_ref()),
            schema: old.schema(),
            from: TypeId::of::<Old>(),
            to: TypeId::of::<New>(),
            new_name: New::describe().name().to_owned(),
            decode: |bytes, count| Ok(Box::new(Old::describe().decode(bytes, count)?)),
            convert: Box::new(move |values| {
                let values = typed::<Old>(values).into_iter();
                Box::new(values.map(&convert).collect::<Vec<New>>())
            }),
            finish: |values| ErasedVec::from_vec(typed::<New>(values)),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.old.name, self.new_name)
    }
}

fn typed<C: Component>(values: Values) -> Vec<C> {
    *values.downcast().expect("a step begins where the one before ends")
}

/// The steps that lead from a form in a file to a component of this process.
#[derive(Debug)]
pub(super) struct Chain<'o> {
    steps: Vec<&'o Step>,
    info: &'static ComponentInfo,
}

impl<'o> Chain<'o> {
    /// Goes on from a step as far as others lead.
    ///
    /// # Errors
    /// [`SnapshotError`] if that is no component of this process.
    pub(super) fn new(first: &'o Step, all: &'o [Step]) -> Result<Self, SnapshotError> {
        let mut steps = vec![first];
        let mut last = first;
        // Options hold no circle.
        while let Some(next) = all.iter().find(|step| step.from == last.to) {
            steps.push(next);
            last = next;
        }
        let unknown = || SnapshotError::UnknownComponent { name: last.new_name.clone() };
        let info = ComponentId::named(&last.new_name).ok_or_else(unknown)?.info();
        if info.type_id() != Some(last.to) {
            return Err(SnapshotError::changed(&first.old, info));
        }
        Ok(Self { steps, info })
    }

    pub(super) fn info(&self) -> &'static ComponentInfo {
        self.info
    }

    /// Reads values of the form at the beginning, and makes them what they are now.
    pub(super) fn decode(&self, bytes: &mut &[u8], count: usize) -> Result<ErasedVec, CodecError> {
        let (first, last) = (self.steps[0], self.steps[self.steps.len() - 1]);
        let values = (first.decode)(bytes, count)?;
        let values = self.steps.iter().fold(values, |values, step| (step.convert)(values));
        Ok((last.finish)(values))
    }
}

/// The way from an old form of a component to what it is in this process, for a store
/// that holds values in a form of its own. [`ReadOptions`](super::ReadOptions) know it.
#[derive(Debug)]
pub struct Migration<'o>(Chain<'o>);

impl<'o> Migration<'o> {
    pub(super) fn new(first: &'o Step, all: &'o [Step]) -> Result<Self, SnapshotError> {
        Chain::new(first, all).map(Self)
    }

    /// Returns of what the old values consist, if that is known.
    pub fn schema(&self) -> Option<&Schema> {
        self.0.steps[0].schema.as_ref()
    }

    /// Returns the bytes from one old value to the next, if they are plain bytes.
    pub fn stride(&self) -> Option<usize> {
        self.0.steps[0].old.stride()
    }

    /// Returns the component in this process.
    pub fn info(&self) -> &'static ComponentInfo {
        self.0.info()
    }

    /// Reads old values in their persistent form, and makes them what they are now.
    ///
    /// # Errors
    /// [`CodecError`] if the bytes end early, or are no values of the old form.
    pub fn decode(&self, bytes: &mut &[u8], count: usize) -> Result<ErasedVec, CodecError> {
        self.0.decode(bytes, count)
    }
}
