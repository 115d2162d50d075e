//! What the pure modules never name: a clock, a thread, a lock, a file, the order of a hash map.
//! And `unsafe`, which stands in one file.

use proc_macro2::{Delimiter, TokenTree};

use super::repository::{File, Finding};
use super::rust::{self, is_punct, is_word};

/// The modules that take values and a time, and return values.
const PURE: [&str; 10] = [
    "time", "config", "wire", "tcp", "stack", "bsd", "link", "sim", "check", "drill",
];

/// The one file that may say `unsafe`.
const UNSAFE: &str = "src/tun/sys.rs";

/// Paths that bring the outside world in, and what to do instead.
const FORBIDDEN: [(&[&str], &str); 15] = [
    (&["Instant", "now"], CLOCK),
    (&["std", "time", "Instant"], CLOCK),
    (&["SystemTime"], CLOCK),
    (&["UNIX_EPOCH"], CLOCK),
    (&["std", "thread"], "threads belong to the driver"),
    (
        &["std", "sync"],
        "locks belong to the driver and the sockets",
    ),
    (&["core", "sync"], "shared state belongs to the driver"),
    (
        &["thread_local"],
        "state belongs to a value that its owner passes in",
    ),
    (&["std", "fs"], "files belong to the program"),
    (&["std", "env"], "the environment belongs to the program"),
    (&["std", "process"], "processes belong to the program"),
    (
        &["TcpStream"],
        "the protocol is ours: the system's sockets are not",
    ),
    (
        &["TcpListener"],
        "the protocol is ours: the system's sockets are not",
    ),
    (
        &["std", "net", "UdpSocket"],
        "the system's sockets belong to tests",
    ),
    (
        &["RandomState"],
        "derive keys from the `Secret` of the stack",
    ),
];

const CLOCK: &str = "take `now: crate::time::Instant` as an argument";

/// Methods that give the elements of a hash map in its order.
const WALKS: [&str; 11] = [
    "iter",
    "iter_mut",
    "keys",
    "values",
    "values_mut",
    "into_iter",
    "into_keys",
    "into_values",
    "drain",
    "retain",
    "extract_if",
];

/// What nobody can change any more is a value, however many have it.
const SHARED: &[&str] = &["std", "sync", "Arc"];

fn is_pure(file: &File) -> bool {
    let module = rust::module_path(&file.path);
    file.is_product()
        && module
            .first()
            .is_some_and(|name| PURE.contains(&name.as_str()))
}

/// Nothing from outside is named in a pure module.
fn forbidden(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_pure(file)) {
        for named in rust::paths(&rust::product_tokens(file, files)) {
            let rule = FORBIDDEN.iter().find(|(path, _)| named.contains(path));
            if let Some((_, mend)) = rule.filter(|_| !named.contains(SHARED)) {
                let what = format!("a pure module names `{}`", named.text());
                findings.push(file.finding(named.line, what, mend));
            }
        }
    }
    findings
}

/// `unsafe` stands in one file.
fn unsafe_code(files: &[File]) -> Vec<Finding> {
    let mend = "use a safe interface, or move the system call to src/tun/sys.rs";
    let mut findings = Vec::new();
    let suspects = files.iter().filter(|file| file.is_product());
    for file in suspects.filter(|file| file.path != UNSAFE) {
        for token in rust::flat(&rust::tokens(file)) {
            if is_word(Some(&token), "unsafe") {
                let what = format!("`unsafe` outside {UNSAFE}");
                findings.push(file.finding(rust::line(&token), what, mend));
            }
        }
    }
    findings
}

/// No pure module walks over a hash map: the order would differ from run to run.
fn hash_order(files: &[File]) -> Vec<Finding> {
    let mend = "use a BTreeMap or a Vec beside the map, or collect and sort outside of the walk";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_pure(file)) {
        let tokens = rust::product_tokens(file, files);
        let row = rust::flat(&tokens);
        let maps = hash_maps(&row);
        let mut walks = walks_by_method(&row, &maps);
        walks_by_loop(&tokens, &maps, &mut walks);
        walks.sort_unstable();
        for (line, name) in walks {
            let what = format!("walks over the hash map `{name}`");
            findings.push(file.finding(line, what, mend));
        }
    }
    findings
}

fn is_hash(token: Option<&TokenTree>) -> bool {
    is_word(token, "HashMap") || is_word(token, "HashSet")
}

/// The names in this file that are declared as hash maps: `name: [&mut] [path::]HashMap`,
/// `let name = HashMap::new()`, `type Name = HashMap<…>` and what is declared as that.
fn hash_maps(row: &[TokenTree]) -> Vec<String> {
    let mut aliases = Vec::new();
    let mut names = Vec::new();
    for at in 0..row.len() {
        let TokenTree::Ident(ident) = &row[at] else {
            continue;
        };
        let is_alias = at > 0 && is_word(row.get(at - 1), "type");
        let is_declared = is_punct(row.get(at + 1), ':') && !is_punct(row.get(at + 2), ':');
        let is_assigned = is_punct(row.get(at + 1), '=') && !is_punct(row.get(at + 2), '=');
        if is_alias && row[at..].iter().take(6).any(|token| is_hash(Some(token))) {
            aliases.push(ident.to_string());
        } else if (is_declared || is_assigned) && names_hash(&row[at + 2..], &aliases) {
            names.push(ident.to_string());
        }
    }
    names
}

/// Whether a type or a constructor that begins here is a hash map: references, lifetimes and the
/// path before its name are skipped.
fn names_hash(row: &[TokenTree], aliases: &[String]) -> bool {
    for (at, token) in row.iter().enumerate() {
        if is_hash(Some(token)) || aliases.iter().any(|name| is_word(Some(token), name)) {
            return true;
        }
        let is_path = match token {
            TokenTree::Punct(punct) => matches!(punct.as_char(), '&' | ':' | '\''),
            TokenTree::Ident(ident) => {
                ident == "mut"
                    || is_punct(row.get(at + 1), ':')
                    || (at > 0 && is_punct(row.get(at - 1), '\''))
            }
            _ => false,
        };
        if !is_path {
            return false;
        }
    }
    false
}

fn walks_by_method(row: &[TokenTree], maps: &[String]) -> Vec<(usize, String)> {
    row.windows(3)
        .filter(|window| is_punct(window.get(1), '.'))
        .filter(|window| WALKS.iter().any(|walk| is_word(window.get(2), walk)))
        .map(|window| (rust::line(&window[0]), window[0].to_string()))
        .filter(|(_, name)| maps.contains(name))
        .collect()
}

/// `for … in [&] [mut] [path.]map {`
fn walks_by_loop(tokens: &[TokenTree], maps: &[String], walks: &mut Vec<(usize, String)>) {
    for at in 0..tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            walks_by_loop(&rust::inside(group), maps, walks);
        }
        if !is_word(tokens.get(at), "for") {
            continue;
        }
        let Some(body) = tokens[at..]
            .iter()
            .position(|token| rust::group(Some(token), Delimiter::Brace).is_some())
        else {
            continue;
        };
        let last = &tokens[at + body - 1];
        let name = last.to_string();
        let is_loop = tokens[at..at + body]
            .iter()
            .any(|token| is_word(Some(token), "in"));
        if is_loop && maps.contains(&name) {
            walks.push((rust::line(last), name));
        }
    }
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn pure_modules_name_nothing_from_outside() {
        none(forbidden(&files()));
    }

    #[test]
    fn unsafe_stands_in_one_file() {
        none(unsafe_code(&files()));
    }

    #[test]
    fn pure_modules_walk_over_no_hash_map() {
        none(hash_order(&files()));
    }

    #[test]
    fn every_forbidden_word_is_found() {
        for (path, _) in FORBIDDEN {
            let text = format!("fn f() {{ {}() }}", path.join("::"));
            let found = in_sample(forbidden, "src/tcp/mod.rs", &text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(in_sample(forbidden, "src/driver/mod.rs", &text).len(), 0);
        }
        let text =
            "use std::{fmt, time::Duration};\nuse std::{net::TcpStream, sync::{Arc, Mutex}};";
        assert_eq!(
            in_sample(forbidden, "src/stack/mod.rs", text),
            [
                "2: a pure module names `std::net::TcpStream`",
                "2: a pure module names `std::sync::Mutex`"
            ]
        );
        let text = "/// `SystemTime`\n#[cfg(test)] mod t { use std::fs; }";
        assert_eq!(in_sample(forbidden, "src/stack/mod.rs", text), [""; 0]);
    }

    #[test]
    fn unsafe_elsewhere_is_found() {
        let text = "// unsafe\nfn f() { unsafe { g() } }";
        let found = in_sample(unsafe_code, "src/driver/poller.rs", text);
        assert_eq!(found, ["2: `unsafe` outside src/tun/sys.rs"]);
        assert_eq!(in_sample(unsafe_code, UNSAFE, text), [""; 0]);
    }

    #[test]
    fn every_walk_over_a_hash_map_is_found() {
        let found = |text: &str| in_sample(hash_order, "src/stack/demux.rs", text).len();
        for walk in WALKS {
            let text = format!("struct S {{ m: HashMap<u8, u8> }} fn f() {{ self.m.{walk}() }}");
            assert_eq!(found(&text), 1, "{text}");
        }
        assert_eq!(
            found("fn f(m: &mut HashSet<u8>) { for x in m { g(x) } }"),
            1
        );
        assert_eq!(
            found("fn f(m: &'a HashSet<u8>) { for x in &m { g(x) } }"),
            1
        );
        assert_eq!(
            found("fn f(m: std::collections::HashMap<A, B>) { m.keys(); }"),
            1
        );
        assert_eq!(found("fn f() { let m = HashMap::new(); m.values(); }"), 1);
        assert_eq!(
            found("type T = HashMap<A, B>; struct S { m: T } fn f() { m.iter() }"),
            1
        );
    }

    #[test]
    fn other_uses_are_not() {
        let found = |text: &str| in_sample(hash_order, "src/stack/demux.rs", text);
        assert_eq!(
            found("fn f(m: HashMap<u8, u8>) { m.get(&1); m.len(); }"),
            [""; 0]
        );
        assert_eq!(
            found("fn f(m: HashMap<A, B>, v: Vec<A>) { v.iter(); }"),
            [""; 0]
        );
        assert_eq!(
            found("impl A for B { fn f(m: HashMap<A, B>) { m.len() } }"),
            [""; 0]
        );
    }
}
