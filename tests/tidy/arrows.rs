//! Who may name whom: the arrows of docs/ARCHITECTURE.md, which one crate cannot enforce with
//! Cargo. Tests are free.

use super::repository::{File, Finding};
use super::rust::{self, Named};

/// How much of a module another may name.
#[derive(Clone, Copy)]
enum Part {
    /// All of it.
    All,
    /// Its types, not its functions; and not these types.
    TypesBut(&'static [&'static str]),
    /// These types, or modules.
    Only(&'static [&'static str]),
}

use Part::{All, Only, TypesBut};

/// A module and what it may name, itself apart.
type Layer = (&'static str, &'static [(&'static str, Part)]);

/// From the bottom up: no module names one below it in this table.
const LAYERS: [Layer; 13] = [
    ("time", &[]),
    ("config", &[("time", All)]),
    ("wire", &[]),
    // Values that cannot be malformed, never bytes: a `Packet` has a header in it.
    (
        "tcp",
        &[
            ("wire", TypesBut(&["Packet"])),
            ("time", All),
            ("config", All),
        ],
    ),
    (
        "stack",
        &[("tcp", All), ("wire", All), ("time", All), ("config", All)],
    ),
    (
        "bsd",
        &[
            ("stack", All),
            (
                "tcp",
                Only(&[
                    "ConnectionError",
                    "FastOpenFailure",
                    "RecoveryState",
                    "RecvError",
                    "SendError",
                    "State",
                    "Status",
                    "Times",
                ]),
            ),
            ("time", All),
            ("config", All),
        ],
    ),
    ("link", &[("wire", All), ("time", All), ("config", All)]),
    (
        "sim",
        &[
            ("stack", All),
            // The calls and their errors, states and places; the rest is behind the stack.
            (
                "tcp",
                Only(&[
                    "ConnectionError",
                    "RecvError",
                    "SendError",
                    "SequenceSpace",
                    "State",
                    "Status",
                ]),
            ),
            ("link", All),
            ("wire", All),
            ("time", All),
            ("config", All),
        ],
    ),
    (
        "check",
        &[
            ("stack", All),
            ("tcp", All),
            ("link", All),
            ("wire", All),
            ("time", All),
            ("config", All),
        ],
    ),
    (
        "drill",
        &[
            ("bsd", All),
            ("stack", All),
            // A state, by its name.
            ("tcp", Only(&["State"])),
            ("wire", All),
            ("time", All),
            ("config", All),
        ],
    ),
    (
        "tun",
        &[("link", All), ("wire", All), ("time", All), ("config", All)],
    ),
    (
        "driver",
        &[
            ("stack", All),
            ("link", All),
            // A path between two devices, on the real clock.
            ("sim", Only(&["path", "transit", "Direction", "Transit"])),
            // The datagram of the `Device` contract, what devices do to it, and how the log shows one.
            ("wire", Only(&["Offload", "Packet", "dump"])),
            ("time", All),
            ("config", All),
        ],
    ),
    (
        "sockets",
        &[
            ("driver", All),
            ("stack", All),
            (
                "tcp",
                Only(&[
                    "ConnectionError",
                    "Draft",
                    "Loan",
                    "RecvError",
                    "SendError",
                    "State",
                    "Status",
                    // What a user brings: a factory of congestion controllers.
                    "Factory",
                ]),
            ),
            // Text where it arrived, to be copied when the stack is not locked.
            ("wire", Only(&["Kept"])),
            ("time", All),
            ("config", All),
        ],
    ),
];

/// What the program may name of the library, besides what the root of the library exports.
const PROGRAM: [&str; 8] = [
    "sockets", "driver", "tun", "sim", "check", "config", "time", "drill",
];

/// Who may name which crate. `program` is `src/main.rs` and `src/cli`.
const CRATES: [(&str, &[&str]); 28] = [
    ("etherparse", &["wire"]),
    (
        "siphasher",
        &["tcp", "stack", "link", "sim", "check", "program"],
    ),
    ("hashbrown", &["stack"]),
    ("rand_xoshiro", &["sim"]),
    ("hmac", &["link"]),
    ("sha2", &["link"]),
    ("md5", &["wire"]),
    ("uuid", &["link"]),
    ("libm", &["link"]),
    (
        "log",
        &["tcp", "stack", "sim", "tun", "driver", "sockets", "program"],
    ),
    ("nix", &["tun", "driver"]),
    ("tun-tap", &["tun"]),
    ("getrandom", &["driver", "sockets", "program"]),
    ("rustix", &["tun"]),
    ("parking_lot", &["driver"]),
    ("rustc-hash", &["driver"]),
    ("futures-core", &["sockets"]),
    ("futures-io", &["sockets"]),
    ("tokio", &["sockets"]),
    ("pcap-file", &["sim", "driver", "program"]),
    ("anyhow", &["program"]),
    ("clap", &["program"]),
    ("env_logger", &["program"]),
    ("indicatif", &["program"]),
    ("serde", &["program"]),
    ("serde_json", &["program"]),
    ("signal-hook", &["program"]),
    ("toml", &["program"]),
];

/// The TCP/IP is our own; a peer may stand in a benchmark of its own package.
const OTHER_STACKS: [&str; 3] = ["smoltcp", "lwip", "ipstack"];

/// The layer of a file of the product: a module of the library, `program`, or `lib` for the root.
fn layer(path: &str) -> String {
    match path {
        "src/lib.rs" => "lib".to_owned(),
        "src/main.rs" => "program".to_owned(),
        _ if path.starts_with("src/cli") || path.starts_with("src/bin/") => "program".to_owned(),
        _ => rust::module_path(path).remove(0),
    }
}

fn is_type(segment: &str) -> bool {
    segment.starts_with(char::is_uppercase) && segment.contains(char::is_lowercase)
}

impl Part {
    fn allows(self, items: &[String]) -> bool {
        let named = items.iter().find(|segment| is_type(segment));
        match (self, named) {
            (All, _) => true,
            (TypesBut(hidden), Some(name)) => !hidden.contains(&name.as_str()),
            (Only(shown), named) => named
                .or(items.first())
                .is_some_and(|name| shown.contains(&name.as_str())),
            (TypesBut(_), None) => false,
        }
    }
}

/// Where a path of `file` leads, from the root of the crate; `None` if it does not begin there.
fn from_root(file: &File, named: &Named) -> Option<Vec<String>> {
    let segments = &named.segments;
    if segments[0] == "crate" {
        let whole = segments.last().is_some_and(|last| last == "self");
        return Some(segments[1..segments.len() - usize::from(whole)].to_vec());
    }
    let climbs = segments.iter().take_while(|name| *name == "super").count();
    if climbs == 0 {
        return None;
    }
    let module = rust::module_path(&file.path);
    let base = (module.len() + named.depth).checked_sub(climbs)?;
    (base == 0).then(|| segments[climbs..].to_vec())
}

/// The paths of a file that lead to the root of the crate, and where from there. After `use
/// crate::wire;` a path that begins with `wire` is one of them.
fn arrows(file: &File, files: &[File]) -> Vec<(Named, Vec<String>)> {
    let paths = rust::paths(&rust::product_tokens(file, files));
    let direct: Vec<Option<Vec<String>>> =
        paths.iter().map(|named| from_root(file, named)).collect();
    let imported: Vec<String> = direct
        .iter()
        .flatten()
        .filter(|to| to.len() == 1)
        .map(|to| to[0].clone())
        .collect();
    paths
        .into_iter()
        .zip(direct)
        .filter_map(|(named, to)| {
            let is_imported = named.segments.len() > 1 && imported.contains(&named.segments[0]);
            let to = to.or_else(|| is_imported.then(|| named.segments.clone()))?;
            Some((named, to))
        })
        .collect()
}

fn why_not(from: &str, to: &[String], named: &Named) -> Option<String> {
    let renamed = named.next.as_deref() == Some("as");
    let Some((module, items)) = to.split_first() else {
        return renamed.then(|| "renames the root of the crate".to_owned());
    };
    if items.is_empty() && renamed {
        return Some(format!("renames `{module}`"));
    }
    if module == from {
        return None;
    }
    let (_, below) = LAYERS.iter().find(|(name, _)| *name == from)?;
    let Some((_, part)) = below.iter().find(|(name, _)| name == module) else {
        return Some(format!("`{from}` names `{module}`, which is not below it"));
    };
    let whole = items.is_empty();
    (!whole && !part.allows(items))
        .then(|| format!("`{from}` names `{}`: not its business", to.join("::")))
}

/// Modules name only what is below them.
fn modules(files: &[File]) -> Vec<Finding> {
    let mend = "move the code to the layer it belongs to, or pass the value in as an argument; \
                a new module needs a row in LAYERS (tests/tidy/arrows.rs) and in \
                docs/ARCHITECTURE.md";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let from = layer(&file.path);
        if from == "lib" || from == "program" {
            continue;
        }
        if !LAYERS.iter().any(|(name, _)| *name == from) {
            findings.push(file.finding(1, format!("`{from}` has no place in the layers"), mend));
            continue;
        }
        for (named, to) in arrows(file, files) {
            let why = why_not(&from, &to, &named);
            findings.extend(why.map(|what| file.finding(named.line, what, mend)));
        }
    }
    findings
}

/// The program stands on the public API, and on the upper half of it.
fn program(files: &[File]) -> Vec<Finding> {
    let mend = "use the sockets, the driver or what the root of the library exports; if the \
                program needs more, so will others: export it";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| layer_is_program(file)) {
        let tokens = rust::product_tokens(file, files);
        for named in rust::paths(&tokens) {
            let module = named.segments.get(1).map_or("", String::as_str);
            let is_module = LAYERS.iter().any(|(name, _)| *name == module);
            if named.segments[0] == "stubborn" && is_module && !PROGRAM.contains(&module) {
                let what = format!("the program names `{}`", named.text());
                findings.push(file.finding(named.line, what, mend));
            }
        }
        for (at, token) in tokens.iter().enumerate() {
            let borrows = rust::attribute(&tokens, at)
                .is_some_and(|attribute| rust::attribute_words(attribute) == ["path"]);
            if borrows {
                let what = "the program takes in a file of the library by its path";
                findings.push(file.finding(rust::line(token), what, mend));
            }
        }
    }
    findings
}

fn layer_is_program(file: &File) -> bool {
    file.is_product() && layer(&file.path) == "program"
}

/// A crate is named only where it belongs.
fn crates(files: &[File]) -> Vec<Finding> {
    let mend = "confine the crate to its layer; CRATES (tests/tidy/arrows.rs) says which";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let from = layer(&file.path);
        for named in rust::paths(&rust::product_tokens(file, files)) {
            let home = CRATES
                .iter()
                .find(|(name, _)| name.replace('-', "_") == named.segments[0]);
            let Some((name, homes)) = home else { continue };
            if named.segments.len() > 1 && !homes.contains(&from.as_str()) {
                let what = format!("`{from}` names the crate `{name}`");
                findings.push(file.finding(named.line, what, mend));
            }
        }
    }
    findings
}

/// The dependencies of a manifest: line and name.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies") && section != "dev-dependencies";
        } else if inside
            && !line.starts_with('#')
            && let Some((name, _)) = line.split_once('=')
        {
            let name = name.trim().trim_end_matches(".workspace");
            found.push((index + 1, name.trim_matches('"').to_owned()));
        }
    }
    found
}

/// Every dependency has a home, and none is a TCP/IP stack.
fn manifest(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path == "Cargo.toml") {
        for (line, name) in dependencies(&file.text) {
            if !CRATES.iter().any(|(known, _)| *known == name) {
                let what = format!("no layer is the home of the crate `{name}`");
                let mend = "add a row to CRATES (tests/tidy/arrows.rs): who may name it";
                findings.push(file.finding(line, what, mend));
            }
        }
    }
    for file in files.iter().filter(|file| file.path == "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            let name = line
                .strip_prefix("name = ")
                .map(|name| name.trim_matches('"'));
            if let Some(name) = name.filter(|name| OTHER_STACKS.contains(name)) {
                let what = format!("`{name}` is in the dependency tree of the product");
                let mend = "the TCP/IP is our own: a peer belongs in a package of its own";
                findings.push(file.finding(index + 1, what, mend));
            }
        }
    }
    findings
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn modules_name_only_what_is_below_them() {
        none(modules(&files()));
    }

    #[test]
    fn the_program_uses_the_public_api() {
        none(program(&files()));
    }

    #[test]
    fn crates_are_named_only_in_their_layer() {
        none(crates(&files()));
    }

    #[test]
    fn every_dependency_has_a_home_and_none_is_a_stack() {
        none(manifest(&files()));
    }

    #[test]
    fn the_layers_are_a_ladder() {
        for (index, (name, below)) in LAYERS.iter().enumerate() {
            for (other, _) in *below {
                let place = LAYERS.iter().position(|(name, _)| name == other);
                assert!(place < Some(index), "{name} may name {other}");
            }
        }
    }

    fn broken(path: &str, text: &str) -> bool {
        !in_sample(modules, path, text).is_empty()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        assert_eq!(
            in_sample(modules, "src/tcp/seq.rs", "\nuse crate::stack::Stack;"),
            ["2: `tcp` names `stack`, which is not below it"]
        );
        assert!(broken("src/time.rs", "use crate::config::Config;"));
        assert!(broken(
            "src/wire/ip.rs",
            "fn f() -> crate::time::Instant { g() }"
        ));
        assert!(broken(
            "src/link/mod.rs",
            "use crate::{wire::Packet, tcp::State};"
        ));
        assert!(broken(
            "src/tcp/mod.rs",
            "fn f() { m!(crate::driver::Shard) }"
        ));
        assert!(broken("src/tcp/seq.rs", "use super::super::sim;"));
        assert!(broken(
            "src/tcp/mod.rs",
            "mod inner { use super::super::sim; }"
        ));
        assert!(broken("src/tcp/mod.rs", "use crate as everything;"));
        assert!(broken("src/extra/mod.rs", ""), "a module without a row");
    }

    #[test]
    fn an_arrow_that_points_down_is_not() {
        assert!(!broken("src/stack/mod.rs", "use crate::tcp::State;"));
        assert!(!broken(
            "src/tcp/recovery/rtt.rs",
            "use super::super::seq::Seq;"
        ));
        assert!(!broken(
            "src/tcp/mod.rs",
            "pub(crate) mod seq; // crate::sim"
        ));
        assert!(!broken(
            "src/tcp/mod.rs",
            "#[cfg(test)] mod t { use crate::sim::Net; }"
        ));
    }

    #[test]
    fn a_part_of_a_module_is_not_all_of_it() {
        assert!(!broken(
            "src/tcp/mod.rs",
            "use crate::wire::{Control, Options};"
        ));
        assert!(broken("src/tcp/mod.rs", "use crate::wire::Packet;"));
        assert!(broken("src/tcp/mod.rs", "use crate::wire::checksum::sum;"));
        assert!(broken("src/tcp/mod.rs", "use crate::wire::*;"));
        assert!(broken("src/tcp/mod.rs", "use crate::wire as bytes;"));
        assert!(!broken("src/driver/mod.rs", "use crate::wire::Packet;"));
        assert!(broken("src/driver/mod.rs", "use crate::wire::TcpHeader;"));
        assert!(!broken("src/driver/mod.rs", "use crate::wire::dump;"));
        assert!(broken("src/driver/mod.rs", "use crate::wire::checksum;"));
        assert!(!broken("src/sockets/mod.rs", "use crate::tcp::SendError;"));
        assert!(broken("src/sockets/mod.rs", "use crate::tcp::Tcb;"));
    }

    #[test]
    fn a_module_that_is_imported_whole_is_followed() {
        let text = |item: &str| format!("use crate::wire; fn f() {{ wire::{item} }}");
        assert!(!broken("src/tcp/mod.rs", &text("Control::SYN")));
        assert!(broken("src/tcp/mod.rs", &text("Packet::new()")));
        assert!(broken("src/tcp/mod.rs", &text("parse()")));
        let text = "use crate::wire::{self, Control}; fn f() { wire::parse() }";
        assert!(broken("src/tcp/mod.rs", text));
        assert!(!broken(
            "src/tcp/mod.rs",
            &text.replace("parse()", "Text::EMPTY")
        ));
        assert!(broken("src/tcp/mod.rs", "use crate::stack;"));
    }

    #[test]
    fn a_program_that_reaches_below_the_api_is_found() {
        let broken = |text| !in_sample(program, "src/cli/echo.rs", text).is_empty();
        assert!(broken("use stubborn::tcp::State;"));
        assert!(broken("fn f() { stubborn::stack::Stack::new(); }"));
        assert!(broken("#[path = \"../tcp/mod.rs\"] mod tcp;"));
        assert!(!broken(
            "use stubborn::{TcpStream, config::Config, sockets};"
        ));
    }

    #[test]
    fn a_crate_outside_its_layer_is_found() {
        let broken = |path, text| !in_sample(crates, path, text).is_empty();
        assert!(broken("src/tcp/mod.rs", "use etherparse::TcpHeader;"));
        assert!(broken(
            "src/stack/mod.rs",
            "fn f() -> anyhow::Result<()> { g() }"
        ));
        assert!(broken("src/sockets/mod.rs", "use nix::poll;"));
        assert!(broken("src/sim/mod.rs", "use tun_tap::Iface;"));
        assert!(!broken("src/wire/ip.rs", "use etherparse::TcpHeader;"));
        assert!(!broken("src/main.rs", "use anyhow::Result;"));
        assert!(!broken("src/tcp/mod.rs", "fn f(log: u8) { g(log) }"));
    }

    #[test]
    fn a_dependency_without_a_home_and_a_stack_are_found() {
        let text = "[package]\nname = \"x\"\n[dependencies]\nlog = \"1\"\nrand = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n\
                    [dev-dependencies]\nsyn = \"2\"\n";
        assert_eq!(
            in_sample(manifest, "Cargo.toml", text),
            [
                "5: no layer is the home of the crate `rand`",
                "7: no layer is the home of the crate `libc`"
            ]
        );
        let text = "[[package]]\nname = \"smoltcp\"\n";
        assert_eq!(in_sample(manifest, "Cargo.lock", text).len(), 1);
    }
}
