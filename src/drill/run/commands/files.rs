//! Programs that make and remove files: `dd`, `truncate`, `fallocate`, `head`, `touch`, `rm`. A file
//! is only a number of octets.

use super::Meaning;
use super::shell::Program;

/// The meaning of a program that makes a file of zeros or removes a file; `None` if it is not known
/// here.
pub(super) fn understand(program: &Program) -> Option<Meaning> {
    let words = &program.words()[..];
    let made = |path: &str, size: &str| Some(Meaning::File(path.to_owned(), octets(size)?));
    match (program.name(), words, &program.into) {
        ("rm", _, _) => Some(Meaning::NoFile((*words.last()?).to_owned())),
        ("dd", _, _) => dd(words),
        ("truncate", [_, "-s" | "--size", size, path], _) => made(path, size),
        ("truncate", [_, size, path], _) => {
            let size = size.strip_prefix("--size=").or(size.strip_prefix("-s"));
            made(path, size?)
        }
        ("fallocate", [_, "-l", size, path], _) => made(path, size),
        ("head", [_, "-c", size, "/dev/zero"], Some(path)) => made(path, size),
        ("touch", [_, path], _) => made(path, "0"),
        _ => None,
    }
}

/// `dd bs=N count=N if=/dev/zero of=path`.
fn dd(words: &[&str]) -> Option<Meaning> {
    let option = |name: &str| {
        let mut found = words.iter().filter_map(|word| word.split_once('='));
        found
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let size = option("bs").map_or(Some(512), octets)?;
    let count = option("count")?.parse::<u64>().ok()?;
    (option("if") == Some("/dev/zero")).then_some(())?;
    let path = option("of")?.to_owned();
    Some(Meaning::File(path, size.checked_mul(count)?))
}

/// A number of octets, perhaps with a unit: `10`, `1k`, `2M`.
fn octets(text: &str) -> Option<u64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let unit = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
