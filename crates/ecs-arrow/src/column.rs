//! The columns of one component: what they are called, and how they are filled.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{DataType, Field, FieldRef};
use ecs_core::{ComponentId, ErasedSlice, Schema};

use crate::cells::{self, Cells, Unfit};
use crate::error::ExportError;

/// How the values of a component are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// They have no data: it is enough that they are there.
    Presence,
    /// As they lie in memory.
    Memory,
    /// As serde writes them.
    Codec,
}

/// A component that is exported.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    pub(crate) component: ComponentId,
    /// Whether there are rows without it.
    pub(crate) is_optional: bool,
    pub(crate) name: String,
}

/// A component while its columns are filled.
#[derive(Debug)]
pub(crate) struct Column {
    component: ComponentId,
    source: Source,
    cells: Box<dyn Cells>,
    fields: Vec<FieldRef>,
    /// What serde wrote of the values at hand.
    encoded: Vec<u8>,
}

impl Selected {
    pub(crate) fn new(component: ComponentId, is_optional: bool) -> Self {
        let name = last_part(component.info().name()).to_owned();
        Self { component, is_optional, name }
    }

    /// Makes empty columns.
    pub(crate) fn begin(&self) -> Result<Column, ExportError> {
        let component = self.component;
        let info = component.info();
        let (cells, source) = match info.schema() {
            Some(schema) if schema.is_empty() => (Ok(cells::presence()), Source::Presence),
            Some(schema) if info.is_pod() => {
                let cells = cells::of(schema, &self.name);
                // What is unfit says more than a size that is not known.
                if cells.is_ok() && cells::memory_size(schema) != Some(info.stride()) {
                    let (schema, size) = (schema.to_string(), info.size());
                    return Err(ExportError::Layout { component, schema, size });
                }
                (cells, Source::Memory)
            }
            None if info.size() == 0 => (Ok(cells::presence()), Source::Presence),
            None if info.is_pod() => (cells::blob(info.size(), &self.name), Source::Memory),
            _ if info.is_transient() => {
                let component = info.name().to_owned();
                return Err(ecs_core::CodecError::Transient { component }.into());
            }
            Some(schema) => (cells::of(schema, &self.name), Source::Codec),
            None => return Err(ExportError::NoSchema { component }),
        };
        let cells = cells.map_err(|unfit| match unfit {
            Unfit::Opaque { field, type_name } => {
                ExportError::Opaque { component, field, type_name }
            }
            Unfit::Unsupported { field, reason } => {
                ExportError::Unsupported { component, field, reason }
            }
        })?;
        let fields = self.fields(&*cells, self.is_optional && source != Source::Presence);
        Ok(Column { component, source, cells, fields, encoded: Vec::new() })
    }

    fn fields(&self, cells: &dyn Cells, may_lack: bool) -> Vec<FieldRef> {
        let info = self.component.info();
        let mut metadata = HashMap::from([("ecs.component".to_owned(), info.name().to_owned())]);
        metadata.extend(info.schema().map(|text| ("ecs.schema".to_owned(), text.to_string())));
        let whole = Field::new(&self.name, cells.data_type(), cells.is_nullable());
        let mut fields = Vec::new();
        flat_fields(&whole, &mut |field| {
            let is_nullable = field.is_nullable() || may_lack;
            let field = field.with_nullable(is_nullable).with_metadata(metadata.clone());
            fields.push(field.into());
        });
        fields
    }
}

impl Column {
    /// Returns what the columns are called and hold.
    pub(crate) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    pub(crate) fn component(&self) -> ComponentId {
        self.component
    }

    /// Appends the values of some rows.
    pub(crate) fn append(&mut self, values: ErasedSlice<'_>) -> Result<(), ExportError> {
        match self.source {
            Source::Presence => self.cells.gather(&[], 0, &[(values.len(), 0)]),
            Source::Memory => {
                self.append_bytes(values.as_bytes().expect("the component is plain bytes"));
            }
            Source::Codec => {
                self.encoded.clear();
                values.encode(&mut self.encoded)?;
                let mut bytes = &*self.encoded;
                for _ in 0..values.len() {
                    self.cells.read(&mut bytes).map_err(|error| misread(values, error.0))?;
                }
                if !bytes.is_empty() {
                    return Err(misread(values, format!("{} bytes more", bytes.len())));
                }
            }
        }
        Ok(())
    }

    /// Appends values of plain bytes, as they lie in memory.
    pub(crate) fn append_bytes(&mut self, bytes: &[u8]) {
        let stride = self.component.info().stride();
        self.cells.gather(bytes, 0, &[(bytes.len() / stride, stride)]);
    }

    /// Appends rows without the component.
    pub(crate) fn append_absent(&mut self, rows: usize) {
        self.cells.null(rows);
    }

    /// Returns the columns, and begins anew.
    pub(crate) fn finish(&mut self, out: &mut Vec<ArrayRef>) {
        let array = self.cells.finish();
        flat_arrays(array, self.cells.is_nullable(), out);
    }

    /// Makes columns of the memory of values, without a copy, or returns `false` if
    /// Arrow lays them out in another way.
    pub(crate) fn adopt(&self, memory: arrow_buffer::Buffer, out: &mut Vec<ArrayRef>) -> bool {
        let array = self.cells.adopt(&memory);
        array.map(|array| flat_arrays(array, self.cells.is_nullable(), out)).is_some()
    }

    /// Tells whether values are read as they lie, one right after another.
    pub(crate) fn is_memory(&self) -> bool {
        let info = self.component.info();
        self.source == Source::Memory && info.size() == info.stride()
    }
}

fn misread(values: ErasedSlice<'_>, reason: String) -> ExportError {
    let schema = values.info().schema().map(Schema::to_string).unwrap_or_default();
    ExportError::Misread { component: values.id(), schema, reason }
}

/// Takes structs apart, except where one may be null.
fn flat_fields(field: &Field, out: &mut impl FnMut(Field)) {
    match field.data_type() {
        DataType::Struct(inside) if !field.is_nullable() => {
            for part in inside {
                let name = format!("{}.{}", field.name(), part.name());
                flat_fields(&part.as_ref().clone().with_name(name), out);
            }
        }
        _ => out(field.clone()),
    }
}

// In step with `flat_fields`. Where the struct is null its parts are.
fn flat_arrays(array: ArrayRef, is_nullable: bool, out: &mut Vec<ArrayRef>) {
    match array.as_any().downcast_ref::<StructArray>() {
        Some(parts) if !is_nullable => {
            for (field, part) in parts.fields().iter().zip(parts.columns()) {
                flat_arrays(Arc::clone(part), field.is_nullable(), out);
            }
        }
        _ => out.push(array),
    }
}

/// Returns a component's name without the path in front of it.
fn last_part(name: &str) -> &str {
    let end = name.find('<').unwrap_or(name.len());
    name[..end].rfind("::").map_or(name, |at| &name[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_name_is_behind_the_path() {
        assert_eq!(last_part("game::parts::Tag<other::Kind>"), "Tag<other::Kind>");
        assert_eq!(last_part("Tag"), "Tag");
    }
}
