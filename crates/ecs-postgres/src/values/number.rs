//! Numbers, and what PostgreSQL calls them.

use bytemuck::{AnyBitPattern, NoUninit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;

use super::Unfit;
use super::numeric;

/// A number as Rust knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberType {
    I8,
    I16,
    I32,
    I64,
    I128,
    Isize,
    U8,
    U16,
    U32,
    U64,
    U128,
    Usize,
    F32,
    F64,
}

/// Runs a block with the Rust type of a number.
///
/// `with_number!(number, N => f::<N>())` is a `match` with `f::<i8>()` and so on in
/// its arms.
macro_rules! with_number {
    ($number:expr, $type:ident => $body:expr) => {
        match $number {
            NumberType::I8 => {
                type $type = i8;
                $body
            }
            NumberType::I16 => {
                type $type = i16;
                $body
            }
            NumberType::I32 => {
                type $type = i32;
                $body
            }
            NumberType::I64 => {
                type $type = i64;
                $body
            }
            NumberType::I128 => {
                type $type = i128;
                $body
            }
            NumberType::Isize => {
                type $type = isize;
                $body
            }
            NumberType::U8 => {
                type $type = u8;
                $body
            }
            NumberType::U16 => {
                type $type = u16;
                $body
            }
            NumberType::U32 => {
                type $type = u32;
                $body
            }
            NumberType::U64 => {
                type $type = u64;
                $body
            }
            NumberType::U128 => {
                type $type = u128;
                $body
            }
            NumberType::Usize => {
                type $type = usize;
                $body
            }
            NumberType::F32 => {
                type $type = f32;
                $body
            }
            NumberType::F64 => {
                type $type = f64;
                $body
            }
        }
    };
}

pub(super) use with_number;

/// A number that crosses in its binary form.
pub(super) trait Number: AnyBitPattern + NoUninit + Serialize + DeserializeOwned {
    /// The type of a column of these: one that holds every value.
    const TYPE: Type;

    /// Appends the binary form, without its length.
    fn put(self, out: &mut Vec<u8>);

    /// Reads the binary form.
    fn take(bytes: &[u8]) -> Result<Self, Unfit>;
}

/// Reads a number as wide as its column.
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unfit> {
    bytes.try_into().map_err(|_| Unfit(format!("{} bytes where {N} are a number", bytes.len())))
}

/// Numbers in columns of a fixed width: the Rust type, that of the column, and its
/// name.
macro_rules! fixed_width {
    ($($rust:ty as $wide:ty => $name:ident),* $(,)?) => {
        $(impl Number for $rust {
            const TYPE: Type = Type::$name;

            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&<$wide>::from(self).to_be_bytes());
            }

            fn take(bytes: &[u8]) -> Result<Self, Unfit> {
                let number = <$wide>::from_be_bytes(fixed(bytes)?);
                number.try_into().map_err(|_| {
                    Unfit(format!("{number} is out of the range of {}", stringify!($rust)))
                })
            }
        })*
    };
}

fixed_width! {
    i8 as i16 => INT2,
    u8 as i16 => INT2,
    i16 as i16 => INT2,
    u16 as i32 => INT4,
    i32 as i32 => INT4,
    u32 as i64 => INT8,
    i64 as i64 => INT8,
    f32 as f32 => FLOAT4,
    f64 as f64 => FLOAT8,
}

/// Numbers that no fixed width holds, or whose width depends on the machine.
macro_rules! any_width {
    ($($rust:ty as $wide:ty => $name:ident, $put:path, $take:path);* $(;)?) => {
        $(impl Number for $rust {
            const TYPE: Type = Type::$name;

            fn put(self, out: &mut Vec<u8>) {
                $put(self as $wide, out);
            }

            fn take(bytes: &[u8]) -> Result<Self, Unfit> {
                let number: $wide = $take(bytes)?;
                number.try_into().map_err(|_| {
                    Unfit(format!("{number} is out of the range of {}", stringify!($rust)))
                })
            }
        })*
    };
}

any_width! {
    isize as i64 => INT8, Number::put, Number::take;
    u64 as u128 => NUMERIC, numeric::put_unsigned, numeric::take_unsigned;
    usize as u128 => NUMERIC, numeric::put_unsigned, numeric::take_unsigned;
    u128 as u128 => NUMERIC, numeric::put_unsigned, numeric::take_unsigned;
    i128 as i128 => NUMERIC, numeric::put_signed, numeric::take_signed;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back<N: Number>(number: N) -> N {
        let mut bytes = Vec::new();
        number.put(&mut bytes);
        N::take(&bytes).unwrap()
    }

    #[test]
    fn numbers_come_back_at_both_ends_of_their_range() {
        macro_rules! check {
            ($($number:ty)*) => {
                $(for number in [<$number>::MIN, <$number>::MAX, 0 as $number, 1 as $number] {
                    assert_eq!(back(number), number);
                })*
            };
        }
        check! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 }
    }

    #[test]
    fn floats_keep_their_bits() {
        for bits in [f32::NAN.to_bits() | 5, (-0.0f32).to_bits(), 1] {
            assert_eq!(back(f32::from_bits(bits)).to_bits(), bits);
        }
    }

    #[test]
    fn a_number_out_of_range_is_refused() {
        let mut bytes = Vec::new();
        300i16.put(&mut bytes);
        assert!(u8::take(&bytes).is_err() && i16::take(&bytes) == Ok(300));
        assert!(i16::take(&bytes[1..]).is_err());
    }
}
