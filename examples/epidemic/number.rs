//! Numbers as people read them.

/// Writes a number to the nearest whole, its digits in groups of three.
#[must_use]
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0.0 && digits != "0" {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0.0, 999.4, 1_000.0, 12_345.6, 1e9, -1234.0, -0.2].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "12,346", "1,000,000,000", "-1,234", "0"]);
    }
}
