//! Conditions on fields of components.

use std::cmp::Ordering;

use ecs_core::{ComponentId, EntityId, ErasedRef, Field, Schema};
use serde::Deserialize;

use super::error::RemoteError;

/// Says that a field of a component must compare with a value in some way.
///
/// An optional field that is not there compares with nothing: no condition on it holds.
/// Floats are ordered as databases do: -0.0 equals 0.0, and NaN equals itself and is
/// greater than all else. Text is compared byte by byte.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldCondition {
    /// The component, which the entity must have.
    pub component: ComponentId,
    /// The name of its field; of a tuple the number; empty for a value without fields.
    pub field: String,
    /// How it must compare.
    pub comparison: Comparison,
    /// With what.
    pub value: FieldValue,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// They are not.
    NotEqual,
    /// The field is less than the value.
    Less,
    /// The field is less than the value, or equal.
    LessOrEqual,
    /// The field is greater than the value.
    Greater,
    /// The field is greater than the value, or equal.
    GreaterOrEqual,
}

/// A value that a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Of a `bool`.
    Bool(bool),
    /// Of an integer, signed or not.
    Integer(i128),
    /// Of an integer that is not negative.
    Unsigned(u128),
    /// Of an `f32` or `f64`.
    Float(f64),
    /// Of a `String`, a `char`, or an enum whose variants are names alone (`A`, and not
    /// `A {}`), by those.
    Text(String),
    /// Of an [`EntityId`]. Ids are equal or not, and in no other order here.
    Entity(EntityId),
}

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Integer,
    Float,
    Text,
    Entity,
}

impl Comparison {
    /// Tells whether an order is one of those that are asked for.
    pub fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for FieldValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Bool,
    i8 => Integer, i16 => Integer, i32 => Integer, i64 => Integer, i128 => Integer,
    u8 => Unsigned, u16 => Unsigned, u32 => Unsigned, u64 => Unsigned, u128 => Unsigned,
    f32 => Float, f64 => Float,
    String => Text, &str => Text, char => Text,
    EntityId => Entity,
}

impl From<usize> for FieldValue {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u128)
    }
}

impl From<isize> for FieldValue {
    fn from(value: isize) -> Self {
        Self::Integer(value as i128)
    }
}

impl FieldValue {
    fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Integer(_) | Self::Unsigned(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Entity(_) => Kind::Entity,
        }
    }

    /// Compares values of one kind.
    fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (Self::Unsigned(one), Self::Unsigned(other)) => one.cmp(other),
            (Self::Integer(one), Self::Unsigned(other)) => match u128::try_from(*one) {
                Ok(one) => one.cmp(other),
                Err(_) => Ordering::Less,
            },
            (Self::Unsigned(_), Self::Integer(_)) => other.order(self)?.reverse(),
            (Self::Float(one), Self::Float(other)) => {
                let nan = one.is_nan().cmp(&other.is_nan());
                one.partial_cmp(other).unwrap_or(nan)
            }
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Entity(one), Self::Entity(other)) => one.cmp(other),
            _ => return None,
        })
    }
}

impl FieldCondition {
    /// Finds the field, and checks that it can be compared with the value. Returns its
    /// number among the fields.
    ///
    /// # Errors
    /// [`RemoteError::Field`].
    pub fn check(&self) -> Result<usize, RemoteError> {
        let refuse = |reason| {
            let (component, field) = (self.component, self.field.clone());
            Err(RemoteError::Field { component, field, reason })
        };
        let Some(schema) = self.component.info().schema() else {
            return refuse("its component does not say of what it consists");
        };
        let (number, of) = match schema {
            Schema::Struct(fields) | Schema::Tuple(fields) => {
                match fields.iter().position(|field| field.name == self.field) {
                    Some(number) => (number, &fields[number].schema),
                    None => return refuse("there is none of that name"),
                }
            }
            schema if self.field.is_empty() => (0, schema),
            _ => return refuse("its component has no fields; its own name is empty"),
        };
        let ordered = !matches!(self.comparison, Comparison::Equal | Comparison::NotEqual);
        match kind(of) {
            None => refuse("it is neither number nor text, and can't be compared"),
            Some(kind) if kind != self.value.kind() => refuse("it is compared with another kind"),
            Some(Kind::Entity) if ordered => refuse("ids are equal or not, and have no order"),
            Some(_) => Ok(number),
        }
    }

    /// Tells whether a value of the component meets the condition.
    ///
    /// # Errors
    /// [`RemoteError::Field`] as [`check`](Self::check), and
    /// [`RemoteError::Codec`] if the value refuses to be encoded.
    pub fn holds(&self, value: ErasedRef<'_>) -> Result<bool, RemoteError> {
        let number = self.check()?;
        let info = self.component.info();
        let schema = info.schema().expect("it was checked");
        let whole = [Field::new("", schema.clone()).at(0)];
        let fields = match schema {
            Schema::Struct(fields) | Schema::Tuple(fields) => &fields[..],
            _ => &whole,
        };
        let unreadable = || RemoteError::Field {
            component: self.component,
            field: self.field.clone(),
            reason: "it can't be found in what its codec writes",
        };
        let mut bytes = Vec::new();
        let found = if info.is_pod() {
            let bytes = value.as_slice().as_bytes().ok_or_else(unreadable)?;
            let at = fields[number].offset.and_then(|at| bytes.get(at..));
            in_memory(&fields[number].schema, at.ok_or_else(unreadable)?).map(Some)
        } else {
            value.as_slice().encode(&mut bytes)?;
            let mut rest = &bytes[..];
            for field in &fields[..number] {
                skip(&field.schema, &mut rest).ok_or_else(unreadable)?;
            }
            encoded(&fields[number].schema, &mut rest)
        };
        let found = found.ok_or_else(unreadable)?;
        let order = found.and_then(|found| found.order(&self.value));
        Ok(order.is_some_and(|order| self.comparison.admits(order)))
    }
}

/// Returns the kind of what a field holds, if it can be compared.
fn kind(schema: &Schema) -> Option<Kind> {
    Some(match schema {
        Schema::Bool => Kind::Bool,
        Schema::F32 | Schema::F64 => Kind::Float,
        Schema::Char | Schema::String => Kind::Text,
        Schema::Entity => Kind::Entity,
        Schema::Enum(variants) => {
            let plain = variants.iter().all(|variant| variant.payload == Schema::Unit);
            return plain.then_some(Kind::Text);
        }
        Schema::Option(inside) if !matches!(**inside, Schema::Option(_)) => return kind(inside),
        Schema::I8 | Schema::I16 | Schema::I32 | Schema::I64 | Schema::I128 | Schema::Isize => {
            Kind::Integer
        }
        Schema::U8 | Schema::U16 | Schema::U32 | Schema::U64 | Schema::U128 | Schema::Usize => {
            Kind::Integer
        }
        _ => return None,
    })
}

/// Runs an expression with the type of a number, or gives `None` for other schemas.
macro_rules! number {
    ($schema:expr, $type:ident => $read:expr) => {
        Some(match $schema {
            Schema::I8 => {
                type $type = i8;
                FieldValue::from($read)
            }
            Schema::I16 => {
                type $type = i16;
                FieldValue::from($read)
            }
            Schema::I32 => {
                type $type = i32;
                FieldValue::from($read)
            }
            Schema::I64 => {
                type $type = i64;
                FieldValue::from($read)
            }
            Schema::I128 => {
                type $type = i128;
                FieldValue::from($read)
            }
            Schema::Isize => {
                type $type = isize;
                FieldValue::Integer($read as i128)
            }
            Schema::U8 => {
                type $type = u8;
                FieldValue::from($read)
            }
            Schema::U16 => {
                type $type = u16;
                FieldValue::from($read)
            }
            Schema::U32 => {
                type $type = u32;
                FieldValue::from($read)
            }
            Schema::U64 => {
                type $type = u64;
                FieldValue::from($read)
            }
            Schema::U128 => {
                type $type = u128;
                FieldValue::from($read)
            }
            Schema::Usize => {
                type $type = usize;
                FieldValue::Unsigned($read as u128)
            }
            Schema::F32 => {
                type $type = f32;
                FieldValue::from($read)
            }
            Schema::F64 => {
                type $type = f64;
                FieldValue::from($read)
            }
            _ => return None,
        })
    };
}

/// Reads a number where it lies in memory.
fn in_memory(schema: &Schema, bytes: &[u8]) -> Option<FieldValue> {
    number!(schema, N => bytemuck::try_pod_read_unaligned::<N>(bytes.get(..size_of::<N>())?).ok()?)
}

/// Reads what postcard wrote, and goes on behind it. The outer option tells whether it
/// can be read, the inner one whether there is a value.
fn encoded(schema: &Schema, bytes: &mut &[u8]) -> Option<Option<FieldValue>> {
    Some(Some(match schema {
        Schema::Bool => FieldValue::Bool(take(bytes)?),
        Schema::Char => FieldValue::from(take::<char>(bytes)?),
        Schema::String => FieldValue::from(take::<&str>(bytes)?),
        Schema::Entity => FieldValue::Entity(EntityId::from_bits(take(bytes)?).ok()?),
        Schema::Option(inside) => match take(bytes)? {
            true => return encoded(inside, bytes),
            false => return Some(None),
        },
        Schema::Enum(variants) => {
            let number: u32 = take(bytes)?;
            FieldValue::Text(variants.get(number as usize)?.name.clone())
        }
        number => return plain(number, bytes).map(Some),
    }))
}

fn plain(schema: &Schema, bytes: &mut &[u8]) -> Option<FieldValue> {
    number!(schema, N => take::<N>(bytes)?)
}

fn take<'b, T: Deserialize<'b>>(bytes: &mut &'b [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    *bytes = rest;
    Some(value)
}

/// Goes behind a value that postcard wrote.
fn skip(schema: &Schema, bytes: &mut &[u8]) -> Option<()> {
    let all = |fields: &[Field], bytes: &mut &[u8]| {
        fields.iter().try_for_each(|field| skip(&field.schema, bytes))
    };
    match schema {
        Schema::Unit => Some(()),
        Schema::Bool | Schema::Char | Schema::String | Schema::Entity => {
            encoded(schema, bytes).map(drop)
        }
        Schema::Option(inside) => match take(bytes)? {
            true => skip(inside, bytes),
            false => Some(()),
        },
        Schema::List(of) => {
            let count: usize = take(bytes)?;
            (0..count).try_for_each(|_| skip(of, bytes))
        }
        Schema::Array(of, count) => (0..*count).try_for_each(|_| skip(of, bytes)),
        Schema::Map(key, value) => {
            let count: usize = take(bytes)?;
            (0..count).try_for_each(|_| skip(key, bytes).and_then(|()| skip(value, bytes)))
        }
        Schema::Tuple(fields) | Schema::Struct(fields) => all(fields, bytes),
        Schema::Enum(variants) => {
            let number: u32 = take(bytes)?;
            skip(&variants.get(number as usize)?.payload, bytes)
        }
        number => plain(number, bytes).map(drop),
    }
}
