use super::*;

const ALL: MaskOptions = MaskOptions { hosts: true, users: true, paths: true };
const NONE: MaskOptions = MaskOptions { hosts: false, users: false, paths: false };

/// The lines of a session: their kinds and texts.
const SESSION: [(LogKind, &str); 27] = [
    (LogKind::Status, "Resolving the address of ftp.harbour.example"),
    (LogKind::Status, "ftp.harbour.example is at 203.0.113.7:21"),
    (LogKind::Status, "Connecting to 203.0.113.7:21."),
    (
        LogKind::Response,
        "220 ProFTPD Server (Debian) [::ffff:203.0.113.7] FTP.harbour.example ready",
    ),
    (LogKind::Command, "AUTH TLS"),
    (LogKind::Response, "234 AUTH TLS successful"),
    (
        LogKind::Status,
        "Certificate: subject CN=ftp.harbour.example, issuer O=Harbour, SHA-256 ab12",
    ),
    (LogKind::Command, "USER mara"),
    (LogKind::Response, "331 Password required for mara"),
    (LogKind::Command, "PASS ********"),
    (LogKind::Response, "230 User mara logged in"),
    (LogKind::Command, "PWD"),
    (LogKind::Response, "257 \"/home/mara\" is the current directory"),
    (LogKind::Status, "Logged in. Current directory: \"/home/mara\"."),
    (LogKind::Command, "MKD /home/mara/tax 2026"),
    (LogKind::Response, "257 \"/home/mara/tax 2026\" - Directory successfully created"),
    (LogKind::Command, "PASV"),
    (LogKind::Response, "227 Entering Passive Mode (203,0,113,7,195,80)."),
    (LogKind::Command, "EPSV"),
    (LogKind::Response, "229 Entering Extended Passive Mode (|||50000|)"),
    (LogKind::Command, "STOR /home/mara/tax 2026/my wages.pdf"),
    (LogKind::Response, "150 Opening BINARY mode data connection for my wages.pdf"),
    (LogKind::Response, "226 Transfer complete"),
    (LogKind::Command, "MFMT 20261122230511 /home/mara/tax 2026/my wages.pdf"),
    (LogKind::Response, "213 Modify=20261122230511; /home/mara/tax 2026/my wages.pdf"),
    (LogKind::Response, "550 my wages.pdf: Permission denied"),
    (LogKind::Error, "the server refused: 550 /home/mara/other.pdf: not yours, 22:05:11"),
];

fn line(kind: LogKind, text: &str) -> LogLine {
    LogLine {
        seq: 0,
        at_millis: 0,
        connection: Some(1),
        explanation: None,
        kind,
        text: text.to_owned(),
    }
}

fn english(kind: NameKind, number: u32) -> String {
    let word = match kind {
        NameKind::Host => "host",
        NameKind::User => "user",
        NameKind::Path => "path",
    };
    format!("[{word} {number}]")
}

fn masks(choice: MaskOptions) -> Masker {
    let mut masks = Masker::new(english as Label);
    masks.set_options(choice);
    masks.learn_name(NameKind::Host, "ftp.harbour.example");
    masks.learn_name(NameKind::User, "mara");
    for (kind, text) in SESSION {
        masks.learn(&line(kind, text));
    }
    masks
}

fn hidden(choice: MaskOptions) -> Vec<String> {
    let mut masks = masks(choice);
    SESSION.iter().map(|(kind, text)| masks.mask_line(&line(*kind, text))).collect()
}

fn hide(kind: LogKind, text: &str) -> String {
    masks(ALL).mask_line(&line(kind, text))
}

#[test]
fn nothing_of_whose_session_it_was_is_left_where_all_is_hidden() {
    for text in hidden(ALL) {
        let lower = text.to_lowercase();
        for secret in ["harbour", "mara", "203", "home", "tax", "wages", "ab12", "other.pdf"] {
            assert!(!lower.contains(secret) || lower.contains("20261122"), "{secret} in {text}");
        }
    }
}

#[test]
fn what_tells_nothing_about_anybody_stays_as_it_is() {
    let lines = hidden(ALL);
    for kept in ["AUTH TLS", "PASS ********", "EPSV", "226 Transfer complete"] {
        assert!(lines.contains(&kept.to_owned()), "{kept} in {lines:#?}");
    }
    assert!(lines.contains(&"229 Entering Extended Passive Mode (|||50000|)".to_owned()));
    assert!(lines[26].ends_with("not yours, 22:05:11"), "a time is no address: {}", lines[26]);
}

#[test]
fn the_same_name_has_the_same_label_everywhere() {
    let lines = hidden(ALL);
    assert_eq!(lines[0], "Resolving the address of [host 1]");
    assert_eq!(lines[1], "[host 1] is at [host 2]:21");
    assert_eq!(lines[2], "Connecting to [host 2]:21.");
    assert!(lines[3].ends_with("[host 1] ready"), "in other letters: {}", lines[3]);
    assert_eq!(lines[17], "227 Entering Passive Mode ([host 2],195,80).");
    assert_eq!(lines[7], "USER [user 1]");
    assert_eq!(lines[10], "230 User [user 1] logged in");
    assert_eq!(lines[12], "257 \"[path 1]\" is the current directory");
    assert_eq!(lines[13], "Logged in. Current directory: \"[path 1]\".");
    assert_eq!(lines[14].strip_prefix("MKD "), lines[15].split('"').nth(1));
    assert_eq!(lines[20].strip_prefix("STOR "), lines[23].strip_prefix("MFMT 20261122230511 "));
    let name = lines[21].strip_prefix("150 Opening BINARY mode data connection for ").unwrap();
    assert_eq!(lines[25], format!("550 {name}: Permission denied"));
}

#[test]
fn each_kind_is_hidden_by_itself() {
    let lines = hidden(MaskOptions { users: true, ..NONE });
    assert_eq!(lines[12], "257 \"/home/[user 1]\" is the current directory");
    assert_eq!(lines[1], SESSION[1].1);
    let lines = hidden(MaskOptions { hosts: true, ..NONE });
    assert_eq!(lines[20], SESSION[20].1);
    assert_eq!(lines[21], SESSION[21].1);
    let lines = hidden(MaskOptions { paths: true, ..NONE });
    assert_eq!(lines[2], SESSION[2].1);
    assert_eq!(lines[7], SESSION[7].1);
    assert_eq!(hidden(NONE), SESSION.map(|(_, text)| text));
}

#[test]
fn names_with_quotes_are_hidden_to_their_end() {
    let mut masks = masks(ALL);
    let made = line(LogKind::Response, "257 \"/srv/a \"\"b\"\" c\" created");
    masks.learn(&made);
    let label = masks.mask_line(&line(LogKind::Command, "CWD /srv/a \"b\" c"));
    let label = label.strip_prefix("CWD ").unwrap();
    assert_eq!(masks.mask_line(&made), format!("257 \"{label}\" created"));
}

#[test]
fn commands_that_are_not_known_are_hidden_all_the_same() {
    assert_eq!(hide(LogKind::Command, "XFOO secret plans.txt").split('[').next(), Some("XFOO "));
    assert!(
        hide(LogKind::Command, "SITE CHMOD 644 secret.txt").starts_with("SITE CHMOD 644 [path")
    );
    assert!(hide(LogKind::Command, "LIST -a secret").starts_with("LIST -a [path"));
    assert_eq!(hide(LogKind::Command, "EPRT |1|198.51.100.4|6275|"), "EPRT |1|[host 2]|6275|");
}

#[test]
fn addresses_are_known_by_their_form() {
    for (text, expected) in [
        ("at 2001:db8::1: refused", "at [host 2]: refused"),
        ("[2001:db8:0:0:0:0:0:1]:21", "[[host 2]]:21"),
        ("::1", "[host 2]"),
        ("vsFTPd 3.0.5", "vsFTPd 3.0.5"),
        ("12:34:56", "12:34:56"),
        ("abc::", "[host 2]"),
        ("10.0.0.1.", "[host 2]."),
    ] {
        assert_eq!(hide(LogKind::Status, text), expected, "{text}");
    }
}

#[test]
fn roots_and_dots_are_no_secret() {
    for text in ["CWD /", "CWD ..", "MLSD ."] {
        assert_eq!(hide(LogKind::Command, text), text);
    }
    assert_eq!(hide(LogKind::Response, "257 \"/\" is current"), "257 \"/\" is current");
}

#[test]
fn hostile_lines_are_hidden_without_harm() {
    let long = "/".repeat(5000) + &"a/".repeat(5000);
    for text in [
        "",
        " ",
        "\"",
        "\"\"",
        "257",
        "257 \"",
        "257 \"\"\"",
        "; ",
        " =; ",
        "\u{202e}/x\u{0}y",
        "äöü:::",
        "....",
        ",,,,",
        "1,2,3",
        "/\u{1F469}\u{200d}",
        "[host 1]",
        &long,
    ] {
        for kind in [LogKind::Status, LogKind::Command, LogKind::Response, LogKind::Error] {
            let mut masks = masks(ALL);
            masks.learn(&line(kind, text));
            let _ = masks.mask_line(&line(kind, text));
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_a_command_names_is_not_in_its_own_line(
        path in "/[a-z]{3,6}( [a-z]{3,6})?/[a-zA-Z\"\u{e4} .-]{1,8}x9",
        verb in "STOR|SIZE|CWD|RNTO|DELE|MLST",
    ) {
        let command = line(LogKind::Command, &format!("{verb} {path}"));
        let mut masks = Masker::new(english as Label);
        masks.set_options(ALL);
        masks.learn(&command);
        let label = masks.mask_line(&command);
        proptest::prop_assert!(!label.contains("x9"), "{}", label);
        let reply = line(LogKind::Response, &format!("550 {path}: No such file or directory"));
        let hidden = masks.mask_line(&reply);
        proptest::prop_assert!(!hidden.contains("x9"), "{}", hidden);
    }
}
