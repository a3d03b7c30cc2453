//! The components that a container speaks of, which it numbers by their places.

use std::io::Write;

use ecs_core::ComponentInfo;

use super::error::SnapshotError;
use super::form::Form;
use super::sections::{SectionReader, SectionWriter};
use super::serial::{section, value};
use super::tags;

/// Components in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct ComponentTable(pub(super) Vec<&'static ComponentInfo>);

impl ComponentTable {
    /// Returns a component's place, which it gets if it has none.
    pub(super) fn place(&mut self, info: &'static ComponentInfo) -> u32 {
        let known = self.0.iter().position(|known| known.id() == info.id());
        known.unwrap_or_else(|| {
            self.0.push(info);
            self.0.len() - 1
        }) as u32
    }

    /// Returns the component at a place.
    pub(super) fn get(&self, place: u32) -> Result<&'static ComponentInfo, SnapshotError> {
        let found = self.0.get(place as usize).copied();
        let what = || format!("component {place} is not in the table");
        found.ok_or_else(|| SnapshotError::Damaged { at: 0, what: what() })
    }

    /// Writes the forms of the components as a section.
    pub(super) fn write<W: Write>(&self, to: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        let forms: Vec<_> = self.0.iter().map(|info| Form::of(info)).collect();
        section(to, tags::COMPONENTS, &forms)
    }

    /// Reads a table of components that are known here, in the same form.
    pub(super) fn read(from: &mut SectionReader<'_>) -> Result<Self, SnapshotError> {
        let forms: Vec<Form> = value(from.expect(tags::COMPONENTS)?, "the component table")?;
        Ok(Self(forms.iter().map(Form::resolve).collect::<Result<_, _>>()?))
    }
}
