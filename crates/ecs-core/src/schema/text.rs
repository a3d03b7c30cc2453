//! The canonical text of a schema.

use std::fmt::{Display, Formatter, Result};

use super::{Field, Schema, Variant};

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let word = match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::Isize => "isize",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::Usize => "usize",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::String => "string",
            Self::Entity => "entity",
            Self::Unit => "()",
            Self::Option(of) => return write!(f, "option<{of}>"),
            Self::List(of) => return write!(f, "list<{of}>"),
            Self::Array(of, len) => return write!(f, "[{of}; {len}]"),
            Self::Map(key, value) => return write!(f, "map<{key}, {value}>"),
            Self::Tuple(fields) => {
                f.write_str("(")?;
                separated(f, fields, |Field { schema, .. }, f| schema.fmt(f))?;
                return f.write_str(")");
            }
            Self::Struct(fields) => {
                f.write_str("{")?;
                separated(f, fields, |Field { name, schema, .. }, f| {
                    write!(f, "{name}: {schema}")
                })?;
                return f.write_str("}");
            }
            Self::Enum(variants) => {
                f.write_str("enum {")?;
                separated(f, variants, Variant::fmt)?;
                return f.write_str("}");
            }
            Self::Opaque(name) => return write!(f, "opaque({name})"),
        };
        f.write_str(word)
    }
}

impl Display for Variant {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { name, payload } = self;
        match payload {
            Schema::Unit => f.write_str(name),
            Schema::Struct(_) | Schema::Opaque(_) => write!(f, "{name} {payload}"),
            _ => write!(f, "{name}{payload}"),
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    parts: &[T],
    write: impl Fn(&T, &mut Formatter<'_>) -> Result,
) -> Result {
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            f.write_str(", ")?;
        }
        write(part, f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(schemas: impl IntoIterator<Item = Schema>) -> Schema {
        let numbered = schemas.into_iter().enumerate();
        Schema::Tuple(numbered.map(|(n, schema)| Field::new(n.to_string(), schema)).collect())
    }

    #[test]
    fn an_enum_shows_what_each_variant_holds() {
        let moving = Schema::Struct(vec![Field::new("to", Schema::Entity)]);
        let schema = Schema::Enum(vec![
            Variant::new("Idle", Schema::Unit),
            Variant::new("Moving", moving),
            Variant::new("Hit", tuple([Schema::U32, Schema::Opaque("Weapon".to_owned())])),
        ]);
        assert_eq!(
            schema.to_string(),
            "enum {Idle, Moving {to: entity}, Hit(u32, opaque(Weapon))}"
        );
    }

    #[test]
    fn offsets_do_not_show() {
        let field = Field::new("x", Schema::F32);
        let (here, there) = (vec![field.clone().at(0)], vec![field.at(8)]);
        assert_eq!(Schema::Struct(here).to_string(), Schema::Struct(there).to_string());
    }

    #[test]
    fn what_has_no_fields_is_written_as_its_kind() {
        assert_eq!(Schema::Unit.to_string(), "()");
        assert_eq!(Schema::Struct(vec![]).to_string(), "{}");
        assert_eq!(Schema::Enum(vec![]).to_string(), "enum {}");
    }
}
