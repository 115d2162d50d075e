//! Keeping `docs/LINKS.md` true: parts of it are written by tests, and compared.

use std::path::{Path, PathBuf};

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn is_blessed() -> bool {
    std::env::var_os("STUBBORN_BLESS").is_some()
}

const RENEW: &str = "to renew it, run\n    STUBBORN_BLESS=1 cargo test --test ladder -- --test-threads 1\nand look at it";

/// The committed file of this name in `docs/` is this text.
pub(super) fn committed(name: &str, text: &str) {
    if is_blessed() {
        std::fs::write(docs(name), text).unwrap();
    }
    let committed = std::fs::read_to_string(docs(name)).unwrap_or_default();
    assert!(
        committed == text,
        "docs/{name} is not what runs show; {RENEW}"
    );
}

/// The part of `docs/LINKS.md` between `<!-- begin: name -->` and `<!-- end -->` is this text.
pub(super) fn excerpt(name: &str, text: &str) {
    let path = docs("LINKS.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- begin: {name} -->\n");
    let (before, rest) = document
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/LINKS.md has no place for \"{name}\""));
    let (found, after) = rest.split_once("<!-- end -->").unwrap();
    if is_blessed() {
        let renewed = format!("{before}{begin}{text}\n<!-- end -->{after}");
        std::fs::write(path, renewed).unwrap();
        return;
    }
    assert!(
        found.trim_end() == text,
        "docs/LINKS.md: \"{name}\" is not what runs show; {RENEW}"
    );
}
