//! Which cells a schema asks for.

use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use ecs_core::{Field, Schema, Variant};

use super::Cells;
use super::choice::{CHOICE, Choices, Tagged};
use super::nested::{Arrays, Lists, Maps, Nullable, Part, Structs};
use super::numbers::{Numbers, Truth, Truths};
use super::text::{Blobs, Spelled, Texts};

/// Tells why a schema can't be a column.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// A type says nothing of itself.
    Opaque { field: String, type_name: String },
    /// Arrow has nothing of that kind.
    Unsupported { field: String, reason: &'static str },
}

/// Makes the cells of a schema, that of what `path` leads to.
pub(crate) fn of(schema: &Schema, path: &str) -> Result<Box<dyn Cells>, Unfit> {
    let unsupported = |reason| Err(Unfit::Unsupported { field: path.to_owned(), reason });
    Ok(match schema {
        _ if schema.is_empty() => Box::new(Truths::new(Truth::Value)),
        Schema::Bool => Box::new(Truths::new(Truth::Bool)),
        Schema::I8 => Box::new(Numbers::<Int8Type>::new()),
        Schema::I16 => Box::new(Numbers::<Int16Type>::new()),
        Schema::I32 => Box::new(Numbers::<Int32Type>::new()),
        Schema::Isize if size_of::<isize>() == 4 => Box::new(Numbers::<Int32Type>::new()),
        Schema::I64 | Schema::Isize => Box::new(Numbers::<Int64Type>::new()),
        Schema::U8 => Box::new(Numbers::<UInt8Type>::new()),
        Schema::U16 => Box::new(Numbers::<UInt16Type>::new()),
        Schema::U32 => Box::new(Numbers::<UInt32Type>::new()),
        Schema::Usize if size_of::<usize>() == 4 => Box::new(Numbers::<UInt32Type>::new()),
        Schema::U64 | Schema::Usize | Schema::Entity => Box::new(Numbers::<UInt64Type>::new()),
        Schema::F32 => Box::new(Numbers::<Float32Type>::new()),
        Schema::F64 => Box::new(Numbers::<Float64Type>::new()),
        Schema::Char => Box::new(Texts::new(Spelled::Char)),
        Schema::String => Box::new(Texts::new(Spelled::String)),
        Schema::I128 => Box::new(Texts::new(Spelled::I128)),
        Schema::U128 => Box::new(Texts::new(Spelled::U128)),
        Schema::Option(inside) => match of(inside, path)? {
            // Of a tuple of one field the cells are that field's.
            inside if inside.is_nullable() => {
                return unsupported("one option inside another has two nulls");
            }
            inside => Box::new(Nullable(inside)),
        },
        Schema::List(inside) => match inside.is_empty() {
            true => return unsupported("its values have no data"),
            false => Box::new(Lists::new(of(inside, path)?)),
        },
        Schema::Array(_, len) if i32::try_from(*len).is_err() => {
            return unsupported("it has too many values");
        }
        Schema::Array(inside, len) => {
            Box::new(Arrays::new(of(inside, path)?, *len, memory_size(inside)))
        }
        Schema::Map(key, value) if key.is_empty() && value.is_empty() => {
            return unsupported("its entries have no data");
        }
        Schema::Map(key, value) => match of(key, path)? {
            key if key.is_nullable() => return unsupported("a key can't be null"),
            key => Box::new(Maps::new(key, of(value, path)?)),
        },
        Schema::Tuple(fields) | Schema::Struct(fields) => {
            let is_tuple = matches!(schema, Schema::Tuple(_));
            match &*with_data(fields).collect::<Vec<_>>() {
                [only] if is_tuple => of(&only.schema, path)?,
                fields => Box::new(Structs::new(parts(fields, path)?)),
            }
        }
        Schema::Enum(variants) => {
            let names = variants.iter().map(|variant| variant.name.clone()).collect();
            let with_data = || variants.iter().filter(|variant| !variant.payload.is_empty());
            if with_data().next().is_none() {
                Box::new(Choices::new(names))
            } else if with_data().any(|variant| variant.name == CHOICE) {
                return unsupported(
                    "a variant with data is called `variant`, as is the column that tells which it is",
                );
            } else {
                Box::new(Tagged::new(names, payloads(variants, path)?))
            }
        }
        Schema::Opaque(type_name) => {
            return Err(Unfit::Opaque { field: path.to_owned(), type_name: type_name.clone() });
        }
        _ => return unsupported("its kind is not known here"),
    })
}

/// Makes cells that tell whether a component without data is there.
pub(crate) fn presence() -> Box<dyn Cells> {
    Box::new(Truths::new(Truth::Component))
}

/// Makes cells of bytes about which nothing is known.
pub(crate) fn blob(size: usize, path: &str) -> Result<Box<dyn Cells>, Unfit> {
    let reason = "it has too many bytes";
    match i32::try_from(size) {
        Ok(size) => Ok(Box::new(Blobs::new(size))),
        Err(_) => Err(Unfit::Unsupported { field: path.to_owned(), reason }),
    }
}

/// Returns the bytes of a value that lies in memory without padding, every
/// pattern of which is valid; `None` for other kinds, or if a field lies nobody
/// knows where.
pub(crate) fn memory_size(schema: &Schema) -> Option<usize> {
    match schema {
        Schema::Bool | Schema::Char => None,
        Schema::Array(of, len) => memory_size(of)?.checked_mul(*len),
        Schema::Tuple(fields) | Schema::Struct(fields) => {
            let sizes =
                fields.iter().map(|field| Some((field.offset, memory_size(&field.schema)?)));
            let sizes: Vec<_> = sizes.collect::<Option<_>>()?;
            let size = sizes.iter().try_fold(0usize, |sum, (_, size)| sum.checked_add(*size))?;
            let inside = |at: usize, of: usize| at.checked_add(of).is_some_and(|end| end <= size);
            sizes.iter().all(|(at, of)| at.is_some_and(|at| inside(at, *of))).then_some(size)
        }
        plain => plain.size(),
    }
}

fn with_data(fields: &[Field]) -> impl Iterator<Item = &Field> {
    fields.iter().filter(|field| !field.schema.is_empty())
}

fn parts(fields: &[&Field], path: &str) -> Result<Vec<Part>, Unfit> {
    let part = |field: &&Field| {
        let cells = of(&field.schema, &format!("{path}.{}", field.name))?;
        Ok(Part { name: field.name.clone(), cells, offset: field.offset })
    };
    fields.iter().map(part).collect()
}

fn payloads(variants: &[Variant], path: &str) -> Result<Vec<Option<Box<dyn Cells>>>, Unfit> {
    let payload = |variant: &Variant| match variant.payload.is_empty() {
        true => Ok(None),
        false => of(&variant.payload, &format!("{path}.{}", variant.name)).map(Some),
    };
    variants.iter().map(payload).collect()
}
