//! Names and paths of a guest's files.

use super::text::{beginning, segment, visible};

/// The most folders of a guest in each other, with the file.
const MAX_LEVELS: usize = 32;

/// The most bytes of a name, as NAME_MAX of the systems that servers run on.
const MAX_NAME: usize = 255;

/// The most bytes of a guest's path.
const MAX_PATH: usize = 1024;

/// The longest ending that stays at the end of a numbered name, in bytes with its dot.
const MAX_ENDING: usize = 16;

/// Endings of files that web servers run, whatever follows them. A server may look at every ending of a name.
const RUN_ANYWHERE: [&str; 4] = ["phtml", "phar", "cgi", "shtml"];

/// Beginnings of such endings: `php`, `php5`, `phps`, `aspx`, `jspx`.
const RUN_BEGINNINGS: [&str; 3] = ["php", "asp", "jsp"];

/// Endings of files that web servers run at the end of a name only. `pl` is also an ending of companies.
const RUN_AT_END: [&str; 3] = ["pl", "py", "sh"];

/// Names of files that configure a web server.
const CONFIGURATIONS: [&str; 1] = ["web.config"];

/// The permitted endings of files; none for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types(Vec<String>);

/// Whether the files of a server may be below the root of a web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebRoot {
    /// They may be, so what a web server runs is refused.
    Possible,
    /// The operator says that they are not.
    No,
}

/// The path of a guest's file below the folder of the arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPath {
    folders: Vec<String>,
    name: String,
}

/// Why a file's name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameRefusal {
    /// It has no name, starts at the root, or contains `..`.
    #[error("the name is empty, or leads elsewhere")]
    Invalid,
    /// It, or a part of it, is too long, or it has too many folders.
    #[error("the name is too long")]
    TooLong,
    /// A web server could run it, or be configured by it.
    #[error("a web server could run it")]
    Runs,
    /// It has none of the permitted endings.
    #[error("its ending is not permitted")]
    Type,
    /// The portal uses such names itself.
    #[error("the portal uses such names itself")]
    Reserved,
}

impl Types {
    /// Parses a list: `pdf,jpg` or `.pdf, .JPG`.
    ///
    /// # Errors
    /// A sentence about the ending that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let endings = text.split(',').map(str::trim).filter(|ending| !ending.is_empty());
        let endings = endings.map(|ending| {
            let bare = ending.trim_start_matches(['*', '.']).to_lowercase();
            match !bare.is_empty() && bare.chars().all(char::is_alphanumeric) {
                true => Ok(bare),
                false => Err(format!("`{ending}` is no ending: write endings like `pdf,jpg`")),
            }
        });
        endings.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the endings.
    #[must_use]
    pub fn endings(&self) -> &[String] {
        &self.0
    }

    /// Returns the list as it is parsed.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.join(",")
    }

    fn lists(&self, name: &str) -> bool {
        ending(name).is_some_and(|ending| self.0.contains(&ending))
    }
}

impl GuestPath {
    /// Parses the path of a guest's file. Its parts are cleaned as every system takes them.
    ///
    /// # Errors
    /// [`NameRefusal`].
    pub fn parse(path: &str, types: &Types, web_root: WebRoot) -> Result<Self, NameRefusal> {
        if path.len() > MAX_PATH || path.split('/').count() > MAX_LEVELS {
            return Err(NameRefusal::TooLong);
        }
        let mut parts = path.split('/').map(parse_part).collect::<Result<Vec<_>, _>>()?;
        let name = parts.pop().ok_or(NameRefusal::Invalid)?;
        let is_permitted = |part: &str| web_root == WebRoot::No && types.lists(part);
        if parts.iter().any(|folder| is_run(folder)) || (is_run(&name) && !is_permitted(&name)) {
            return Err(NameRefusal::Runs);
        }
        if !types.0.is_empty() && !types.lists(&name) {
            return Err(NameRefusal::Type);
        }
        Ok(Self { folders: parts, name })
    }

    /// Returns the name of the file, with its folders.
    #[must_use]
    pub fn shown(&self) -> String {
        self.numbered(1).join("/")
    }

    /// Returns the parts of the path with a number in its name: `report (2).pdf`; 1 for the name as it is.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Vec<String> {
        let name = match number {
            0 | 1 => self.name.clone(),
            number => {
                let (stem, ending) = split_ending(&self.name);
                let mark = format!(" ({number})");
                let room = MAX_NAME.saturating_sub(mark.len() + ending.len());
                format!("{}{mark}{ending}", beginning(stem, room).trim_end())
            }
        };
        self.folders.iter().cloned().chain([name]).collect()
    }
}

fn parse_part(part: &str) -> Result<String, NameRefusal> {
    if part.len() > MAX_NAME {
        return Err(NameRefusal::TooLong);
    }
    // What cannot be seen does not hide a dot.
    match visible(part).trim() {
        "" | "." | ".." => return Err(NameRefusal::Invalid),
        seen if seen.starts_with('.') => return Err(NameRefusal::Runs),
        _ => {}
    }
    let cleaned = segment(part, MAX_NAME);
    match is_reserved(&cleaned) {
        true => Err(NameRefusal::Reserved),
        false => Ok(cleaned),
    }
}

/// Whether a part is called as the portal calls part files and their directories.
fn is_reserved(part: &str) -> bool {
    let Ok(path) = ftps::RemotePath::new(part) else { return true };
    ftps::upload::temporary::target_of(&path).is_some()
        || ftps::upload::temporary::is_directory(&path)
}

/// Whether a web server may run a file of this name, or be configured by it.
fn is_run(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut endings = name.split('.').skip(1).map(str::trim);
    let last = ending(&name).unwrap_or_default();
    let runs_anywhere = endings.any(|ending| {
        RUN_ANYWHERE.contains(&ending)
            || RUN_BEGINNINGS.iter().any(|beginning| ending.starts_with(beginning))
    });
    runs_anywhere || RUN_AT_END.contains(&last.as_str()) || CONFIGURATIONS.contains(&name.as_str())
}

/// Returns the ending of a name in small letters, without its dot.
fn ending(name: &str) -> Option<String> {
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then(|| ending.trim().to_lowercase())
}

/// Splits a name before the dot of its ending, which is empty if there is none.
fn split_ending(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_ENDING => name.split_at(dot),
        Some(_) | None => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(path: &str) -> Result<String, NameRefusal> {
        GuestPath::parse(path, &Types::default(), WebRoot::Possible).map(|path| path.shown())
    }

    #[test]
    fn folders_of_a_guest_are_kept_and_names_are_cleaned() {
        for (path, expected) in [
            ("a.pdf", "a.pdf"),
            ("photos/2026/ü 1.jpg", "photos/2026/ü 1.jpg"),
            ("CON", "CON_"),
            ("trailing ", "trailing"),
            ("a\u{0}b.txt", "ab.txt"),
            ("back\\slash.txt", "backslash.txt"),
            ("price.pl.pdf", "price.pl.pdf"),
        ] {
            assert_eq!(parse(path).as_deref(), Ok(expected), "{path:?}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_or_are_too_long_are_refused() {
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "..", ".", "a/.\u{0}./b"] {
            assert_eq!(parse(path), Err(NameRefusal::Invalid), "{path:?}");
        }
        for path in ["x".repeat(256), "a/".repeat(32) + "a", "ab/".repeat(400)] {
            assert_eq!(parse(&path), Err(NameRefusal::TooLong), "{path:?}");
        }
        for path in ["a.txt.0123abcd.part", "ferryport-0123abcd/a.txt"] {
            assert_eq!(parse(path), Err(NameRefusal::Reserved), "{path:?}");
        }
    }

    #[test]
    fn names_that_a_web_server_runs_are_refused_unless_owner_and_operator_agree() {
        let run = [
            ".htaccess",
            ".user.ini",
            "a/.hidden/b.txt",
            "web.config",
            "Web.Config",
            "x.php",
            "x.PHP5",
            "x.php.jpg",
            "x.php.",
            "x.php ",
            "x.phtml",
            "x.phar",
            "x.asp",
            "x.aspx",
            "x.jsp",
            "x.cgi",
            "x.pl",
            "x.py",
            "x.sh",
            "x.shtml",
            "x.php::$DATA",
            "x.ph\u{200b}p",
            "a.php/b.jpg",
            "\u{1}.htaccess",
            " .htaccess",
            "\u{200b}.htaccess",
            "x.php\u{2028}",
        ];
        for name in run {
            assert_eq!(parse(name), Err(NameRefusal::Runs), "{name:?}");
        }
        let php = Types::parse("php,pdf").unwrap();
        let with = |web_root| GuestPath::parse("x.php", &php, web_root).is_ok();
        assert!(with(WebRoot::No) && !with(WebRoot::Possible));
        assert!(GuestPath::parse("x.php", &Types::default(), WebRoot::No).is_err());
        assert!(GuestPath::parse(".htaccess", &php, WebRoot::No).is_err());
    }

    #[test]
    fn only_listed_endings_are_permitted() {
        let types = Types::parse(" .PDF, *.jpg").unwrap();
        assert_eq!(types.text(), "pdf,jpg");
        let refused = |name| GuestPath::parse(name, &types, WebRoot::Possible).err();
        assert_eq!(refused("a.pdf"), None);
        assert_eq!(refused("A.JPG"), None);
        for name in ["a.png", "pdf", ".pdf.exe", "a.pdf.exe"] {
            assert!(refused(name).is_some(), "{name}");
        }
        assert!(Types::parse("pdf,a/b").is_err());
        assert_eq!(Types::parse("").unwrap(), Types::default());
    }

    #[test]
    fn numbers_come_before_the_ending_and_names_stay_short() {
        let path = |name| GuestPath::parse(name, &Types::default(), WebRoot::Possible).unwrap();
        assert_eq!(path("a/report.pdf").numbered(2), ["a", "report (2).pdf"]);
        assert_eq!(path("report").numbered(13), ["report (13)"]);
        let long = path(&format!("{}.pdf", "ü".repeat(125))).numbered(1000);
        assert!(long[0].len() <= MAX_NAME && long[0].ends_with(" (1000).pdf"), "{long:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_a_guest_calls_a_file_it_is_below_the_folder_and_its_name_is_one_that_systems_take(
            path in r"(\PC|[./\\:\x00-\x20]|\.\.|\u{202e}|CON|php|\.){0,40}",
            number in 1..2000_u32,
        ) {
            let Ok(path) = GuestPath::parse(&path, &Types::default(), WebRoot::Possible) else {
                return Ok(());
            };
            for part in path.numbered(number) {
                prop_assert!(!part.is_empty() && part.len() <= MAX_NAME, "{:?}", part);
                prop_assert!(part != "." && part != ".." && !part.starts_with('.'), "{:?}", part);
                prop_assert!(!part.contains(['/', '\\', ':', '\0', '\r', '\n']), "{:?}", part);
                prop_assert!(!part.ends_with(['.', ' ']), "{:?}", part);
                prop_assert!(!is_run(&part), "{:?}", part);
                prop_assert!(ftps::RemotePath::new(part.as_str()).is_ok(), "{:?}", part);
            }
        }
    }
}
