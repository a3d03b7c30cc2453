//! What a schema is in SQL: the kinds of columns.

use ecs_core::{Field, Schema};
use tokio_postgres::types::Type;

use super::number::{Number, NumberType, with_number};

/// The kind of a column's values, nulls aside.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Bool,
    Number(NumberType),
    Char,
    Text,
    /// An id, as a signed number of the same bits.
    Entity,
    /// `bytea`: lists of `u8`, or arrays of so many.
    Bytes(Option<usize>),
    /// An enum whose variants have no data, by name.
    Choice(Vec<String>),
    /// An array of plain values, maybe of so many, and whether some may be null.
    Array {
        of: Box<Kind>,
        may_lack: bool,
        count: Option<usize>,
    },
    /// Everything that is nested more deeply: `jsonb`.
    Json(Schema),
}

impl Kind {
    /// Returns the kind of a schema, and whether there may be nulls; `None` if it, or
    /// something inside, says nothing of itself.
    pub(super) fn of(schema: &Schema) -> Option<(Self, bool)> {
        if !is_described(schema) {
            return None;
        }
        Some(match schema {
            Schema::Option(inside) if !may_be_nested_null(inside) => (Self::present(inside), true),
            schema => (Self::present(schema), false),
        })
    }

    fn present(schema: &Schema) -> Self {
        if let Some(plain) = Self::plain(schema) {
            return plain;
        }
        let array = |of: &Schema, count| {
            if *of == Schema::U8 {
                return Some(Self::Bytes(count));
            }
            let (of, may_lack) = match of {
                Schema::Option(of) => (&**of, true),
                of => (of, false),
            };
            Some(Self::Array { of: Box::new(Self::plain(of)?), may_lack, count })
        };
        let array = match schema {
            Schema::List(of) => array(of, None),
            Schema::Array(of, count) => array(of, Some(*count)),
            _ => None,
        };
        array.unwrap_or_else(|| Self::Json(schema.clone()))
    }

    fn plain(schema: &Schema) -> Option<Self> {
        if let Some(number) = number(schema) {
            return Some(Self::Number(number));
        }
        Some(match schema {
            Schema::Bool => Self::Bool,
            Schema::Char => Self::Char,
            Schema::String => Self::Text,
            Schema::Entity => Self::Entity,
            Schema::Enum(variants) => {
                let names = variants.iter().map(|variant| match variant.payload {
                    Schema::Unit => Some(variant.name.clone()),
                    _ => None,
                });
                Self::Choice(names.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// Returns the type of the column.
    pub(super) fn sql(&self) -> Type {
        match self {
            Self::Bool => Type::BOOL,
            Self::Number(number) => with_number!(*number, N => N::TYPE),
            Self::Char | Self::Text | Self::Choice(_) => Type::TEXT,
            Self::Entity => Type::INT8,
            Self::Bytes(_) => Type::BYTEA,
            Self::Json(_) => Type::JSONB,
            Self::Array { of, .. } => match of.sql() {
                Type::BOOL => Type::BOOL_ARRAY,
                Type::INT2 => Type::INT2_ARRAY,
                Type::INT4 => Type::INT4_ARRAY,
                Type::INT8 => Type::INT8_ARRAY,
                Type::FLOAT4 => Type::FLOAT4_ARRAY,
                Type::FLOAT8 => Type::FLOAT8_ARRAY,
                Type::NUMERIC => Type::NUMERIC_ARRAY,
                _ => Type::TEXT_ARRAY,
            },
        }
    }
}

/// Returns which number a schema is, if it is one.
pub(super) fn number(schema: &Schema) -> Option<NumberType> {
    Some(match schema {
        Schema::I8 => NumberType::I8,
        Schema::I16 => NumberType::I16,
        Schema::I32 => NumberType::I32,
        Schema::I64 => NumberType::I64,
        Schema::I128 => NumberType::I128,
        Schema::Isize => NumberType::Isize,
        Schema::U8 => NumberType::U8,
        Schema::U16 => NumberType::U16,
        Schema::U32 => NumberType::U32,
        Schema::U64 => NumberType::U64,
        Schema::U128 => NumberType::U128,
        Schema::Usize => NumberType::Usize,
        Schema::F32 => NumberType::F32,
        Schema::F64 => NumberType::F64,
        _ => return None,
    })
}

/// Returns the bytes of a value that lies in memory without padding, every pattern
/// of which is valid; `None` for other kinds, or if a field lies nobody knows where.
pub(super) fn memory_size(schema: &Schema) -> Option<usize> {
    match schema {
        Schema::Array(of, count) => memory_size(of)?.checked_mul(*count),
        Schema::Tuple(fields) | Schema::Struct(fields) => {
            let sizes = fields.iter().map(|field| memory_size(&field.schema));
            let size = sizes.sum::<Option<usize>>()?;
            let fits = |field: &Field| {
                let end = field.offset?.checked_add(memory_size(&field.schema)?);
                end.filter(|end| *end <= size)
            };
            fields.iter().all(|field| fits(field).is_some()).then_some(size)
        }
        Schema::Unit => Some(0),
        plain => number(plain).and_then(|_| plain.size()),
    }
}

/// Tells whether a value of what is inside an option can be null itself.
fn may_be_nested_null(inside: &Schema) -> bool {
    matches!(inside, Schema::Option(_)) || inside.is_empty()
}

/// Tells whether a schema says of what all values consist. Lists of what has no data
/// are out, since their length can't be believed.
fn is_described(schema: &Schema) -> bool {
    let all = |fields: &[Field]| fields.iter().all(|field| is_described(&field.schema));
    match schema {
        Schema::Opaque(_) => false,
        Schema::Option(of) | Schema::Array(of, _) => is_described(of),
        Schema::List(of) => is_described(of) && !of.is_empty(),
        Schema::Map(key, value) => {
            is_described(key) && is_described(value) && !(key.is_empty() && value.is_empty())
        }
        Schema::Tuple(fields) | Schema::Struct(fields) => all(fields),
        Schema::Enum(variants) => variants.iter().all(|variant| is_described(&variant.payload)),
        Schema::Unit | Schema::Bool | Schema::Char | Schema::String | Schema::Entity => true,
        plain => number(plain).is_some(),
    }
}
