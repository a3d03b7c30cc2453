//! What is exported, and the way out of a store.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use ecs_core::ComponentId;
use ecs_storage_api::{
    DynamicChunk, DynamicQuery, Filter, QueryShape, ReadOnlyQueryData, Storage, TermAccess,
};

use crate::column::{Column, Selected};
use crate::error::ExportError;

/// What the column of ids is called.
const ENTITY: &str = "entity";
/// Enough for columns to compress well, and little enough to hold in memory.
pub(crate) const BATCH_ROWS: usize = 1 << 16;

/// A query whose results become columns; see the [crate](crate) for which.
///
/// The columns come in the order of the query's terms. Terms that only ask whether
/// a component is there (`Has`) have none.
#[derive(Debug)]
pub struct Export {
    query: DynamicQuery,
    selected: Vec<Selected>,
    schema: SchemaRef,
    batch_rows: usize,
}

impl Export {
    /// Exports what a query by component id asks for.
    ///
    /// # Errors
    /// [`ExportError`] if a component can't become columns, or two columns have
    /// one name.
    pub fn new(query: DynamicQuery) -> Result<Self, ExportError> {
        let selected = selected(query.shape());
        let schema = schema_of(&selected)?;
        Ok(Self { query, selected, schema, batch_rows: BATCH_ROWS })
    }

    /// Exports what a query by types asks for.
    ///
    /// # Errors
    /// As [`Export::new`].
    pub fn of<D: ReadOnlyQueryData>() -> Result<Self, ExportError> {
        Self::filtered::<D, ()>()
    }

    /// Exports what a query by types asks for, of the entities that meet `F`.
    ///
    /// # Errors
    /// As [`Export::new`].
    pub fn filtered<D: ReadOnlyQueryData, F: Filter>() -> Result<Self, ExportError> {
        Self::new(DynamicQuery::of(QueryShape::of::<D, F>()?)?)
    }

    /// Exports the entities that have all of some components, found by their
    /// stable names.
    ///
    /// # Errors
    /// [`ExportError::UnknownName`] if no component of that name is registered, and
    /// as [`Export::new`].
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ExportError> {
        let found = names.into_iter().map(|name| {
            let unknown = || ExportError::UnknownName { name: name.to_owned() };
            ComponentId::named(name).ok_or_else(unknown)
        });
        let mut query = DynamicQuery::builder();
        for component in found {
            query = query.read(component?);
        }
        Self::new(query.build()?)
    }

    /// Gives a component another name, in its columns.
    ///
    /// # Errors
    /// [`ExportError::NameTaken`] if two columns then have one name.
    pub fn rename(
        mut self,
        component: ComponentId,
        name: impl Into<String>,
    ) -> Result<Self, ExportError> {
        if let Some(known) = self.selected.iter_mut().find(|known| known.component == component) {
            known.name = name.into();
        }
        self.schema = schema_of(&self.selected)?;
        Ok(self)
    }

    /// Says how many rows a batch has at most: 65,536 if nothing is said.
    ///
    /// # Panics
    /// If it is 0.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        assert!(rows > 0, "a batch has at least one row");
        self.batch_rows = rows;
        self
    }

    /// Returns the schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn selected(&self) -> &[Selected] {
        &self.selected
    }

    /// Reads everything that the query finds, in the store's order; nothing if it
    /// finds nothing.
    ///
    /// # Errors
    /// As [`Export::for_each_batch`].
    ///
    /// # Complexity
    /// A copy of each value.
    pub fn read<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
    ) -> Result<Vec<RecordBatch>, ExportError> {
        let mut batches = Vec::new();
        self.for_each_batch(storage, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }

    /// Gives everything that the query finds to `f`, batch by batch: all but the
    /// last are full.
    ///
    /// # Errors
    /// [`ExportError`] if the query writes, a value can't be encoded, or serde
    /// writes something else than the schema says; and what `f` returns. After an
    /// error `f` is not called again.
    pub fn for_each_batch<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
        mut f: impl FnMut(RecordBatch) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut batch = Batch::begin(&self.selected, &self.schema)?;
        let mut result = Ok(());
        let full = self.batch_rows;
        self.query.for_each_chunk(storage, |chunk| {
            if result.is_ok() {
                result = batch.append(&chunk, full, &mut f);
            }
        })?;
        result?;
        if batch.ids.is_empty() { Ok(()) } else { f(batch.finish()?) }
    }
}

/// A batch that is being filled.
struct Batch<'a> {
    schema: &'a SchemaRef,
    ids: Vec<u64>,
    columns: Vec<Column>,
}

impl<'a> Batch<'a> {
    fn begin(selected: &[Selected], schema: &'a SchemaRef) -> Result<Self, ExportError> {
        let columns = selected.iter().map(Selected::begin).collect::<Result<_, _>>()?;
        Ok(Self { schema, ids: Vec::new(), columns })
    }

    /// Takes a chunk in, and gives a batch away whenever one is full.
    fn append(
        &mut self,
        chunk: &DynamicChunk<'_>,
        full: usize,
        f: &mut impl FnMut(RecordBatch) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut start = 0;
        while start < chunk.len() {
            let rows = (chunk.len() - start).min(full - self.ids.len());
            self.ids.extend(chunk.ids()[start..start + rows].iter().map(|id| id.to_bits()));
            for column in &mut self.columns {
                match chunk.column(column.component()) {
                    Some(values) => {
                        let values = values.range(start, rows);
                        column.append(values.expect("a column is as long as its chunk"))?;
                    }
                    None => column.append_absent(rows),
                }
            }
            start += rows;
            if self.ids.len() == full {
                f(self.finish()?)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch, ExportError> {
        let ids = UInt64Array::from(std::mem::take(&mut self.ids));
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(ids)];
        self.columns.iter_mut().for_each(|column| column.finish(&mut arrays));
        Ok(RecordBatch::try_new(Arc::clone(self.schema), arrays)?)
    }
}

fn selected(shape: &QueryShape) -> Vec<Selected> {
    let required = shape.matcher().required();
    let terms = shape.terms().iter().filter(|term| term.access != TermAccess::Presence);
    let one = |component| Selected::new(component, !required.contains(&component));
    terms.map(|term| one(term.component)).collect()
}

fn schema_of(selected: &[Selected]) -> Result<SchemaRef, ExportError> {
    let mut fields = vec![Arc::new(Field::new(ENTITY, DataType::UInt64, false))];
    for one in selected {
        fields.extend(one.begin()?.fields().iter().cloned());
    }
    let mut names: Vec<_> = fields.iter().map(|field| field.name()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ExportError::NameTaken { name: pair[0].clone() }),
        None => Ok(Arc::new(ArrowSchema::new(fields))),
    }
}
