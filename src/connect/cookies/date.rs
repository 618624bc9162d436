//! The dates of cookies, which servers write in many forms (RFC 6265, 5.1.1).

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Parses a date. Returns the seconds since 1970, or 0 for an earlier date.
pub(super) fn parse_date(text: &str) -> Option<u64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = Some(parse_time(token)?);
        } else if let Some(number) = leading_number(token) {
            match token.bytes().take_while(u8::is_ascii_digit).count() {
                digits if digits <= 2 && day.is_none() => day = Some(number),
                2..=4 if year.is_none() => year = Some(number),
                _ => {}
            }
        } else if month.is_none() {
            let start = token.get(..3).unwrap_or_default().to_ascii_lowercase();
            month = MONTHS.iter().position(|name| *name == start).map(|at| at + 1);
        }
    }
    let year = match year? {
        short @ 0..=69 => short + 2000,
        short @ 70..=99 => short + 1900,
        year => year,
    };
    let (hour, minute, second) = time?;
    let date = jiff::civil::Date::new(year, i8::try_from(month?).ok()?, i8::try_from(day?).ok()?);
    let at = date.ok()?.at(hour, minute, second.min(59), 0);
    let Ok(zoned) = at.to_zoned(jiff::tz::TimeZone::UTC) else { return Some(LATEST) };
    Some(u64::try_from(zoned.timestamp().as_second()).unwrap_or(0))
}

fn parse_time(token: &str) -> Option<(i8, i8, i8)> {
    let mut parts = token.split(':').map(leading_number);
    let mut next = || i8::try_from(parts.next()??).ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second))
        .then_some((hour, minute, second))
}

fn leading_number(token: &str) -> Option<i16> {
    let end = token.bytes().take_while(u8::is_ascii_digit).count();
    token.get(..end)?.parse().ok()
}

/// The end of the year 9999, in seconds since 1970. The library ends a day earlier.
const LATEST: u64 = 253_402_300_799;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_servers_write() {
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "wed, 21-oct-2015 7:28:0 UTC",
        ] {
            assert_eq!(parse_date(text), Some(1_445_412_480), "{text}");
        }
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Mon, 01 Jan 1601 00:00:00 GMT"), Some(0));
        assert!(parse_date("Fri, 31 Dec 9999 23:59:59 GMT").is_some());
        for bad in
            ["", "0", "-1", "Wed, 32 Oct 2015 07:28:00", "21 Oct 2015", "21 Oct 2015 24:00:00"]
        {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
