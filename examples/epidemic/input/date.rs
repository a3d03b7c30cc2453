//! Dates and times as the flight file writes them.

use std::fmt;

/// A date of the Gregorian calendar, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(i32);

impl Date {
    /// Reads `YYYY-MM-DD`; a day that its month does not have is no date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let (year, month, day) =
            (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
        let date = Self::from_civil(year, month, day);
        ((1..=12).contains(&month) && date.to_civil() == (year, month, day)).then_some(date)
    }

    /// Counts the days since an earlier date; negative if it is later.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// `days_from_civil` of Howard Hinnant, "chrono-compatible low-level date algorithms".
    fn from_civil(year: i32, month: i32, day: i32) -> Self {
        // The year begins in March, so that the leap day is its last.
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// `civil_from_days` of the same.
    fn to_civil(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (year_of_era + era * 400 + i32::from(month <= 2), month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.to_civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Reads `YYYY-MM-DDTHH:MM` as a date and a minute of the day.
pub(crate) fn parse_time(text: &str) -> Option<(Date, u32)> {
    let (date, time) = text.split_once('T')?;
    let (hour, minute) = time.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (digits(hour.as_bytes())?, digits(minute.as_bytes())?);
    let minute_of_day = (hour < 24 && minute < 60).then_some(hour * 60 + minute)?;
    Some((Date::parse(date)?, minute_of_day.unsigned_abs()))
}

/// Reads plain digits: no sign, no blank.
fn digits(bytes: &[u8]) -> Option<i32> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let day = |text| Date::parse(text).unwrap().0;
        assert_eq!(day("1970-01-01"), 0);
        assert_eq!(day("2000-03-01"), 11_017);
        assert_eq!(day("2001-06-01"), 11_474);
        assert_eq!(Date::parse("2004-02-29").unwrap().to_string(), "2004-02-29");
    }

    #[test]
    fn what_is_no_date_or_time_is_refused() {
        for text in
            ["2001-02-29", "1900-02-29", "2001-13-01", "2001-00-10", "2001-04-31", "2001-6-1"]
        {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        for text in [
            "2001-06-01",
            "2001-06-01T24:00",
            "2001-06-01T12:60",
            "2001-06-01T1:05",
            "2001-06-01T+1:05",
            "2001-06-01 12:00",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        let midnight = Date::parse("2001-06-01").unwrap();
        assert_eq!(parse_time("2001-06-01T23:59"), Some((midnight, 1_439)));
    }
}
