//! The languages in which a person is told something.

/// A language that errors, diagnoses and explanations are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, in which they are written.
    #[default]
    English,
    /// German.
    German,
}

/// A sentence in a [`Language`]: in English, and beside it in German. `{name}` is a place, filled as
/// by [`format!`].
///
/// ```
/// use ftps::{Language, say};
/// # fn main() {
/// let taken = |language| say!(language, "{name} is taken", "{name} gibt es schon", name = "a");
/// assert_eq!(taken(Language::English), "a is taken");
/// assert_eq!(taken(Language::German), "a gibt es schon");
/// # }
/// ```
///
/// A place that stands in one of them only does not compile, nor one that is not filled by name:
///
/// ```compile_fail
/// # use ftps::{Language, say};
/// # fn main() {
/// say!(Language::German, "{name} is taken", "Das gibt es schon", name = "a");
/// # }
/// ```
///
/// ```compile_fail
/// # use ftps::{Language, say};
/// # fn main() {
/// let name = "a";
/// say!(Language::German, "{name} is taken", "Das gibt es schon");
/// # }
/// ```
#[macro_export]
macro_rules! say {
    ($language:expr, $english:literal, $german:literal $(, $place:ident = $value:expr)* $(,)?) => {
        match $language {
            // What comes out of a macro takes no value by its bare name (`concat!` is there for
            // that): so `format!` finds every place that one language lacks.
            $crate::Language::English => ::std::format!(concat!($english) $(, $place = $value)*),
            $crate::Language::German => ::std::format!(concat!($german) $(, $place = $value)*),
        }
    };
}
