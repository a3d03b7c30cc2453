//! Nested values as JSON, such that they come back bit by bit.
//!
//! | schema | JSON |
//! |---|---|
//! | numbers of up to 64 bits | number |
//! | `i128`, `u128` beyond 64 bits | text of the number |
//! | floats that JSON can't tell | `"NaN"`, `"NaN:7fc00001"`, `"Infinity"`, `"-Infinity"`, `"-0"` |
//! | text, `char`, `bool` | themselves |
//! | ids | the number that their column would show |
//! | struct, tuple | object, array |
//! | enum | `"Idle"`, `{"Moving": …}` |
//! | option | `null`; inside another option `[…]` |
//! | list, array | array |
//! | map | object for keys of text, else array of `[key, value]` |
//! | nothing | `null` |

use ecs_core::{Field, Schema};
use serde_json::{Map, Value, json};

use super::number::{Number, NumberType, with_number};
use super::source::Source;
use super::target::Target;
use super::{Unfit, kind, without_zero};

/// Reads a value.
pub(super) fn read(schema: &Schema, source: &mut impl Source) -> Result<Value, Unfit> {
    if let Some(number) = kind::number(schema) {
        return with_number!(number, N => source.number::<N>().map(ToJson::to_json));
    }
    Ok(match schema {
        Schema::Unit => Value::Null,
        Schema::Bool => source.boolean()?.into(),
        Schema::Char => without_zero(source.character()?.encode_utf8(&mut [0; 4]))?.into(),
        Schema::String => without_zero(source.text()?)?.into(),
        Schema::Entity => (source.number::<u64>()? as i64).into(),
        Schema::Option(inside) => match source.presence()? {
            false => Value::Null,
            true if may_be_null(inside) => json!([read(inside, source)?]),
            true => read(inside, source)?,
        },
        Schema::List(of) => {
            let count = source.count()?;
            read_many(of, count, source)?
        }
        Schema::Array(of, count) => read_many(of, *count, source)?,
        Schema::Map(key, value) => read_map(key, value, source)?,
        Schema::Tuple(fields) => read_tuple(fields, source)?,
        Schema::Struct(fields) => {
            let mut object = Map::new();
            let base = source.here();
            for field in fields {
                source.go(base + field.offset.unwrap_or(0));
                object.insert(field.name.clone(), read(&field.schema, source)?);
            }
            object.into()
        }
        Schema::Enum(variants) => {
            let number = source.variant()?;
            let variant = variants.get(number as usize);
            let variant = variant.ok_or_else(|| no_variant(number, variants.len()))?;
            match &variant.payload {
                Schema::Unit => variant.name.clone().into(),
                payload => json!({ &variant.name: read(payload, source)? }),
            }
        }
        _ => return Err(not_json(schema)),
    })
}

fn read_many(of: &Schema, count: usize, source: &mut impl Source) -> Result<Value, Unfit> {
    // Values in memory follow each other.
    let size = kind::memory_size(of).unwrap_or(0);
    let base = source.here();
    let mut values = Vec::new();
    for n in 0..count {
        source.go(base + n * size);
        values.push(read(of, source)?);
    }
    Ok(values.into())
}

fn read_tuple(fields: &[Field], source: &mut impl Source) -> Result<Value, Unfit> {
    let base = source.here();
    let mut values = Vec::new();
    for field in fields {
        source.go(base + field.offset.unwrap_or(0));
        values.push(read(&field.schema, source)?);
    }
    Ok(values.into())
}

fn read_map(key: &Schema, value: &Schema, source: &mut impl Source) -> Result<Value, Unfit> {
    let count = source.count()?;
    if *key != Schema::String {
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(json!([read(key, source)?, read(value, source)?]));
        }
        return Ok(entries.into());
    }
    let mut object = Map::new();
    for _ in 0..count {
        let key = without_zero(source.text()?)?.to_owned();
        object.insert(key, read(value, source)?);
    }
    Ok(object.into())
}

/// Writes a value.
pub(super) fn write(schema: &Schema, value: &Value, target: &mut impl Target) -> Result<(), Unfit> {
    if let Some(number) = kind::number(schema) {
        with_number!(number, N => target.number::<N>(ToJson::from_json(value)?));
        return Ok(());
    }
    let other = || Unfit(format!("{value} where {schema} was expected"));
    match schema {
        Schema::Unit => {}
        Schema::Bool => target.boolean(value.as_bool().ok_or_else(other)?),
        Schema::Char => target.character(one_char(value).ok_or_else(other)?),
        Schema::String => target.text(value.as_str().ok_or_else(other)?),
        Schema::Entity => target.number(value.as_i64().ok_or_else(other)? as u64),
        Schema::Option(inside) => {
            target.presence(!value.is_null());
            match value {
                Value::Null => {}
                _ if may_be_null(inside) => match value.as_array().map(Vec::as_slice) {
                    Some([value]) => write(inside, value, target)?,
                    _ => return Err(other()),
                },
                _ => write(inside, value, target)?,
            }
        }
        Schema::List(of) => {
            let values = value.as_array().ok_or_else(other)?;
            target.count(values.len());
            write_many(of, values, target)?;
        }
        Schema::Array(of, count) => {
            let values = value.as_array().filter(|values| values.len() == *count);
            write_many(of, values.ok_or_else(other)?, target)?;
        }
        Schema::Map(key, of) => write_map(key, of, value, target)?,
        Schema::Tuple(fields) => {
            let values = value.as_array().filter(|values| values.len() == fields.len());
            let base = target.here();
            for (field, value) in fields.iter().zip(values.ok_or_else(other)?) {
                target.go(base + field.offset.unwrap_or(0));
                write(&field.schema, value, target)?;
            }
        }
        Schema::Struct(fields) => {
            let object = value.as_object().ok_or_else(other)?;
            let base = target.here();
            for field in fields {
                target.go(base + field.offset.unwrap_or(0));
                let value = object.get(&field.name).ok_or_else(other)?;
                write(&field.schema, value, target)?;
            }
        }
        Schema::Enum(variants) => {
            let (name, payload) = match value {
                Value::String(name) => (name, &Value::Null),
                Value::Object(object) if object.len() == 1 => {
                    object.iter().next().expect("there is one")
                }
                _ => return Err(other()),
            };
            let number = variants.iter().position(|variant| variant.name == *name);
            let number = number.ok_or_else(other)?;
            target.variant(number as u32);
            write(&variants[number].payload, payload, target)?;
        }
        _ => return Err(not_json(schema)),
    }
    Ok(())
}

fn write_many(of: &Schema, values: &[Value], target: &mut impl Target) -> Result<(), Unfit> {
    let size = kind::memory_size(of).unwrap_or(0);
    let base = target.here();
    for (n, value) in values.iter().enumerate() {
        target.go(base + n * size);
        write(of, value, target)?;
    }
    Ok(())
}

fn write_map(
    key: &Schema,
    of: &Schema,
    value: &Value,
    target: &mut impl Target,
) -> Result<(), Unfit> {
    let other = || Unfit(format!("{value} where a map was expected"));
    if *key == Schema::String {
        let object = value.as_object().ok_or_else(other)?;
        target.count(object.len());
        for (key, value) in object {
            target.text(key);
            write(of, value, target)?;
        }
        return Ok(());
    }
    let entries = value.as_array().ok_or_else(other)?;
    target.count(entries.len());
    for entry in entries {
        let Some([its_key, its_value]) = entry.as_array().map(Vec::as_slice) else {
            return Err(other());
        };
        write(key, its_key, target)?;
        write(of, its_value, target)?;
    }
    Ok(())
}

/// Tells whether a value can be `null` by itself.
fn may_be_null(schema: &Schema) -> bool {
    matches!(schema, Schema::Unit | Schema::Option(_))
}

fn one_char(value: &Value) -> Option<char> {
    let mut characters = value.as_str()?.chars();
    characters.next().filter(|_| characters.next().is_none())
}

pub(super) fn no_variant(number: u32, count: usize) -> Unfit {
    Unfit(format!("variant {number} of {count}"))
}

fn not_json(schema: &Schema) -> Unfit {
    Unfit(format!("{schema} has no form in JSON"))
}

/// A number in JSON.
trait ToJson: Number {
    fn to_json(self) -> Value;
    fn from_json(value: &Value) -> Result<Self, Unfit>;
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(impl ToJson for $integer {
            fn to_json(self) -> Value {
                match (i64::try_from(self), u64::try_from(self)) {
                    (Ok(number), _) => number.into(),
                    (_, Ok(number)) => number.into(),
                    _ => self.to_string().into(),
                }
            }

            fn from_json(value: &Value) -> Result<Self, Unfit> {
                let number = match value {
                    Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                        (Some(number), _) => number.try_into().ok(),
                        (_, Some(number)) => number.try_into().ok(),
                        _ => None,
                    },
                    Value::String(text) => text.parse().ok(),
                    _ => None,
                };
                let type_name = stringify!($integer);
                number.ok_or_else(|| Unfit(format!("{value} where {type_name} was expected")))
            }
        })*
    };
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

macro_rules! floats {
    ($($float:ty: $bits:ty),*) => {
        $(impl ToJson for $float {
            fn to_json(self) -> Value {
                if self.is_nan() {
                    return match self.to_bits() == <$float>::NAN.to_bits() {
                        true => "NaN".into(),
                        false => format!("NaN:{:x}", self.to_bits()).into(),
                    };
                }
                match self {
                    <$float>::INFINITY => "Infinity".into(),
                    <$float>::NEG_INFINITY => "-Infinity".into(),
                    zero if zero == 0.0 && zero.is_sign_negative() => "-0".into(),
                    number => f64::from(number).into(),
                }
            }

            fn from_json(value: &Value) -> Result<Self, Unfit> {
                let number = match value {
                    Value::Number(number) => number.as_f64().map(|number| number as $float),
                    Value::String(text) => match text.as_str() {
                        "NaN" => Some(<$float>::NAN),
                        "Infinity" => Some(<$float>::INFINITY),
                        "-Infinity" => Some(<$float>::NEG_INFINITY),
                        "-0" => Some(-0.0),
                        text => text
                            .strip_prefix("NaN:")
                            .and_then(|bits| <$bits>::from_str_radix(bits, 16).ok())
                            .map(<$float>::from_bits)
                            .filter(|number| number.is_nan()),
                    },
                    _ => None,
                };
                let type_name = stringify!($float);
                number.ok_or_else(|| Unfit(format!("{value} where {type_name} was expected")))
            }
        })*
    };
}

floats! { f32: u32, f64: u64 }
