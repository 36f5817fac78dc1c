//! Tests of the table of settings.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use super::*;

fn with(name: &'static str, text: &str) -> Result<Settings, SettingsError> {
    let mut sources = Sources::default();
    sources.flag(name, text.to_owned());
    Settings::from_sources(&sources)
}

#[test]
fn every_default_and_every_example_parses() {
    Settings::defaults().unwrap();
    for row in DESCRIPTIONS {
        let mut sources = Sources::default();
        sources.file(&format!("{} = {}", row.name, row.example), DESCRIPTIONS).unwrap();
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
    for (name, text) in [("behind_proxy", "true"), ("tls_certificate_file", "/fullchain.pem")] {
        let mut sources = Sources::default();
        sources.flag("listen", "0.0.0.0:8080".into());
        sources.flag(name, text.into());
        assert!(Settings::from_sources(&sources).is_err(), "the origin has to be named");
        sources.flag("origins", "https://up.example.com".into());
        assert!(Settings::from_sources(&sources).is_ok(), "{name}");
    }
}

#[test]
fn page_of_a_portal_with_a_certificate_is_opened_over_https() {
    let origins = with("tls_certificate_file", "/fullchain.pem").unwrap().page_origins(8443);
    assert!(origins.iter().all(|origin| origin.as_str().starts_with("https://")));
    assert!(origins.iter().any(|origin| origin.as_str() == "https://localhost:8443"));
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
