//! The words of measured values.

use std::{fmt::Write as _, time::Duration};

/// Returns a number of bytes, with the unit that it is a multiple of: `1,048,576 bytes (1 MiB)`.
pub(crate) fn bytes(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(if number == 1 { " byte" } else { " bytes" });
    let units = [(1 << 20, "MiB"), (1_000_000, "MB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| number > 0 && number.is_multiple_of(*unit));
    if let Some((unit, name)) = unit {
        let _ = write!(text, " ({} {name})", number / unit);
    }
    text
}

/// Returns a number of bytes in a unit that suits it: `5.6 MiB`.
pub(crate) fn about(number: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
    let kib = number as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.1} KiB") } else { format!("{:.1} MiB", kib / 1024.0) }
}

/// Returns a duration in a unit that suits it.
pub(crate) fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        ..1000.0 => format!("{ms:.1} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_units() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1000), "1,000 bytes");
        assert_eq!(bytes(1_048_576), "1,048,576 bytes (1 MiB)");
        assert_eq!(bytes(65_537), "65,537 bytes");
        assert_eq!(bytes(10_000_000), "10,000,000 bytes (10 MB)");
        assert_eq!((about(2048), about(5_900_000)), ("2.0 KiB".to_owned(), "5.6 MiB".to_owned()));
        let words = [0.12, 45.0, 1500.0].map(|ms| time(Duration::from_secs_f64(ms / 1000.0)));
        assert_eq!(words, ["0.1 ms", "45.0 ms", "1.5 s"]);
    }
}
