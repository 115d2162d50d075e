//! The header says what the code says.

use std::fs;
use std::path::Path;

/// With `STUBBORN_BLESS` set, writes the header instead of comparing it.
#[test]
fn the_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/sockets.rs"))
        .with_src(root.join("src/transfer.rs"))
        .with_src(root.join("src/packetdrill/mod.rs"))
        .generate()
        .unwrap();
    let mut octets = Vec::new();
    bindings.write(&mut octets);
    let fresh = String::from_utf8(octets).unwrap();
    let path = root.join("include/stubborn.h");
    if std::env::var_os("STUBBORN_BLESS").is_some() {
        fs::write(path, fresh).unwrap();
        return;
    }
    let known = fs::read_to_string(path).unwrap_or_default();
    assert!(
        known == fresh,
        "capi/include/stubborn.h is old: STUBBORN_BLESS=1 cargo test --test header"
    );
}
