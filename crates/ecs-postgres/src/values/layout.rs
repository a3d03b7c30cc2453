//! How a component lies in its table: its columns, and the way of values into them
//! and back.

use ecs_core::{CodecError, ComponentInfo, EntityId, ErasedSlice, ErasedVec, Field, Schema};
use tokio_postgres::types::Type;

use super::kind::{self, Kind};
use super::source::{self, Source};
use super::target::{self, Target};
use super::{Unfit, cell};
use crate::name;

/// The columns of a component.
#[derive(Debug)]
pub(crate) struct Layout {
    form: Form,
    columns: Vec<Column>,
}

/// How values are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they lie in memory, field by field.
    Memory,
    /// As serde and postcard write them, field by field.
    Codec,
    /// As a whole.
    Blob,
}

/// A column beside that of the entity.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sql: Type,
    pub(crate) may_lack: bool,
    kind: Kind,
    /// The number of the field, those without data included.
    field: usize,
    /// Where the field lies in memory.
    offset: usize,
}

impl Layout {
    /// Lays the values of a component out. Pod says that they are plain memory of so
    /// many bytes.
    pub(crate) fn new(schema: Option<&Schema>, pod: Option<usize>) -> Self {
        let described = schema.and_then(|schema| Self::described(schema, pod));
        described.unwrap_or_else(|| match pod {
            Some(0) => Self { form: Form::Memory, columns: Vec::new() },
            _ => {
                let column = Column {
                    name: name::VALUE.to_owned(),
                    sql: Type::BYTEA,
                    may_lack: false,
                    kind: Kind::Bytes(None),
                    field: 0,
                    offset: 0,
                };
                Self { form: Form::Blob, columns: vec![column] }
            }
        })
    }

    /// Lays the values of a registered component out.
    pub(crate) fn of(info: &ComponentInfo) -> Self {
        Self::new(info.schema(), info.is_pod().then(|| info.stride()))
    }

    fn described(schema: &Schema, pod: Option<usize>) -> Option<Self> {
        let form = match pod {
            Some(size) if kind::memory_size(schema) == Some(size) => Form::Memory,
            Some(_) => return None,
            None => Form::Codec,
        };
        let whole = [Field::new(name::VALUE, schema.clone()).at(0)];
        let fields = match schema {
            Schema::Struct(fields) | Schema::Tuple(fields) => &fields[..],
            _ => &whole,
        };
        let numbered = fields.iter().enumerate();
        let with_data = numbered.filter(|(_, field)| !field.schema.is_empty());
        let mut columns = Vec::new();
        let names = name::columns(schema);
        for ((number, field), name) in with_data.zip(names) {
            let (kind, may_lack) = Kind::of(&field.schema)?;
            let offset = field.offset.unwrap_or(0);
            columns.push(Column { name, sql: kind.sql(), may_lack, kind, field: number, offset });
        }
        Some(Self { form, columns })
    }

    /// Returns the columns, in the order of their cells.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the column of a field, if it has one of its own.
    pub(crate) fn column_of(&self, field: usize) -> Option<&Column> {
        let described = self.form != Form::Blob;
        self.columns.iter().find(|column| described && column.field == field)
    }

    /// Appends rows in the binary form of `COPY`: an id, and the cells of a value.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if PostgreSQL can't hold a value.
    pub(crate) fn put_rows(
        &self,
        ids: &[EntityId],
        values: ErasedSlice<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        debug_assert_eq!(ids.len(), values.len(), "a value for each entity");
        let info = values.info();
        let refuse = |row: usize| {
            move |Unfit(reason): Unfit| CodecError::Encode {
                component: info.name().to_owned(),
                row,
                reason,
            }
        };
        match self.form {
            Form::Memory => {
                let bytes = values.as_bytes().expect("the component is plain memory");
                let stride = info.stride();
                for (row, id) in ids.iter().enumerate() {
                    self.begin_row(*id, out);
                    let value = &bytes[row * stride..(row + 1) * stride];
                    self.put_cells(&mut source::Memory::new(value), out).map_err(refuse(row))?;
                }
            }
            Form::Codec => {
                let mut bytes = Vec::new();
                values.encode(&mut bytes)?;
                let mut source = source::Encoded::new(&bytes);
                for (row, id) in ids.iter().enumerate() {
                    self.begin_row(*id, out);
                    self.put_cells(&mut source, out).map_err(refuse(row))?;
                }
                if !source.rest().is_empty() {
                    let reason = "its codec writes something else than its schema says";
                    return Err(refuse(ids.len() - 1)(Unfit(reason.to_owned())));
                }
            }
            Form::Blob => {
                for (row, id) in ids.iter().enumerate() {
                    self.begin_row(*id, out);
                    let value = values.range(row, 1).expect("there are so many");
                    let mut refused = Ok(());
                    let put = cell::cell(out, |out| {
                        refused = value.encode(out);
                        Ok(())
                    });
                    refused?;
                    put.map_err(refuse(row))?;
                }
            }
        }
        Ok(())
    }

    fn begin_row(&self, id: EntityId, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.columns.len() as i16 + 1).to_be_bytes());
        out.extend_from_slice(&8i32.to_be_bytes());
        out.extend_from_slice(&id.to_bits().to_be_bytes());
    }

    fn put_cells(&self, source: &mut impl Source, out: &mut Vec<u8>) -> Result<(), Unfit> {
        for column in &self.columns {
            source.go(column.offset);
            let put = cell::put(&column.kind, column.may_lack, source, out);
            put.map_err(|Unfit(reason)| Unfit(format!("column {:?}: {reason}", column.name)))?;
        }
        Ok(())
    }

    /// Appends a value in its persistent form, from its cells.
    pub(crate) fn take_row<'c>(
        &self,
        cells: impl Iterator<Item = Option<&'c [u8]>>,
        stride: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        match self.form {
            Form::Memory => {
                let start = out.len();
                out.resize(start + stride, 0);
                self.take_cells(cells, &mut target::Memory::new(&mut out[start..]))
            }
            Form::Codec => self.take_cells(cells, &mut target::Encoded::new(out)),
            Form::Blob => {
                let bytes = cells.flatten().next();
                out.extend_from_slice(bytes.ok_or_else(|| Unfit("no bytes".to_owned()))?);
                Ok(())
            }
        }
    }

    fn take_cells<'c>(
        &self,
        cells: impl Iterator<Item = Option<&'c [u8]>>,
        target: &mut impl Target,
    ) -> Result<(), Unfit> {
        for (column, bytes) in self.columns.iter().zip(cells) {
            target.go(column.offset);
            let taken = cell::take(&column.kind, column.may_lack, bytes, target);
            taken.map_err(|Unfit(reason)| Unfit(format!("column {:?}: {reason}", column.name)))?;
        }
        Ok(())
    }
}

/// Values of one component while their rows come in.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    bytes: Vec<u8>,
    rows: usize,
}

impl Gathered {
    /// Adds a value.
    pub(crate) fn push<'c>(
        &mut self,
        info: &'static ComponentInfo,
        layout: &Layout,
        cells: impl Iterator<Item = Option<&'c [u8]>>,
    ) -> Result<(), CodecError> {
        let row = self.rows;
        layout.take_row(cells, info.stride(), &mut self.bytes).map_err(|Unfit(reason)| {
            CodecError::Decode { component: info.name().to_owned(), row, reason }
        })?;
        self.rows += 1;
        Ok(())
    }

    /// Returns the values.
    pub(crate) fn finish(self, info: &'static ComponentInfo) -> Result<ErasedVec, CodecError> {
        let mut bytes = &*self.bytes;
        let values = ErasedVec::decode(info, &mut bytes, self.rows)?;
        match bytes {
            [] => Ok(values),
            more => Err(CodecError::Decode {
                component: info.name().to_owned(),
                row: self.rows.saturating_sub(1),
                reason: format!("{} bytes more than its values", more.len()),
            }),
        }
    }
}
