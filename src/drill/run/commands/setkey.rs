//! What `setkey` means here: TCP-MD5 keys (RFC 2385) which all sockets share, as on FreeBSD.
//!
//! ```text
//! echo 'add 192.0.2.1 192.168.0.1 tcp 0x1000 -A tcp-md5 "secret";' | setkey -c
//! ```

use core::net::IpAddr;

/// The key between two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Association {
    pub(super) hosts: [IpAddr; 2],
    pub(super) key: Vec<u8>,
}

/// The keys that a `setkey` command adds, and whether it first forgets the old ones; `None` if it
/// is not understood.
pub(super) fn understand(text: &str) -> Option<(bool, Vec<Association>)> {
    let is_quote = |c: char| "\"'\\".contains(c);
    let words = |statement: &'_ str| -> Vec<String> {
        let words = statement.split_whitespace();
        words
            .map(|word| word.trim_matches(is_quote).to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let all = words(text);
    let is_setkey = |word: &String| word.rsplit('/').next() == Some("setkey");
    let at = all.iter().position(is_setkey)?;
    let flushes = all[at..].iter().any(|word| word == "-F") || all.contains(&"flush".to_owned());
    let mut added = Vec::new();
    for statement in text.split([';', '\n']) {
        let words = words(statement);
        if words
            .iter()
            .any(|word| word.starts_with("spd") || word == "delete")
        {
            return None;
        }
        if let Some(at) = words.iter().position(|word| word == "add") {
            added.push(association(&words[at + 1..])?);
        }
    }
    (flushes || !added.is_empty()).then_some((flushes, added))
}

/// `SOURCE DESTINATION tcp SPI … -A tcp-md5 KEY`.
fn association(words: &[String]) -> Option<Association> {
    let [source, destination, protocol, _, rest @ ..] = words else {
        return None;
    };
    let at = rest.iter().position(|word| word == "-A")?;
    let [algorithm, key, ..] = &rest[at + 1..] else {
        return None;
    };
    if protocol != "tcp" || algorithm != "tcp-md5" {
        return None;
    }
    let key = match key.strip_prefix("0x") {
        Some(digits) => hexadecimal(digits)?,
        None => key.as_bytes().to_vec(),
    };
    let hosts = [source.parse().ok()?, destination.parse().ok()?];
    Some(Association { hosts, key })
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_added_and_forgotten() {
        let hosts = [[192, 0, 2, 1].into(), [192, 168, 0, 1].into()];
        let key = b"secret".to_vec();
        let rows = [
            "echo 'add 192.0.2.1 192.168.0.1 tcp 0x1000 -A tcp-md5 \"secret\";' | setkey -c",
            "echo \"add 192.0.2.1 192.168.0.1 tcp 0x1000 -A tcp-md5 \\\"secret\\\" ;\" | /sbin/setkey -c",
            "setkey -c <<EOF\nadd 192.0.2.1 192.168.0.1 tcp 0x1000 -A tcp-md5 0x736563726574 ;\nEOF",
        ];
        for text in rows {
            let key = key.clone();
            let added = vec![Association { hosts, key }];
            assert_eq!(understand(text), Some((false, added)), "{text}");
        }
        assert_eq!(understand("setkey -F"), Some((true, Vec::new())));
        let others = [
            "setkey -D",
            "echo 'spdflush; flush;' | setkey -c",
            "echo 'add 192.0.2.1 192.168.0.1 esp 1 -E null;' | setkey -c",
            "echo 'add a b tcp 1 -A tcp-md5 \"k\";' | setkey -c",
            "echo 'add 192.0.2.1 192.168.0.1 tcp' | setkey -c",
            "echo flush",
        ];
        for text in others {
            assert_eq!(understand(text), None, "{text}");
        }
    }
}
