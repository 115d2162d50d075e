//! `%{ … }%`: assertions about what the stack reports of a connection.
//!
//! A small part of Python: `assert` with comparisons (chained, too), `in`, `and`, `or`, `not`, `&`, `|`,
//! `^`, `~`, `<<`, `>>`, `+`, `-`, `*`, `/`, `//`, `%`, `**`, `a if b else c`, `abs`, `min`, `max`, `sum`,
//! `all`, `any`, `len`, `bool`, `int`, `float`, `round`, `pow`, parentheses, and a message, which may be a
//! string with a `%`; `name = value` and `name += value`, which later code finds; `if`, `elif`, `else`,
//! `for`, `while` and `range`; `def` and `return`; `pass`; `import` of what is not used; and `print`, whose
//! output is dropped. What Python does not evaluate, after `and`, `or` and in `a if b else c`, is only
//! parsed.
//!
//! | file | what is in it |
//! |---|---|
//! | `tokens` | words, and where blocks begin and end |
//! | `evaluator` | statements, and the names that they make |
//! | `blocks` | `if`, `for` and `while`, and what belongs to them |
//! | `definitions` | functions that a script makes |
//! | `expressions` | from `a if b else c` down to a number, by precedence |
//! | `functions` | `abs`, `min` and their kin |
//! | `variables` | what code has given names to |
//! | `value` | numbers, as exact fractions |
//! | `trouble` | what may go wrong |

mod blocks;
mod definitions;
mod evaluator;
mod expressions;
mod functions;
mod tokens;
mod trouble;
mod value;
mod variables;

use evaluator::evaluate;

pub(super) use trouble::Trouble;
pub(super) use variables::Variables;

/// Runs the statements of a piece of code; `look_up` gives the value of a name.
///
/// # Errors
/// The first assertion that does not hold, or the first thing that is not understood.
pub(super) fn run(
    code: &str,
    variables: &mut Variables,
    look_up: &dyn Fn(&str) -> Option<i128>,
) -> Result<(), Trouble> {
    evaluate(code, variables, look_up, false)
}

/// Checks that the code can be understood for any values of its names. Returns the names that it
/// asks for, except those that this code or earlier code defines.
pub(super) fn names(code: &str, variables: &mut Variables) -> Result<Vec<String>, Trouble> {
    let names = core::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        Some(1)
    };
    evaluate(code, variables, &note, true)?;
    Ok(names.into_inner())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_of(name: &str) -> Option<i128> {
        match name {
            "tcpi_snd_cwnd" => Some(10),
            "tcpi_options" => Some(7),
            _ => None,
        }
    }

    fn outcome(code: &str) -> Result<(), Trouble> {
        run(code, &mut Variables::default(), &value_of)
    }

    #[test]
    fn what_holds() {
        for code in [
            "",
            "assert tcpi_snd_cwnd == 10",
            "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd",
            "assert tcpi_snd_cwnd == 10; assert tcpi_options != 0 # both",
            "assert 9 < tcpi_snd_cwnd <= 10\nassert not 10 < tcpi_snd_cwnd",
            "assert tcpi_options & 2 == 2 and tcpi_options | 8 == 15",
            "assert (tcpi_options & (1 | 4)) == 5 or 0",
            "assert tcpi_snd_cwnd / 4 > 2 and tcpi_snd_cwnd / 4 == 5 / 2",
            "assert (tcpi_snd_cwnd ==\n 10), 'cwnd %d' % tcpi_snd_cwnd",
            "assert -1 + 2 * 3 == 5 and -(2) == -2 and 7 // 2 == 3 and 7 % 4 == 3",
            "assert 1 << 3 == 8 and 0x10 == 16 and True",
            "assert 6 ^ 3 == 5 and ~0 == -1 and +-+2 == -2 and 1 | 2 ^ 2 & 2 == 1",
            "assert abs(tcpi_snd_cwnd - 12) == 2 and abs(3) == 3 and int(-7 / 2) == -3",
            "assert min(3, tcpi_snd_cwnd, 2) == 2 and max(3, (tcpi_snd_cwnd)) == 10",
            "print(tcpi_snd_cwnd, 'a (b'); print((1)); assert 1",
            "assert tcpi_snd_cwnd in (9, 10) and 3 not in [1, 2,] and not 1 in {2}",
            "assert tcpi_snd_cwnd > 0.95e1 and .5 * 4 == 2.0 and 1_000 == 1e3",
            "x = tcpi_snd_cwnd / 4\nassert x * 2 == 5; x = x + 1; assert x == 3.5",
            "x = 7; x += 3; x //= 4; x **= 3; assert x == 8; x <<= 1; assert x == 16",
            "assert 1 or 1 / 0; assert not (0 and 1 / 0); assert (0 and 1 / 0) == 0",
            "assert (2 if 1 else 1 / 0) == 2 and (1 / 0 if 0 else 3) == 3",
            "assert 1 if 1 else 0 if 1 / 1 else 1 / 0",
            "assert ((1 / 0 if 0 else 2) if tcpi_snd_cwnd else 1 / 0) == 2",
            "assert tcpi_options == 0 or 8 / tcpi_options > 1, 1 / 0",
            "assert sum([1, 2, 3]) == 6 and all([1, 2]) and not any([0, 0]) and len([1, 2]) == 2",
            "assert bool(7) == 1 and pow(2, 3) == 8 and min([2, 1]) == 1 and max([tcpi_snd_cwnd]) == 10",
            "assert (1 if tcpi_snd_cwnd == 10 else 0) and (0 if 0 else 2) == 2",
            "if tcpi_snd_cwnd == 10: assert 1; x = 1\nassert x == 1",
            "if tcpi_snd_cwnd != 10: assert 0; x = 1",
            "if tcpi_snd_cwnd == 10:\n    x = 1\n    # more\n\n    y = 2\nelse:\n    assert 0\nassert x + y == 3",
            "if 0:\n  assert 0\nelif 2 > 1:\n  if 0: assert 0\n  else:\n    x = 5\nelif 1 / 0:\n  assert 0\nassert x == 5",
            "for x in (1, 2, 3):\n  assert x\n  y = x\nassert y == 3",
            "n = 0\nfor x in [1, 2]: n += x\nfor x in [3]:\n  n += x\nassert n == 6",
            "assert 2 ** 3 ** 2 == 512 and -2 ** 2 == -4 and 2 ** -(-1) == 2",
            "assert round(tcpi_snd_cwnd / 4) == 2 and float(3) == 3",
            "assert 1, f'cwnd is {tcpi_snd_cwnd}' + str(unheard_of)",
            "assert 1, 'cwnd {}'.format(tcpi_snd_cwnd); assert 1, (tcpi_snd_cwnd, 'x')",
            "pass; assert 1",
            "print tcpi_snd_cwnd, 'x'; print; assert 1",
            "assert 0xffffffffffffffff > 1 << 63",
            "import math, sys\nfrom os import path\nassert 1",
            "x, y = 1, tcpi_snd_cwnd; assert x == 1 and y == 10",
            "assert 3 in range(4) and 4 not in range(4) and tcpi_snd_cwnd in range(8, 12, 2)",
            "n = 0\nfor i in range(3): n += i\nassert n == 3",
            "i = 0\nwhile i < 3:\n  i += 1\nassert i == 3",
            "def near(a, b):\n  return abs(a - b) < 3\nassert near(tcpi_snd_cwnd, 12) and not near(1, 9)",
            "def f(n):\n  if n < 2: return 1\n  return n * f(n - 1)\nassert f(5) == 120",
            "def check():\n  assert tcpi_snd_cwnd == 10\ncheck(); check()",
            "x = 1\ndef f(): x = 2\nf(); assert x == 1",
            "def f():\n  for i in (1, 2, 3):\n    if i == 2: return i\nassert f() == 2",
            "assert 0 in range(0, 9, 1 << 64) and 8 not in range(0, 9, 1 << 64)",
            "for i in range(0): assert i == 5; x = 1\nassert 1",
            "for i in range(3, 1):\n  assert 0\nassert 1",
            "x = 1\ndef g(): return x\ndef f(x): return g()\nassert f(5) == 1",
            "assert 2 ** 100 / 3 ** 40 in (1, 2 ** 100 / 3 ** 40)",
            "assert 2 ** 100 / 3 ** 40 == 2 ** 100 / 3 ** 40",
            "if 1:\n\n# a\n\n  # b\n  assert 1\n\n\nassert 1",
        ] {
            assert_eq!(outcome(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn what_does_not_says_why() {
        let failed = |text: &str| Err(Trouble::Failed(text.to_owned()));
        assert_eq!(
            outcome("assert tcpi_snd_cwnd == 11, 'cwnd=%d' % tcpi_snd_cwnd"),
            failed("assert tcpi_snd_cwnd == 11; tcpi_snd_cwnd is 10 (cwnd=10)")
        );
        assert_eq!(outcome("assert 10 > 9 > 9"), failed("assert 10 > 9 > 9"));
        assert_eq!(outcome("assert 0 or 0"), failed("assert 0 or 0"));
        assert_eq!(outcome("assert not 1"), failed("assert not 1"));
        assert_eq!(
            outcome("x = 2; assert x in (3, 4), f'x is {x}'"),
            failed("assert x in ( 3 , 4 ); x is 2 (x is {x})")
        );
        assert_eq!(
            outcome("if 1: x = 1; assert x == 2"),
            failed("assert x == 2; x is 1")
        );
        assert_eq!(outcome("assert 0, str(1)"), failed("assert 0 (str ( 1 ))"));
        assert_eq!(
            outcome("def f(x): assert x == 1\nf(2)"),
            failed("assert x == 1; x is 2")
        );
    }

    #[test]
    fn what_is_not_understood_is_no_success() {
        for code in [
            "assert tcpi_unheard_of == 1",
            "print(1",
            "print(1) assert 0",
            "exec(1)",
            "assert abs(1, 2)",
            "assert min(1",
            "assert min()",
            "assert",
            "assert (1",
            "assert 1 2",
            "assert 1 / 0",
            "assert 'a",
            "import sys; assert sys.argv",
            "return 1",
            "def f(x): return x\nassert f(1, 2)",
            "def f(x=1): return x",
            "def f(): return f()\nassert f()",
            "def f(): f(); f()\nf()",
            "while 1: pass",
            "x, y = 1",
            "assert 1 in range(0, 9, 0)",
            "assert 1 in range(-1 << 126, 3 << 125)",
            "assert 1 in range(1000000)",
            "while 1: x = 3 in range(100000)",
            "def f():\n  def g(): return 1\n  return g()",
            "if 0:\n  def f(): return 1\nassert f()",
            "def f(x): return g()\ndef g(): return x",
            "x += 1",
            "assert x; x = 1",
            "if 0: x = 1\nassert x",
            "if 1:\nassert 1",
            "else: pass",
            "for x in 1: pass",
            "for 1 in (1, 2): pass",
            "for x in [1, 2]:\n  for y in [3]:\n    assert z",
            "if 1 assert 1",
            "assert 1 if 2",
            "assert 1 in 2",
            "assert 1 in ()",
            "assert 1.2.3",
            "assert 2 ** 999",
            "assert 1 ? 2",
        ] {
            assert!(matches!(outcome(code), Err(Trouble::Unknown(_))), "{code}");
        }
    }

    /// Code that is nested too deeply for a thread's stack, or would never end, is not understood.
    #[test]
    fn what_has_no_end_is_not_understood() {
        let many = |text: &str| text.repeat(20_000);
        for code in [
            format!("assert {}1", many("(")),
            format!("assert 1 in {}", many("[")),
            format!("assert {}1", many("max(")),
            format!("assert {}1", many("1 if 1 else ")),
            format!("assert {}2", many("1 ** ")),
            many("if 1: "),
            many("for i in (1, 2): "),
            many("while 1: "),
            format!("def f(x): return {}1\nassert f(1)", many("f(")),
            "def f(n): return n and f(n - 1)\nassert f(1000)".to_owned(),
            format!("{}while 1:\n  if 0: b = 1", many("a = 1;")),
        ] {
            let outcome = outcome(&code);
            assert!(matches!(outcome, Err(Trouble::Unknown(_))), "{code:.40}");
        }
        for code in [
            format!("assert {}1", many("not not ")),
            format!("assert {}1", many("-+")),
            format!("assert 1{}", many(" and 1 or 1")),
            many("\n"),
            many(" \n# a\n"),
        ] {
            assert_eq!(outcome(&code), Ok(()), "{code:.40}");
        }
    }

    /// However often a message cannot be evaluated, that makes no difference to the assertions.
    #[test]
    fn a_message_that_is_no_value_leaves_nothing_behind() {
        let code = "assert tcpi_snd_cwnd == 10, (tcpi_snd_cwnd, 'x')\n".repeat(100);
        assert_eq!(outcome(&code), Ok(()));
        let code = "def f(n): return f(n)\n".to_owned() + &"assert 1, f(1)\n".repeat(100);
        assert_eq!(outcome(&code), Ok(()));
    }

    /// Later code finds the names that earlier code has assigned.
    #[test]
    fn all_code_is_one_program() {
        let mut variables = Variables::default();
        assert_eq!(run("x = tcpi_snd_cwnd", &mut variables, &value_of), Ok(()));
        assert_eq!(run("assert x == 10", &mut variables, &value_of), Ok(()));
        let mut variables = Variables::default();
        let asked = names("x = tcpi_rtt; assert x == y", &mut variables).unwrap();
        assert_eq!(asked, ["tcpi_rtt", "y"]);
        assert_eq!(names("assert x > 0, z", &mut variables), Ok(Vec::new()));
        let asked = names(
            "def f(x): return x + tcpi_ato\nassert f(tcpi_rtt)",
            &mut variables,
        );
        assert_eq!(
            asked,
            Ok(vec!["tcpi_ato".to_owned(), "tcpi_rtt".to_owned()])
        );
        let asked = names("assert 1 / (tcpi_rtt - tcpi_ato)", &mut variables).unwrap();
        assert_eq!(asked, ["tcpi_rtt", "tcpi_ato"]);
    }

    /// What code is made of.
    const PIECES: [&str; 44] = [
        "\n",
        "\n ",
        "\n  ",
        ";",
        ":",
        ",",
        "(",
        ")",
        "[",
        "]",
        "=",
        "+=",
        "**",
        "-",
        "~",
        "//",
        "<<",
        "%",
        "==",
        "<",
        "'%d'",
        "def f",
        "def f(x)",
        "f(",
        "f(1)",
        "return ",
        "assert ",
        "if ",
        "elif ",
        "else",
        "for x in ",
        "while ",
        "range(",
        " in ",
        " not ",
        " and ",
        " or ",
        "max(",
        "pass",
        "import a",
        "print(",
        "x",
        "9",
        "1e38",
    ];

    proptest! {
        #[test]
        fn no_words_make_it_panic(
            words in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)
        ) {
            let code = words.join(" ");
            let _ = outcome(&code);
            let _ = names(&code, &mut Variables::default());
        }

        #[test]
        fn no_code_makes_it_panic(code in "[-+*/%&|<>=!(){}\\[\\]:.ea-z0-9 ;,'#\n]{0,60}") {
            let _ = outcome(&code);
            let _ = outcome(&format!("assert {code}"));
        }
    }
}
