//! Keys by their names, as each protocol wants them.

/// A key of the keyboard, with the modifiers held down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) held: Vec<Modifier>,
    /// `KeyboardEvent.key` of UI Events.
    pub(super) key: String,
    /// `KeyboardEvent.code` of UI Events.
    pub(super) code: String,
    /// Windows's virtual key code, which Chromium goes by.
    pub(super) virtual_code: u32,
    /// The character that stands for the key in `WebDriver` §17.4.2.
    pub(super) webdriver: char,
    /// What the key types; nothing for one that types nothing.
    pub(super) text: String,
}

/// A key that is held down while another one is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    Alt,
    Control,
    Shift,
}

impl Modifier {
    const ALL: [Self; 3] = [Self::Alt, Self::Control, Self::Shift];

    fn name(self) -> &'static str {
        match self {
            Self::Alt => "Alt",
            Self::Control => "Control",
            Self::Shift => "Shift",
        }
    }

    /// Its bit in `Input.dispatchKeyEvent`.
    pub(super) fn bit(self) -> u32 {
        match self {
            Self::Alt => 1,
            Self::Control => 2,
            Self::Shift => 8,
        }
    }

    /// The character that stands for it in `WebDriver`.
    pub(super) fn webdriver(self) -> char {
        match self {
            Self::Alt => '\u{e00a}',
            Self::Control => '\u{e009}',
            Self::Shift => '\u{e008}',
        }
    }
}

/// Name, virtual key code and `WebDriver`'s character of the keys that type nothing but a line's
/// end or a space.
const NAMED: [(&str, u32, char); 16] = [
    ("Enter", 13, '\u{e006}'),
    ("Escape", 27, '\u{e00c}'),
    ("Tab", 9, '\u{e004}'),
    ("Space", 32, ' '),
    ("Backspace", 8, '\u{e003}'),
    ("Delete", 46, '\u{e017}'),
    ("ArrowLeft", 37, '\u{e012}'),
    ("ArrowUp", 38, '\u{e013}'),
    ("ArrowRight", 39, '\u{e014}'),
    ("ArrowDown", 40, '\u{e015}'),
    ("Home", 36, '\u{e011}'),
    ("End", 35, '\u{e010}'),
    ("PageUp", 33, '\u{e00e}'),
    ("PageDown", 34, '\u{e00f}'),
    ("F2", 113, '\u{e032}'),
    ("F5", 116, '\u{e035}'),
];

impl Stroke {
    /// The stroke of a name like `Enter`, `a`, `Shift+Tab` or `Control+a`.
    ///
    /// # Panics
    /// When there is no such key.
    pub(super) fn named(name: &str) -> Self {
        let (held, key) = match name.rsplit_once('+') {
            Some((held, key)) if !held.is_empty() => (held.split('+').map(modifier).collect(), key),
            _ => (Vec::new(), name),
        };
        let (key, code, virtual_code, webdriver, text) =
            match NAMED.into_iter().find(|(named, ..)| *named == key) {
                Some(("Enter", code, sign)) => ("Enter", "Enter".to_owned(), code, sign, "\r"),
                Some(("Space", code, sign)) => (" ", "Space".to_owned(), code, sign, " "),
                Some((named, code, sign)) => (named, named.to_owned(), code, sign, ""),
                None => {
                    let sign = key.chars().next().filter(|sign| key.len() == 1 && sign.is_ascii());
                    let sign = sign.unwrap_or_else(|| panic!("no code for the key {key}"));
                    let capital = sign.to_ascii_uppercase();
                    (key, format!("Key{capital}"), u32::from(capital), sign, key)
                }
            };
        // With these held a key is a command, and types nothing.
        let types = !held.iter().any(|held| matches!(held, Modifier::Alt | Modifier::Control));
        Self {
            held,
            key: key.to_owned(),
            code,
            virtual_code,
            webdriver,
            text: if types { text.to_owned() } else { String::new() },
        }
    }
}

fn modifier(name: &str) -> Modifier {
    let known = Modifier::ALL.into_iter().find(|modifier| modifier.name() == name);
    known.unwrap_or_else(|| panic!("there is no key {name} to hold"))
}
