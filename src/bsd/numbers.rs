//! Tables of names and numbers.

/// Makes a constant of each name, a table of all, and a function that finds one.
macro_rules! numbers {
    ($($name:ident = $number:expr, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: i32 = $number;)*

        /// Every name and its number.
        pub const NAMES: &[(&str, i32)] = &[$((stringify!($name), $name)),*];

        /// The number with this name.
        pub fn number(name: &str) -> Option<i32> {
            let mut names = NAMES.iter();
            names.find(|(known, _)| *known == name).map(|(_, n)| *n)
        }
    };
}

pub(super) use numbers;
