//! Rust source as tokens: enough to see what it names, wherever it names it (macros included),
//! and never fooled by comments and strings.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::repository::File;

/// The tokens of a file.
pub(super) fn tokens(file: &File) -> Vec<TokenTree> {
    match file.text.parse::<TokenStream>() {
        Ok(stream) => stream.into_iter().collect(),
        Err(error) => panic!("{} is not Rust: {error}", file.path),
    }
}

/// The line on which a token begins.
pub(super) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// Whether a token is this identifier or keyword.
pub(super) fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

/// Whether a token is this punctuation.
pub(super) fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

/// The group, if the token is one with this delimiter.
pub(super) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// What is inside a group.
pub(super) fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The same tokens in one row, without the brackets.
pub(super) fn flat(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut row = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => row.extend(flat(&inside(group))),
            _ => row.push(token.clone()),
        }
    }
    row
}

/// The content of the attribute that begins at `at`: what is between its brackets.
pub(super) fn attribute(tokens: &[TokenTree], at: usize) -> Option<&Group> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let bang = usize::from(is_punct(tokens.get(at + 1), '!'));
    group(tokens.get(at + 1 + bang), Delimiter::Bracket)
}

/// The words of an attribute, in order, whatever its punctuation.
pub(super) fn attribute_words(attribute: &Group) -> Vec<String> {
    flat(&inside(attribute))
        .iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident.to_string()),
            _ => None,
        })
        .collect()
}

fn is_test_only(attribute: &Group) -> bool {
    let words = attribute_words(attribute);
    words.first().is_some_and(|word| word == "cfg")
        && words.iter().any(|word| word == "test")
        && !words.iter().any(|word| word == "not")
}

/// The tokens without whatever is only compiled for tests.
pub(super) fn without_tests(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if attribute(tokens, at).is_some_and(is_test_only) {
            at = end_of_item(tokens, at);
            continue;
        }
        kept.push(match &tokens[at] {
            TokenTree::Group(group) => {
                let inner = without_tests(&inside(group)).into_iter().collect();
                let mut replaced = Group::new(group.delimiter(), inner);
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            token => token.clone(),
        });
        at += 1;
    }
    kept
}

/// The place after the item (or statement, or field) whose attributes begin at `at`.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let mut at = at;
    while attribute(tokens, at).is_some() {
        at += 2;
    }
    while at < tokens.len() {
        let ends = is_punct(tokens.get(at), ';')
            || is_punct(tokens.get(at), ',')
            || group(tokens.get(at), Delimiter::Brace).is_some();
        at += 1;
        if ends {
            break;
        }
    }
    at
}

/// A path as the source writes it, `use` groups taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The segments; a glob is `*`.
    pub(super) segments: Vec<String>,
    /// Where it ends.
    pub(super) line: usize,
    /// How many inline modules it stands in.
    pub(super) depth: usize,
    /// The word that follows, if one does: `as` renames.
    pub(super) next: Option<String>,
}

impl Named {
    /// Whether these segments occur in it, in a row.
    pub(super) fn contains(&self, pattern: &[&str]) -> bool {
        self.segments
            .windows(pattern.len())
            .any(|window| window.iter().zip(pattern).all(|(a, b)| a == b))
    }

    pub(super) fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Every path that the tokens name, single words included.
pub(super) fn paths(tokens: &[TokenTree]) -> Vec<Named> {
    let mut named = Vec::new();
    collect_paths(tokens, 0, &mut named);
    named
}

fn collect_paths(tokens: &[TokenTree], depth: usize, named: &mut Vec<Named>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(inner) => {
                let is_module = at >= 2
                    && is_word(tokens.get(at - 2), "mod")
                    && inner.delimiter() == Delimiter::Brace;
                collect_paths(&inside(inner), depth + usize::from(is_module), named);
                at += 1;
            }
            TokenTree::Ident(_) => at = collect_path(tokens, at, &[], depth, named),
            _ => at += 1,
        }
    }
}

/// Takes the path that begins at `at`, below `prefix`; gives the place after it.
fn collect_path(
    tokens: &[TokenTree],
    at: usize,
    prefix: &[String],
    depth: usize,
    named: &mut Vec<Named>,
) -> usize {
    let mut segments = prefix.to_vec();
    let mut at = at;
    loop {
        segments.push(tokens[at].to_string());
        let joined = is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':');
        match tokens.get(at + 3) {
            Some(TokenTree::Ident(_)) if joined => at += 3,
            Some(TokenTree::Punct(punct)) if joined && punct.as_char() == '*' => at += 3,
            Some(TokenTree::Group(inner)) if joined && inner.delimiter() == Delimiter::Brace => {
                collect_use_group(&inside(inner), &segments, depth, named);
                return at + 4;
            }
            _ => break,
        }
    }
    let next = tokens.get(at + 1).and_then(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    named.push(Named {
        segments,
        line: line(&tokens[at]),
        depth,
        next,
    });
    at + 1
}

fn collect_use_group(
    tokens: &[TokenTree],
    prefix: &[String],
    depth: usize,
    named: &mut Vec<Named>,
) {
    let mut at = 0;
    while at < tokens.len() {
        let begins = at == 0 || is_punct(tokens.get(at - 1), ',');
        let glob = is_punct(tokens.get(at), '*');
        match &tokens[at] {
            TokenTree::Ident(_) if begins => at = collect_path(tokens, at, prefix, depth, named),
            _ if begins && glob => at = collect_path(tokens, at, prefix, depth, named),
            _ => at += 1,
        }
    }
}

/// The module path of a file of the product: `src/tcp/seq.rs` is `tcp::seq`, the root is empty.
pub(super) fn module_path(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Vec<String> = inner.split('/').map(str::to_owned).collect();
    let is_root = matches!(inner, "lib" | "main");
    if is_root || segments.last().is_some_and(|last| last == "mod") {
        segments.pop();
    }
    segments
}

/// The tokens of a file of the product that are compiled outside tests; none if the whole file
/// is a `#[cfg(test)] mod …;` of another.
pub(super) fn product_tokens(file: &File, files: &[File]) -> Vec<TokenTree> {
    if is_test_module(&module_path(&file.path), files) {
        return Vec::new();
    }
    without_tests(&tokens(file))
}

fn is_test_module(module: &[String], files: &[File]) -> bool {
    (1..=module.len()).any(|length| {
        let (name, parent) = module[..length].split_last().expect("not empty");
        // Reading tokens takes time; most files do not even have the words.
        let declaration = format!("mod {name};");
        files
            .iter()
            .filter(|file| file.is_product() && module_path(&file.path) == parent)
            .filter(|file| file.text.contains("cfg(test)") && file.text.contains(&declaration))
            .any(|file| declares_test_module(&tokens(file), name))
    })
}

fn declares_test_module(tokens: &[TokenTree], name: &str) -> bool {
    (0..tokens.len()).any(|at| {
        let end = end_of_item(tokens, at);
        attribute(tokens, at).is_some_and(is_test_only)
            && tokens[at..end].windows(3).any(|window| {
                is_word(window.first(), "mod")
                    && is_word(window.get(1), name)
                    && is_punct(window.get(2), ';')
            })
    })
}

#[cfg(test)]
fn named_in(text: &str) -> Vec<String> {
    paths(&tokens(&File::sample("src/x.rs", text)))
        .iter()
        .map(Named::text)
        .filter(|text| text.contains("::"))
        .collect()
}

#[test]
fn paths_are_seen_in_groups_macros_and_types() {
    assert_eq!(
        named_in("use a::{b::{c, self}, d as e, *};"),
        ["a::b::c", "a::b::self", "a::d", "a::*"]
    );
    assert_eq!(named_in("fn f(x: a::B<c::D>) {}"), ["a::B", "c::D"]);
    assert_eq!(named_in("fn f() { g!(x, a::b()) }"), ["a::b"]);
    assert_eq!(
        named_in("// a::b\n/* a::b */ fn f() -> S { \"a::b\" }"),
        [""; 0]
    );
}

#[test]
fn what_is_only_for_tests_is_left_out() {
    let text = "fn a() {} #[cfg(test)] #[x] mod t { fn b() {} } #[cfg(not(test))] fn c() {}
                impl S { #[cfg(test)] fn d() { } fn e() {} } #[cfg(test)] mod f;";
    let kept = without_tests(&tokens(&File::sample("src/x.rs", text)));
    let words: Vec<String> = flat(&kept).iter().map(TokenTree::to_string).collect();
    for (name, expected) in [("a", true), ("b", false), ("c", true), ("d", false)] {
        assert_eq!(words.iter().any(|word| word == name), expected, "fn {name}");
    }
    assert!(words.contains(&"e".to_owned()) && !words.contains(&"f".to_owned()));
}

#[test]
fn a_test_module_in_a_file_of_its_own_is_left_out() {
    let files = [
        File::sample("src/tcp/mod.rs", "mod seq; #[cfg(test)]\nmod tests;"),
        File::sample("src/tcp/seq.rs", "fn near() {}"),
        File::sample("src/tcp/tests.rs", "mod deep;"),
        File::sample("src/tcp/tests/deep.rs", "fn test() {}"),
    ];
    let left: Vec<bool> = files
        .iter()
        .map(|file| !product_tokens(file, &files).is_empty())
        .collect();
    assert_eq!(left, [true, true, false, false]);
}
