//! What the values of a type consist of: names and types of fields.

mod describe;
mod text;

pub use describe::{HasSchema, Nesting, probe};

/// Describes what a value consists of.
///
/// `#[derive(Component)]` fills it in, and [`ComponentInfo::schema`] returns it;
/// other types join with `#[derive(HasSchema)]`, which says what becomes of fields
/// about which serde is told something.
///
/// # Text
/// `Display` writes the same text in every build, for files and for comparing.
/// It shows names and types, in their order, and neither offsets nor paths:
///
/// | value | text |
/// |---|---|
/// | primitives, text, ids | `bool`, `u8`, `f32`, `char`, `string`, `entity` |
/// | nothing | `()` |
/// | struct, tuple | `{x: f32, y: f32}`, `(f32, f32)` |
/// | enum | `enum {Idle, Moving {to: entity}, Hit(u32)}` |
/// | `Option`, arrays | `option<u8>`, `[f32; 3]` |
/// | lists and sets, maps | `list<u8>`, `map<string, u32>` |
/// | anything else | `opaque(glam::Vec3)`: the type as its author wrote it |
///
/// # Example
/// ```
/// use ecs_core::{Field, Schema};
///
/// let place = Schema::Struct(vec![
///     Field::new("x", Schema::of::<f32>()),
///     Field::new("tags", Schema::of::<Vec<Option<u8>>>()),
/// ]);
/// assert_eq!(place.to_string(), "{x: f32, tags: list<option<u8>>}");
/// ```
///
/// [`ComponentInfo::schema`]: crate::ComponentInfo::schema
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// `bool`.
    Bool,
    /// `i8`.
    I8,
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `i128`.
    I128,
    /// `isize`, whose size depends on the machine.
    Isize,
    /// `u8`.
    U8,
    /// `u16`.
    U16,
    /// `u32`.
    U32,
    /// `u64`.
    U64,
    /// `u128`.
    U128,
    /// `usize`, whose size depends on the machine.
    Usize,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `char`.
    Char,
    /// Text, owned or not.
    String,
    /// An [`EntityId`](crate::EntityId).
    Entity,
    /// No data: `()`, or a struct without fields.
    Unit,
    /// A value or none.
    Option(Box<Schema>),
    /// Values one after another, as many as there are: lists, slices and sets.
    List(Box<Schema>),
    /// As many values as the type says.
    Array(Box<Schema>, usize),
    /// Keys and values.
    Map(Box<Schema>, Box<Schema>),
    /// A tuple or a struct whose fields have no names: they are called `0`, `1`
    /// and so on.
    Tuple(Vec<Field>),
    /// A struct with named fields.
    Struct(Vec<Field>),
    /// One of several variants.
    Enum(Vec<Variant>),
    /// A type that says nothing of itself, or one inside itself: its name as its
    /// author wrote it.
    Opaque(String),
}

/// One field of a struct, a tuple or a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its name, or its number where it has none.
    pub name: String,
    /// What it consists of.
    pub schema: Schema,
    /// Where it lies in this build: bytes from the start of the value that it is
    /// a field of. Known of structs, also of those without names.
    pub offset: Option<usize>,
}

impl Field {
    /// Describes a field whose place is not known.
    pub fn new(name: impl Into<String>, schema: Schema) -> Self {
        Self { name: name.into(), schema, offset: None }
    }

    /// Says where the field lies: bytes from the start of the value that it is a
    /// field of.
    pub fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }
}

/// One variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it holds: [`Schema::Unit`], [`Schema::Tuple`] or [`Schema::Struct`].
    pub payload: Schema,
}

impl Variant {
    /// Describes a variant.
    pub fn new(name: impl Into<String>, payload: Schema) -> Self {
        Self { name: name.into(), payload }
    }
}

impl Schema {
    /// Returns the schema of `T`.
    ///
    /// # Complexity
    /// Made anew at each call; of a component the registry keeps it.
    pub fn of<T: HasSchema>() -> Self {
        T::schema(&mut Nesting::default())
    }

    /// Returns the fields of a struct or a tuple, and of others none.
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::Tuple(fields) | Self::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Tells whether values have no data: there is one of them, and nothing to be kept.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Unit => true,
            Self::Array(of, len) => *len == 0 || of.is_empty(),
            Self::Tuple(fields) | Self::Struct(fields) => {
                fields.iter().all(|field| field.schema.is_empty())
            }
            _ => false,
        }
    }

    /// Returns the bytes that a value takes in memory, where that follows from
    /// the schema alone: for numbers, `bool`, `char`, ids, and arrays of those.
    pub fn size(&self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 | Self::Char => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::Entity => 8,
            Self::I128 | Self::U128 => 16,
            Self::Isize | Self::Usize => size_of::<usize>(),
            Self::Unit => 0,
            Self::Array(of, len) => of.size()?.checked_mul(*len)?,
            _ => return None,
        })
    }
}
