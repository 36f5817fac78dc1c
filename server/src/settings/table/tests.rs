//! Tests of the table of settings.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use super::*;

fn with(name: &'static str, text: &str) -> Result<Settings, SettingsErrors> {
    let mut sources = Sources::default();
    sources.flag(name, text.to_owned());
    Settings::from_sources(&sources)
}

/// Settings that are of no use without another one, and that one.
const NEEDED_BY: &[(&str, &str, &str)] = &[
    ("store", "keyring_file", "/etc/ferryport/keyring"),
    ("keyring_file", "store", "sqlite:/var/lib/ferryport/ferryport.db"),
    ("proxy_protocol", "trusted_proxies", "127.0.0.1"),
    ("acme_domains", "acme_dir", "/var/lib/ferryport/acme"),
    ("acme_email", "acme_dir", "/var/lib/ferryport/acme"),
    ("acme_email", "acme_domains", "upload.example.com"),
    ("acme_eab_key_id", "acme_dir", "/var/lib/ferryport/acme"),
    ("acme_eab_key_id", "acme_domains", "upload.example.com"),
    ("acme_eab_key_id", "acme_eab_hmac_key_file", "/etc/ferryport/eab-key"),
    ("acme_eab_hmac_key_file", "acme_dir", "/var/lib/ferryport/acme"),
    ("acme_eab_hmac_key_file", "acme_domains", "upload.example.com"),
    ("acme_eab_hmac_key_file", "acme_eab_key_id", "kid-1"),
    ("acme_dir", "acme_domains", "upload.example.com"),
    ("acme_ca_file", "acme_dir", "/var/lib/ferryport/acme"),
    ("acme_ca_file", "acme_domains", "upload.example.com"),
    ("http_listen", "acme_dir", "/var/lib/ferryport/acme"),
    ("http_listen", "acme_domains", "upload.example.com"),
];

#[test]
fn every_default_and_every_example_parses() {
    Settings::defaults().unwrap();
    for row in DESCRIPTIONS {
        let mut sources = Sources::default();
        sources.file(&format!("{} = {}", row.name, row.example), DESCRIPTIONS).unwrap();
        for (name, value) in
            NEEDED_BY.iter().filter(|(name, ..)| *name == row.name).map(|row| (row.1, row.2))
        {
            sources.flag(name, value.to_owned());
        }
        Settings::from_sources(&sources).unwrap();
        let mut sources = Sources::default();
        sources.file(&format!("{} = {}", row.name, row.default), DESCRIPTIONS).unwrap();
        Settings::from_sources(&sources).unwrap();
    }
}

#[test]
fn a_setting_that_does_not_parse_names_itself_and_an_example() {
    let error = with("reply_timeout", "soon").unwrap_err();
    assert!(error.to_string().contains("`reply_timeout` from the flag --reply-timeout"));
    assert_eq!(error.hint(), "write it like this: reply_timeout = \"60 s\"");
}

#[test]
fn the_stores_password_is_shown_nowhere() {
    let error = with("store", "mysql://porter:sesame@db/ferryport").unwrap_err();
    let shown = format!("{error} {error:?} {}", error.hint());
    assert!(shown.contains("`store` from the flag --store"), "{shown}");
    assert!(!shown.contains("sesame") && !shown.contains("porter"), "{shown}");
    let mut sources = Sources::default();
    sources.flag("store", "postgres://porter:sesame@db/ferryport".to_owned());
    sources.flag("keyring_file", "/etc/ferryport/keyring".to_owned());
    let shown = format!("{:?}", Settings::from_sources(&sources).unwrap());
    assert!(!shown.contains("sesame") && !shown.contains("porter"), "{shown}");
}

#[test]
fn settings_about_the_own_certificate_that_contradict_others_are_refused_by_name() {
    let acme = [("acme_domains", "upload.example.com"), ("acme_dir", "/acme")];
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("http_listen", "0.0.0.0:80")], "`http_listen` is of no use without `acme_domains`"),
        (&[("acme_domains", "upload.example.com")], "needs `acme_dir` or `store`"),
        (&[acme[0], acme[1], ("tls_certificate_file", "/c.pem")], "two certificates"),
        (&[acme[0], acme[1], ("trusted_proxies", "127.0.0.1")], "the proxy has the certificate"),
        (&[acme[0], acme[1], ("acme_eab_key_id", "a")], "need each other"),
        (&[acme[0], acme[1], ("http_listen", "127.0.0.1:8080")], "another port"),
        (
            &[acme[0], acme[1], ("store", "sqlite:/f"), ("keyring_file", "/k")],
            "of no use beside `store`",
        ),
    ];
    for (flags, expected) in cases {
        let mut sources = Sources::default();
        flags.iter().for_each(|(name, text)| sources.flag(name, (*text).to_owned()));
        let error = Settings::from_sources(&sources).unwrap_err().to_string();
        assert!(error.contains(expected), "{flags:?}: {error}");
    }
}

#[test]
fn a_portal_that_gets_its_certificate_by_itself_needs_no_origins() {
    let mut sources = Sources::default();
    for (name, text) in
        [("listen", "0.0.0.0:443"), ("acme_domains", "Up.example.com"), ("acme_dir", "/acme")]
    {
        sources.flag(name, text.to_owned());
    }
    let origins = Settings::from_sources(&sources).unwrap().page_origins(443);
    assert_eq!(origins.iter().map(Origin::as_str).collect::<Vec<_>>(), ["https://up.example.com"]);
}

#[test]
fn store_and_keyring_need_each_other() {
    for (name, value) in [("store", "sqlite:/f.db"), ("keyring_file", "/keyring")] {
        let error = with(name, value).unwrap_err().to_string();
        assert!(error.contains("`store`") && error.contains("`keyring_file`"), "{error}");
    }
}

#[test]
fn the_proxys_password_is_shown_nowhere() {
    let error = with("proxy", "ftp://porter:sesame@10.0.0.1:1080").unwrap_err();
    let shown = format!("{error} {error:?} {}", error.hint());
    assert!(shown.contains("`proxy` from the flag --proxy"), "{shown}");
    assert!(!shown.contains("sesame") && !shown.contains("porter"), "{shown}");
    let mut sources = Sources::default();
    sources.variable("proxy", "socks5://porter:sesame@10.0.0.1:1080".to_owned());
    let settings = Settings::from_sources(&sources).unwrap();
    let shown = format!("{sources:?} {settings:?}");
    assert!(!shown.contains("sesame") && !shown.contains("porter"), "{shown}");
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let mut sources = Sources::default();
    sources.file("max_sessions = 3", DESCRIPTIONS).unwrap();
    assert_eq!(Settings::from_sources(&sources).unwrap().max_sessions, 3);
    sources.variable("max_sessions", "2");
    assert_eq!(Settings::from_sources(&sources).unwrap().max_sessions, 2);
    sources.flag("max_sessions", "1".into());
    assert_eq!(Settings::from_sources(&sources).unwrap().max_sessions, 1);
}

#[test]
fn unknown_key_in_the_file_ends_the_start() {
    let error = Sources::default().file("\nmax_sesions = 3", DESCRIPTIONS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2 of the configuration file: `max_sesions` is not a setting"
    );
    assert_eq!(error.hint(), "did you mean `max_sessions`?");
}

#[test]
fn listening_without_tls_where_others_reach_it_is_refused_unless_a_proxy_or_the_portal_serves_https()
 {
    assert!(with("listen", "0.0.0.0:8080").is_err());
    for (name, value) in
        [("trusted_proxies", "10.0.0.1"), ("tls_certificate_file", "/fullchain.pem")]
    {
        let mut sources = Sources::default();
        sources.flag("listen", "0.0.0.0:8080".into());
        sources.flag(name, value.into());
        assert!(Settings::from_sources(&sources).is_err(), "the origin has to be named");
        for (address, text) in
            [("origins", "https://up.example.com"), ("public_url", "https://example.com/up")]
        {
            let mut sources = Sources::default();
            sources.flag("listen", "0.0.0.0:8080".into());
            sources.flag(name, value.into());
            sources.flag(address, text.into());
            assert!(Settings::from_sources(&sources).is_ok(), "{name}, {address}");
        }
    }
}

#[test]
fn page_of_a_portal_with_a_certificate_is_opened_over_https() {
    let origins = with("tls_certificate_file", "/fullchain.pem").unwrap().page_origins(8443);
    assert!(origins.iter().all(|origin| origin.as_str().starts_with("https://")));
    assert!(origins.iter().any(|origin| origin.as_str() == "https://localhost:8443"));
}

#[test]
fn page_of_a_public_url_has_its_origin() {
    let origins = with("public_url", "https://example.com/up").unwrap().page_origins(8080);
    assert!(origins.iter().any(|origin| origin.as_str() == "https://example.com"));
}

#[test]
fn proxy_protocol_from_anybody_is_refused() {
    let error = with("proxy_protocol", "true").unwrap_err().to_string();
    assert!(error.contains("`trusted_proxies`"), "{error}");
}

#[test]
fn windows_that_do_not_nest_are_refused() {
    assert!(with("window", "1 MiB").is_err(), "max_chunk does not fit");
    assert!(with("window_budget", "1 MiB").is_err());
    assert!(with("max_chunk", "8 KiB").is_err(), "min_chunk does not fit");
}

#[test]
fn setting_that_may_not_be_zero_is_named() {
    for (name, nothing) in
        [("ping_interval", "0s"), ("page_write_timeout", "0s"), ("max_connections", "0")]
    {
        let error = with(name, nothing).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}` may not be 0")), "{error}");
    }
    assert!(with("ping_interval", "500000000000 years").is_err(), "it does not overflow");
}

#[test]
fn variable_that_is_not_utf8_ends_the_start_and_is_not_shown() {
    let mut sources = Sources::default();
    sources.variable("proxy", OsString::from_vec(b"socks5://a:s\xffsame@10.0.0.1:1".to_vec()));
    let error = Settings::from_sources(&sources).unwrap_err().to_string();
    assert!(error.contains("`proxy` from the variable FERRYPORT_PROXY"), "{error}");
    assert!(!error.contains("same"), "{error}");
}

#[test]
fn every_setting_has_its_line_in_the_operating_manual() {
    let manual = include_str!("../../../../docs/operating.md");
    for row in DESCRIPTIONS {
        let line = format!("| `{}` | `{}` |", row.name, row.default);
        assert!(manual.contains(&line), "docs/operating.md lacks: {line}");
    }
}

#[test]
fn all_errors_are_told_at_once_with_their_places_and_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferryport.toml");
    let text = "max_sesions = 3\nbehind_proxy = true\nreply_timeout = \"soon\"\nlisten = 80\n\
                [[preset]]\nname = \"acme\"\n";
    std::fs::write(&file, text).unwrap();
    let mut sources = Sources::default();
    let mut errors = sources.file_at(&file, DESCRIPTIONS).unwrap_err();
    errors.collect_all(Settings::from_sources(&sources));
    let report = errors.report();
    let place = file.display();
    for expected in [
        format!("error: line 1 of {place}: `max_sesions` is not a setting\n"),
        "hint: did you mean `max_sessions`?\n".to_owned(),
        format!("error: `behind_proxy` from line 2 of {place} is not a setting any more\n"),
        "hint: write this instead: trusted_proxies".to_owned(),
        format!("error: the setting `reply_timeout` from line 3 of {place} does not parse: `soon`"),
        format!("error: the setting `listen` from line 4 of {place} does not parse: `80`"),
        format!("error: {place}: line 5: the preset `acme`: `host`: it is missing"),
    ] {
        assert!(report.contains(&expected), "{expected}\n\n{report}");
    }
    assert_eq!(errors.iter().count(), 5, "{report}");
}

#[test]
fn all_contradictions_are_told_at_once_with_the_places_of_their_settings() {
    let mut sources = Sources::default();
    sources.file("\nlisten = \"0.0.0.0:80\"\nmax_sessions = 0", DESCRIPTIONS).unwrap();
    let errors = Settings::from_sources(&sources).unwrap_err().to_string();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    let place = "(listen = \"0.0.0.0:80\" is from line 2 of the configuration file)";
    assert!(lines[0].contains("`trusted_proxies`") && lines[0].ends_with(place), "{errors}");
    assert!(lines[1].contains("`public_url") && lines[1].ends_with(place), "{errors}");
    assert!(lines[2].contains("`max_sessions` may not be 0 (max_sessions = 0 is"), "{errors}");
}

/// The settings of these variables.
fn environment(pairs: &[(&str, &str)]) -> Result<Sources, SettingsErrors> {
    let mut sources = Sources::default();
    let get = |name: &str| {
        pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| OsString::from(text))
    };
    sources.environment(DESCRIPTIONS, get).map(|()| sources)
}

#[test]
fn variable_may_name_a_file_with_the_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy");
    std::fs::write(&file, "socks5://porter:sesame@10.0.0.1:1080\n").unwrap();
    let file = ("FERRYPORT_PROXY_FILE", file.to_str().unwrap());
    let sources = environment(&[file]).unwrap();
    assert!(Settings::from_sources(&sources).unwrap().proxy.is_some());
    let proxy = DESCRIPTIONS.iter().find(|setting| setting.name == "proxy").unwrap();
    let shown = sources.shown(proxy);
    assert!(shown.toml == "\"********\"", "{shown:?}");
    assert!(shown.place.unwrap().ends_with("proxy, which FERRYPORT_PROXY_FILE names"));

    let missing = environment(&[("FERRYPORT_PROXY_FILE", "/no/such/file")]).unwrap_err();
    assert!(missing.to_string().contains("`proxy`: /no/such/file: it cannot be read"));
    let both = environment(&[file, ("FERRYPORT_PROXY", "http://10.0.0.1:3128")]).unwrap_err();
    assert!(both.to_string().contains("FERRYPORT_PROXY and FERRYPORT_PROXY_FILE"), "{both}");
    // A setting whose own name ends so.
    let certificate = environment(&[("FERRYPORT_TLS_CERTIFICATE_FILE", "/c.pem")]).unwrap();
    let settings = Settings::from_sources(&certificate).unwrap();
    assert_eq!(settings.tls_certificate_file, Some("/c.pem".into()));
}

#[test]
fn variable_of_a_removed_setting_ends_the_start() {
    let removed = environment(&[("FERRYPORT_BEHIND_PROXY", "true")]).unwrap_err();
    assert!(removed.hint().contains("trusted_proxies"), "{removed}");
}

#[test]
fn every_value_is_shown_as_it_can_be_written_in_the_file() {
    for setting in DESCRIPTIONS.iter().filter(|setting| !setting.is_secret) {
        let mut sources = Sources::default();
        let text = format!("{} = {}", setting.name, setting.example);
        sources.file(&text, DESCRIPTIONS).unwrap();
        let again = format!("{} = {}", setting.name, sources.shown(setting).toml);
        let mut read = Sources::default();
        read.file(&again, DESCRIPTIONS).unwrap();
        assert_eq!(read.shown(setting), sources.shown(setting), "{again}");
        let needs_another = NEEDED_BY.iter().any(|(name, ..)| *name == setting.name);
        assert!(Settings::from_sources(&read).is_ok() || needs_another, "{again}");
    }
}
