//! A function fits a screen; a file holds one idea.

use proc_macro2::Span;
use syn::visit::{self, Visit};

use super::repository::{File, Finding};
use super::unfinished::has_word;

/// The most lines of a function, from `fn` to its closing brace.
const FUNCTION: usize = 70;

/// The most lines of a file before its tests.
const FILE: usize = 600;

struct Functions<'a> {
    file: &'a File,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: Span) {
        let first = signature.fn_token.span.start().line;
        let lines = body.end().line + 1 - first;
        if lines > FUNCTION {
            let what = format!(
                "fn {} has {lines} lines, more than the {FUNCTION} of a screen",
                signature.ident
            );
            let mend = "let it branch, and name what the branches do: the parent decides, the \
                        leaves compute; a table is a constant";
            self.findings.push(self.file.finding(first, what, mend));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, function.block.brace_token.span.close());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, function.block.brace_token.span.close());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block.brace_token.span.close());
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// No function is longer than a screen, tests included.
fn functions(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let parsed = syn::parse_file(&file.text)
            .unwrap_or_else(|error| panic!("{} is not Rust: {error}", file.path));
        let mut functions = Functions {
            file,
            findings: Vec::new(),
        };
        functions.visit_file(&parsed);
        findings.append(&mut functions.findings);
    }
    findings
}

/// No file is longer than one idea: its own tests, and the files of `tests/`, do not count.
fn whole_files(files: &[File]) -> Vec<Finding> {
    let mend = "split it where a second idea begins";
    files
        .iter()
        .filter(|file| file.is_rust() && !file.path.starts_with("tests/"))
        .filter_map(|file| {
            let lines = lines_before_tests(&file.text);
            let what = format!("{lines} lines before its tests, more than {FILE}");
            (lines > FILE).then(|| file.finding(FILE + 1, what, mend))
        })
        .collect()
}

fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && has_word(pair[1], "mod"))
        .unwrap_or(lines.len())
}

mod tests {
    use super::super::repository::{files, in_sample, none};
    use super::*;

    #[test]
    fn functions_fit_a_screen() {
        none(functions(&files()));
    }

    #[test]
    fn files_hold_one_idea() {
        none(whole_files(&files()));
    }

    fn lines(count: usize) -> String {
        "    f();\n".repeat(count)
    }

    #[test]
    fn a_function_of_one_line_too_many_is_found() {
        for (before, after) in [
            ("", ""),
            ("impl S {\n", "}\n"),
            ("trait T {\n", "}\n"),
            ("fn outer() {\n", "}\n"),
            ("#[cfg(test)]\nmod tests {\n", "}\n"),
        ] {
            let found = |body: usize| {
                let text = format!(
                    "{before}/// A.\n#[b]\nfn c(\n) {{\n{}}}\n{after}",
                    lines(body)
                );
                in_sample(functions, "src/x.rs", &text)
                    .iter()
                    .any(|finding| finding.contains("fn c has 71 lines"))
            };
            assert!(!found(FUNCTION - 3), "{before}");
            assert!(found(FUNCTION - 2), "{before}");
        }
    }

    #[test]
    fn a_file_of_one_line_too_many_is_found() {
        let found = |text: &str| in_sample(whole_files, "src/x.rs", text).len();
        assert_eq!(found(&lines(FILE)), 0);
        assert_eq!(found(&lines(FILE + 1)), 1);
        let tested = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            lines(FILE),
            lines(99)
        );
        assert_eq!(found(&tested), 0);
        let shared = tested.replace("mod tests", "pub(super) mod tests");
        assert_eq!(found(&shared), 0);
        assert_eq!(found(&format!("#[cfg(test)]\nuse x;\n{}", lines(FILE))), 1);
    }
}
