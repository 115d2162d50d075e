//! The escapes of strings, and times in decimal.

/// What a string means: `\n`, `\t`, `\r`, `\f`, `\v`, `\\`, `\"` and `\xHH`.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            octets.extend(c.to_string().bytes());
            continue;
        }
        let octet = match rest.next() {
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('r') => b'\r',
            Some('f') => 0x0c,
            Some('v') => 0x0b,
            Some('\\') => b'\\',
            Some('"') => b'"',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                match u8::from_str_radix(&digits, 16) {
                    Ok(octet) if digits.len() == 2 => octet,
                    _ => return Err("\\x needs two hexadecimal digits".to_owned()),
                }
            }
            Some(other) => return Err(format!("'\\{other}' is no escape")),
            None => return Err("an escape without its character".to_owned()),
        };
        octets.push(octet);
    }
    Ok(octets)
}

/// The most seconds of a time: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 60 * 60;

/// Seconds in decimal, cut to microseconds.
pub(super) fn micros_of(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let seconds = match whole {
        "" => 0,
        _ => whole.parse::<u64>().ok()?,
    };
    let digits: String = part.chars().chain("000000".chars()).take(6).collect();
    let micros = digits.parse::<u64>().ok()?;
    (seconds <= MAX_SECONDS).then(|| seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape() {
        assert_eq!(
            unescape("a\\n\\t\\r\\f\\v\\\\\\\"\\x00\\xfF"),
            Ok(b"a\n\t\r\x0c\x0b\\\"\x00\xff".to_vec())
        );
        assert!(unescape("\\q").is_err());
        assert!(unescape("\\x0").is_err());
        assert!(unescape("\\").is_err());
    }

    #[test]
    fn times_have_a_bound() {
        assert_eq!(micros_of("1.0000019"), Some(1_000_001));
        assert_eq!(micros_of("316224000.5"), Some(316_224_000_500_000));
        assert_eq!(micros_of("316224001"), None);
        assert_eq!(micros_of("9223372036854775807"), None);
    }
}
