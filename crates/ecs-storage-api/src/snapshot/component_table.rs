//! The components that a container speaks of, which it numbers by their places.

use std::io::Write;

use ahash::AHashMap;
use ecs_core::{ComponentId, ComponentInfo};

use super::error::SnapshotError;
use super::form::Form;
use super::sections::{SectionReader, SectionWriter};
use super::serial::{section, value};
use super::tags;

/// Components in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct ComponentTable {
    all: Vec<&'static ComponentInfo>,
    places: AHashMap<ComponentId, u32>,
}

impl ComponentTable {
    /// Returns a component's place, which it gets if it has none.
    pub(super) fn place(&mut self, info: &'static ComponentInfo) -> u32 {
        *self.places.entry(info.id()).or_insert_with(|| {
            self.all.push(info);
            self.all.len() as u32 - 1
        })
    }

    /// Returns them, by their places.
    pub(super) fn all(&self) -> &[&'static ComponentInfo] {
        &self.all
    }

    /// Returns the component at a place.
    pub(super) fn get(&self, place: u32) -> Result<&'static ComponentInfo, SnapshotError> {
        let found = self.all.get(place as usize).copied();
        let what = || format!("component {place} is not in the table");
        found.ok_or_else(|| SnapshotError::Damaged { at: 0, what: what() })
    }

    /// Writes the forms of the components as a section.
    pub(super) fn write<W: Write>(&self, to: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        let forms: Vec<_> = self.all.iter().map(|info| Form::of(info)).collect();
        section(to, tags::COMPONENTS, &forms)
    }

    /// Reads a table of components that are known here, in the same form.
    pub(super) fn read(from: &mut SectionReader<'_>) -> Result<Self, SnapshotError> {
        let forms: Vec<Form> = value(from.expect(tags::COMPONENTS)?, "the component table")?;
        Ok(forms.iter().map(Form::resolve).collect::<Result<Vec<_>, _>>()?.into())
    }
}

impl From<Vec<&'static ComponentInfo>> for ComponentTable {
    fn from(all: Vec<&'static ComponentInfo>) -> Self {
        let places = all.iter().map(|info| info.id()).zip(0..).collect();
        Self { all, places }
    }
}
