//! PostgreSQL's `numeric` in binary, for integers of up to 128 bits.
//!
//! The form is that of `numeric_send` in PostgreSQL: four numbers of 16 bits (how
//! many digits, the weight of the first, sign, decimals) and then digits of base
//! 10,000, the highest first; zeros at the end are left out.

use super::Unfit;

const BASE: u128 = 10_000;
const NEGATIVE: u16 = 0x4000;

pub(super) fn put_unsigned(number: u128, out: &mut Vec<u8>) {
    put(false, number, out);
}

pub(super) fn put_signed(number: i128, out: &mut Vec<u8>) {
    put(number < 0, number.unsigned_abs(), out);
}

fn put(negative: bool, mut magnitude: u128, out: &mut Vec<u8>) {
    // 128 bits are ten digits at most; the lowest first here.
    let mut digits = [0u16; 10];
    let mut count = 0;
    while magnitude != 0 {
        digits[count] = (magnitude % BASE) as u16;
        magnitude /= BASE;
        count += 1;
    }
    let digits = &digits[..count];
    let zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    let sign = if negative { NEGATIVE } else { 0 };
    let weight = count.saturating_sub(1) as u16;
    for part in [(count - zeros) as u16, weight, sign, 0] {
        out.extend_from_slice(&part.to_be_bytes());
    }
    for digit in digits[zeros..].iter().rev() {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

pub(super) fn take_unsigned(bytes: &[u8]) -> Result<u128, Unfit> {
    match take(bytes)? {
        (true, 1..) => Err(Unfit("the number is negative".to_owned())),
        (_, magnitude) => Ok(magnitude),
    }
}

pub(super) fn take_signed(bytes: &[u8]) -> Result<i128, Unfit> {
    let (negative, magnitude) = take(bytes)?;
    let number = match negative {
        true => 0i128.checked_sub_unsigned(magnitude),
        false => i128::try_from(magnitude).ok(),
    };
    number.ok_or_else(too_large)
}

fn too_large() -> Unfit {
    Unfit("the number has more than 128 bits".to_owned())
}

fn take(bytes: &[u8]) -> Result<(bool, u128), Unfit> {
    let (parts, rest) = bytes.as_chunks::<2>();
    let mut parts = parts.iter().map(|&part| u16::from_be_bytes(part));
    let head = [(); 4].map(|()| parts.next());
    let [Some(count), Some(weight), Some(sign @ (0 | NEGATIVE)), Some(_)] = head else {
        return Err(Unfit("the number is not finite, or its bytes end early".to_owned()));
    };
    let (count, weight) = (usize::from(count), weight as i16);
    if parts.len() != count || !rest.is_empty() {
        return Err(Unfit(format!("a number of {count} digits has {}", parts.len())));
    }
    let mut magnitude = 0u128;
    let shift = |magnitude: u128| magnitude.checked_mul(BASE).ok_or_else(too_large);
    for (place, digit) in parts.enumerate() {
        match place as i64 <= i64::from(weight) {
            true => {
                magnitude = shift(magnitude)?.checked_add(digit.into()).ok_or_else(too_large)?;
            }
            false if digit == 0 => {}
            false => return Err(Unfit("the number has decimals".to_owned())),
        }
    }
    // The zeros that were left out.
    for _ in (count as i64)..=i64::from(weight) {
        if magnitude == 0 {
            break;
        }
        magnitude = shift(magnitude)?;
    }
    Ok((sign == NEGATIVE, magnitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        for number in [0, 1, 9_999, 10_000, 10_000_000, 123_456_789, u128::MAX, 1 << 90] {
            let mut bytes = Vec::new();
            put_unsigned(number, &mut bytes);
            assert_eq!(take_unsigned(&bytes), Ok(number));
        }
        for number in [i128::MIN, -10_000, -1, 7, i128::MAX] {
            let mut bytes = Vec::new();
            put_signed(number, &mut bytes);
            assert_eq!(take_signed(&bytes), Ok(number));
        }
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        let form = |parts: &[u16]| -> Vec<u8> {
            parts.iter().flat_map(|part| part.to_be_bytes()).collect()
        };
        // 12.5; NaN; one digit too few; ten to the 40th.
        for parts in [&[2, 0, 0, 1, 12, 5000][..], &[0, 0, 0xC000, 0], &[2, 1, 0, 0, 1]] {
            assert!(take_unsigned(&form(parts)).is_err(), "{parts:?}");
        }
        assert!(take_unsigned(&form(&[1, 10, 0, 0, 1])).is_err());
        assert!(take_unsigned(&form(&[1, 0, NEGATIVE, 0, 1])).is_err());
    }
}
