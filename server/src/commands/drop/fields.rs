//! The options of a new drop, as texts.

use std::{
    fs,
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, anyhow, bail};
use store::{DropLimits, DropTerms, drops::UNLIMITED};
use zeroize::Zeroizing;

use crate::{
    drops::{
        ask::Questions,
        folder::{self, FolderTemplate},
        names::Types,
    },
    settings::{ByteCount, SettingValue as _},
};

/// How long a drop takes files where nothing else is said.
pub(super) const DEFAULT_EXPIRY: &str = "14d";

/// The most bytes of a title, of a note and of a password.
const MAX_TITLE: usize = 200;
const MAX_NOTE: usize = 2000;
const MAX_PASSWORD: usize = 1024;

/// The options of a new drop.
#[derive(Clone, Debug, Default)]
pub struct NewDropOptions {
    /// The name of the preset.
    pub preset: String,
    /// The title.
    pub title: String,
    /// The note for guests.
    pub note: Option<String>,
    /// The template of the folder.
    pub folder: Option<String>,
    /// The most files.
    pub max_files: Option<String>,
    /// The most bytes of all files.
    pub max_bytes: Option<String>,
    /// The most bytes of a file.
    pub max_file_bytes: Option<String>,
    /// The most arrivals.
    pub max_arrivals: Option<String>,
    /// The permitted types of files.
    pub types: Option<String>,
    /// What guests are asked.
    pub ask: Option<String>,
    /// When it begins.
    pub starts: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
    /// Its password.
    pub password: Password,
}

/// Where the password of a drop is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Password {
    /// It has none.
    #[default]
    None,
    /// It is typed.
    Typed,
    /// The first line of a file.
    File(PathBuf),
}

impl NewDropOptions {
    /// Returns what the options say, without the password.
    ///
    /// # Errors
    /// All options that cannot be used, one a line.
    pub(super) fn terms(&self, now_ms: i64) -> anyhow::Result<DropTerms> {
        let mut errors = Vec::new();
        let mut note = |error: anyhow::Error| errors.push(format!("{error:#}"));
        let title = text("--title", &self.title, MAX_TITLE).map_err(&mut note).ok();
        let guests_note = match &self.note {
            Some(text) if text.len() > MAX_NOTE => {
                note(anyhow!("`--note`: it has at most {MAX_NOTE} bytes"));
                None
            }
            text => Some(text.clone().unwrap_or_default()),
        };
        let folder = self.folder().map_err(&mut note).ok();
        let types = Types::parse(self.types.as_deref().unwrap_or_default());
        let types = types.map_err(|why| note(anyhow!("`--types`: {why}"))).ok();
        let ask = Questions::parse(self.ask.as_deref().unwrap_or_default());
        let ask = ask.map_err(|why| note(anyhow!("`--ask`: {why}"))).ok();
        let limits = self.limits().map_err(&mut note).ok();
        let times = self.times(now_ms).map_err(&mut note).ok();
        if let (Some(folder), Some(ask)) = (&folder, &ask) {
            let missing = folder.fields().filter(|key| !ask.ask_for(key));
            // Without `name`, the folder of the default is called after the arrival.
            for key in missing.filter(|key| self.folder.is_some() || *key != "name") {
                note(anyhow!("`--folder`: guests are not asked for `{key}`: add it to `--ask`"));
            }
        }
        let (
            Some(title),
            Some(note),
            Some(folder),
            Some(types),
            Some(ask),
            Some(limits),
            Some(times),
        ) = (title, guests_note, folder, types, ask, limits, times)
        else {
            bail!(errors.join("\n"));
        };
        if !errors.is_empty() {
            bail!(errors.join("\n"));
        }
        Ok(DropTerms {
            preset: self.preset.clone(),
            title,
            note,
            folder: folder.to_string(),
            password_hash: String::new(),
            types: types.text(),
            ask: ask.to_json()?,
            starts_ms: times.0,
            expires_ms: times.1,
            limits,
        })
    }

    fn folder(&self) -> anyhow::Result<FolderTemplate> {
        let text = self.folder.as_deref().unwrap_or(folder::DEFAULT);
        text.parse().map_err(|error| anyhow!("`--folder`: {error}"))
    }

    fn limits(&self) -> anyhow::Result<DropLimits> {
        Ok(DropLimits {
            files: number("--max-files", self.max_files.as_deref())?,
            bytes: size("--max-bytes", self.max_bytes.as_deref())?,
            file_bytes: size("--max-file-bytes", self.max_file_bytes.as_deref())?,
            arrivals: number("--max-arrivals", self.max_arrivals.as_deref())?,
        })
    }

    /// Returns when the drop begins and ends.
    fn times(&self, now_ms: i64) -> anyhow::Result<(i64, i64)> {
        let starts =
            self.starts.as_deref().map(|text| time("--starts", text, now_ms)).transpose()?;
        let starts = starts.unwrap_or(now_ms);
        let text = self.expires.as_deref().unwrap_or(DEFAULT_EXPIRY);
        // An age counts from the begin.
        let expires = time("--expires", text, starts.max(now_ms))?;
        if expires <= now_ms {
            bail!("`--expires`: `{text}` is over already: write a time from now like `14d`");
        }
        if expires <= starts {
            bail!("`--expires`: `{text}` is before `--starts`");
        }
        Ok((starts, expires))
    }
}

impl Password {
    /// Reads the password, if the drop has one.
    ///
    /// # Errors
    /// When it cannot be read or used.
    pub(super) fn read(&self, title: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Typed if std::io::stdin().is_terminal() => {
                Zeroizing::new(rpassword::prompt_password(format!("Password for \"{title}\": "))?)
            }
            Self::Typed => {
                bail!("`--password-prompt`: there is no terminal to type it: use `--password-file`")
            }
            Self::File(path) => {
                let text = fs::read_to_string(path).map(Zeroizing::new);
                text.with_context(|| {
                    format!("`--password-file`: {} cannot be read", path.display())
                })?
            }
        };
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.len() > MAX_PASSWORD || line.contains('\n') {
            bail!("a password is one line of at most {MAX_PASSWORD} bytes");
        }
        Ok(Some(Zeroizing::new(line.to_owned())))
    }
}

/// Reads a time: an age from a start, a date, or a date with a time.
///
/// # Errors
/// When it is none, with examples.
pub(super) fn time(option: &str, text: &str, start_ms: i64) -> anyhow::Result<i64> {
    let wrong = || {
        anyhow!(
            "`{option}`: `{text}` is no time: write an age like `14d` or `2h`, a date like \
             `2026-12-31`, or `2026-12-31T18:00:00Z`"
        )
    };
    if let Ok(age) = humantime::parse_duration(text) {
        return i64::try_from(age.as_millis())
            .ok()
            .and_then(|age| start_ms.checked_add(age))
            .ok_or_else(wrong);
    }
    let whole =
        if text.len() == "2026-12-31".len() { format!("{text}T00:00:00Z") } else { text.into() };
    let parsed = humantime::parse_rfc3339_weak(&whole).map_err(|_| wrong())?;
    let since: Duration = parsed.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| wrong())?;
    i64::try_from(since.as_millis()).map_err(|_| wrong())
}

fn text(option: &str, text: &str, max: usize) -> anyhow::Result<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > max || text.chars().any(char::is_control) {
        bail!("`{option}`: it is one line of 1 to {max} bytes");
    }
    Ok(text.to_owned())
}

fn number(option: &str, text: Option<&str>) -> anyhow::Result<u64> {
    let Some(text) = text else { return Ok(UNLIMITED) };
    match text.parse::<u64>() {
        Ok(0) => bail!(
            "`{option}`: 0 would take nothing: write at least 1, or leave it out for any number"
        ),
        Ok(number) if number < UNLIMITED => Ok(number),
        _ => bail!("`{option}`: `{text}` is no number: write one like `20`"),
    }
}

fn size(option: &str, text: Option<&str>) -> anyhow::Result<u64> {
    let Some(text) = text else { return Ok(UNLIMITED) };
    match ByteCount::parse(text) {
        Ok(ByteCount(0)) => {
            bail!("`{option}`: 0 would take nothing: write a size like `5 GiB`, or leave it out")
        }
        Ok(ByteCount(bytes)) if bytes < UNLIMITED => Ok(bytes),
        _ => bail!("`{option}`: `{text}` is no size: write one like `5 GiB` or `500 MB`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_780_000_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn options() -> NewDropOptions {
        let (preset, title) = ("acme".to_owned(), "Tax papers".to_owned());
        NewDropOptions { preset, title, ..NewDropOptions::default() }
    }

    #[test]
    fn a_drop_with_a_title_only_has_a_folder_an_end_and_no_limits() {
        let terms = options().terms(NOW).unwrap();
        assert_eq!(terms.folder, folder::DEFAULT);
        assert_eq!((terms.starts_ms, terms.expires_ms), (NOW, NOW + 14 * DAY));
        assert_eq!(terms.limits, DropLimits::NONE);
    }

    #[test]
    fn options_are_read() {
        let some = |text: &str| Some(text.to_owned());
        let terms = NewDropOptions {
            max_files: some("20"),
            max_bytes: some("5 GiB"),
            max_file_bytes: some("1GB"),
            types: some("PDF,jpg"),
            ask: some("name=required"),
            folder: some("{date} {name}"),
            starts: some("1d"),
            expires: some("2d"),
            ..options()
        };
        let terms = terms.terms(NOW).unwrap();
        let DropLimits { files, bytes, file_bytes, arrivals } = terms.limits;
        assert_eq!((files, bytes, file_bytes, arrivals), (20, 5 << 30, 1_000_000_000, UNLIMITED));
        assert_eq!((terms.starts_ms, terms.expires_ms), (NOW + DAY, NOW + 3 * DAY));
        assert_eq!(terms.types, "pdf,jpg");
    }

    #[test]
    fn each_wrong_option_is_named_with_the_nearest_right_form() {
        let some = |text: &str| Some(text.to_owned());
        for (options, expected) in [
            (NewDropOptions { max_files: some("0"), ..options() }, "`--max-files`: 0 would"),
            (NewDropOptions { max_bytes: some("much"), ..options() }, "like `5 GiB`"),
            (NewDropOptions { folder: some("../x"), ..options() }, "`--folder`"),
            (NewDropOptions { folder: some("{nope}"), ..options() }, "{field:KEY}"),
            (NewDropOptions { folder: some("/srv"), ..options() }, "`srv`"),
            (NewDropOptions { folder: some("{email}"), ..options() }, "add it to `--ask`"),
            (NewDropOptions { expires: some("2020-01-01"), ..options() }, "over already"),
            (NewDropOptions { expires: some("soon"), ..options() }, "an age like `14d`"),
            (
                NewDropOptions {
                    starts: some("2099-01-01"),
                    expires: some("2098-01-01"),
                    ..options()
                },
                "before `--starts`",
            ),
            (NewDropOptions { types: some("a/b"), ..options() }, "`--types`"),
            (NewDropOptions { ask: some("order"), ..options() }, "`--ask`"),
            (NewDropOptions { title: " ".to_owned(), ..options() }, "`--title`"),
        ] {
            let error = options.terms(NOW).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let all = NewDropOptions { max_files: some("0"), types: some("a/b"), ..options() };
        assert_eq!(all.terms(NOW).unwrap_err().to_string().lines().count(), 2);
    }
}
