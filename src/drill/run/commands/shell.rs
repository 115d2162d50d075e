//! Splits shell commands into words, as a shell would, without running one.

/// A statement: it ends before the next one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// A pipeline: each program reads the output of the one before it.
    pub(super) programs: Vec<Program>,
    /// What runs if it fails: `a || b`.
    pub(super) otherwise: Option<Vec<Program>>,
    /// Its text in the script.
    pub(super) text: String,
}

/// A program and its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) words: Vec<String>,
    /// The file that it writes to: `> file`.
    pub(super) into: Option<String>,
}

impl Program {
    /// Its words, borrowed.
    pub(super) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// Its name, without the path.
    pub(super) fn name(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first)
    }
}

/// A word, or a mark between words.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `;`, `&&`, `||`, `|`.
    Mark(&'static str),
    /// The next word is a file to write to; false: one that nothing here reads.
    Into(bool),
}

/// The statements of a text; `None` if only a shell would understand it.
pub(super) fn statements(text: &str) -> Option<Vec<Statement>> {
    let mut all = Vec::new();
    let mut reader = Reader {
        text: text.chars().collect(),
        at: 0,
    };
    loop {
        let from = reader.at;
        let tokens = reader.statement()?;
        let is_over = reader.at == reader.text.len();
        let raw: String = reader.text[from..reader.at].iter().collect();
        if !tokens.is_empty() {
            let ends = |c: char| c.is_whitespace() || c == ';' || c == '&';
            let text = raw.trim().trim_end_matches(ends).to_owned();
            all.push(statement(&tokens, text)?);
        }
        if is_over {
            return Some(all);
        }
    }
}

/// A pipeline, and the one after `||`.
fn statement(tokens: &[Token], text: String) -> Option<Statement> {
    let mut sides = tokens.split(|token| *token == Token::Mark("||"));
    let programs = pipeline(sides.next()?)?;
    let otherwise = sides.next();
    let otherwise = match otherwise {
        Some(tokens) => Some(pipeline(tokens)?),
        None => None,
    };
    sides.next().is_none().then_some(Statement {
        programs,
        otherwise,
        text,
    })
}

fn pipeline(tokens: &[Token]) -> Option<Vec<Program>> {
    let programs = tokens.split(|token| *token == Token::Mark("|"));
    programs.map(program).collect()
}

fn program(tokens: &[Token]) -> Option<Program> {
    let mut program = Program::default();
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => program.words.push(word.clone()),
            Token::Into(counts) => match tokens.next() {
                Some(Token::Word(file)) if *counts => program.into = Some(file.clone()),
                Some(Token::Word(_)) => {}
                _ => return None,
            },
            Token::Mark(_) => return None,
        }
    }
    // Scripts have all permissions here.
    if program.words.first().is_some_and(|word| word == "sudo") {
        program.words.remove(0);
    }
    (!program.words.is_empty()).then_some(program)
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let len = wanted.chars().count();
        let found = (self.text[self.at..].iter().copied().take(len)).eq(wanted.chars());
        self.at += if found { len } else { 0 };
        found
    }

    /// The tokens of a statement; also skips its end.
    fn statement(&mut self) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '\n' | ';' => {
                    self.at += 1;
                    return Some(tokens);
                }
                c if c.is_whitespace() => self.at += 1,
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '&' if self.take("&&") => return Some(tokens),
                // Standard error goes there, too.
                '&' if self.take("&>") => tokens.push(Token::Into(true)),
                '&' => return None,
                '|' => {
                    let mark = if self.take("||") { "||" } else { "|" };
                    self.at += usize::from(mark == "|");
                    tokens.push(Token::Mark(mark));
                    self.skip_lines();
                }
                '<' => return None,
                '>' => tokens.extend(self.redirection(true)?),
                _ => match self.word()? {
                    // The number of a descriptor.
                    number if self.peek() == Some('>') && is_number(&number) => {
                        tokens.extend(self.redirection(number == "1")?);
                    }
                    word => tokens.push(Token::Word(word)),
                },
            }
        }
        Some(tokens)
    }

    /// A statement may continue on the next line after a bar.
    fn skip_lines(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// `>`, `>>`, or `>&` and a descriptor, which is no file.
    fn redirection(&mut self, counts: bool) -> Option<Option<Token>> {
        let _ = self.take(">>") || self.take(">");
        if self.take("&") {
            let descriptor = self.word()?;
            return is_number(&descriptor).then_some(None);
        }
        Some(Some(Token::Into(counts)))
    }

    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            match c {
                '\'' => {
                    self.at += 1;
                    word += &self.quoted('\'')?;
                }
                '"' => {
                    self.at += 1;
                    word += &self.quoted('"')?;
                }
                '\\' => {
                    word.extend(self.text.get(self.at + 1));
                    self.at += 2;
                }
                c if c.is_whitespace() || ";&|<>".contains(c) => break,
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.text.len());
        Some(word)
    }

    /// The text up to the closing quote. Between double quotes, a backslash may precede a character
    /// that would end them.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut inside = String::new();
        loop {
            let c = self.peek()?;
            self.at += 1;
            match c {
                c if c == quote => return Some(inside),
                '\\' if quote == '"' && self.peek().is_some_and(|c| "\"\\$`".contains(c)) => {
                    inside.extend(self.peek());
                    self.at += 1;
                }
                c => inside.push(c),
            }
        }
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(text: &str) -> Vec<Vec<Vec<String>>> {
        let all = statements(text).unwrap();
        let words = |programs: Vec<Program>| programs.into_iter().map(|it| it.words).collect();
        all.into_iter().map(|it| words(it.programs)).collect()
    }

    #[test]
    fn words_and_quotes() {
        let rows: [(&str, &[&str]); 7] = [
            ("a b  c", &["a", "b", "c"]),
            ("a 'b c' \"d 'e'\" ''", &["a", "b c", "d 'e'", ""]),
            ("a=\"1 2\"'3'4", &["a=1 234"]),
            ("a \"b\\\"c\\d\" e\\ f", &["a", "b\"c\\d", "e f"]),
            ("a # b", &["a"]),
            ("sudo a b#c", &["a", "b#c"]),
            ("a 2>/dev/null >f 2>&1 b 1>&2", &["a", "b"]),
        ];
        for (text, words) in rows {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(programs(text), [[words]], "{text}");
        }
    }

    #[test]
    fn statements_and_bars() {
        let text = "a 1; b | c |\n d && e # f\n\n g";
        let names: Vec<Vec<String>> = programs(text)
            .iter()
            .map(|statement| statement.iter().map(|words| words[0].clone()).collect())
            .collect();
        assert_eq!(
            names,
            [vec!["a"], vec!["b", "c", "d"], vec!["e"], vec!["g"]]
        );
        let all = statements("a b && c || true; d").unwrap();
        let texts: Vec<&str> = all.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["a b", "c || true", "d"]);
        let otherwise = all[1].otherwise.as_ref().unwrap();
        assert_eq!(otherwise[0].name(), "true");
    }

    #[test]
    fn files_that_are_written() {
        let into = |text: &str| statements(text).unwrap()[0].programs[0].into.clone();
        for text in ["a > f", "a >f", "a >> f", "a 1>f", "a &>f", "a >\"f\" 2>&1"] {
            assert_eq!(into(text).as_deref(), Some("f"), "{text}");
        }
        for text in ["a", "a 2>f", "a >&2", "a 1>&2"] {
            assert_eq!(into(text), None, "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_understands() {
        for text in [
            "a &",
            "a 'b",
            "a \"b",
            "a < b",
            "a |",
            "| a",
            "a >",
            "a || b || c",
            "a >&b",
        ] {
            assert_eq!(statements(text), None, "{text}");
        }
        assert_eq!(statements(" \n;; # nothing"), Some(Vec::new()));
    }
}
