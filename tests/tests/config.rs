//! `ferryport config`: checks, prints and makes a configuration.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use ferryport_tests::{
    portal_program,
    servers::{self, Kind},
};

/// The exit code for a configuration that cannot be used.
const BAD_CONFIGURATION: Option<i32> = Some(78);

fn ferryport(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(portal_program!())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks nothing may have ended.
    let _ended = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns what a command said about errors.
fn text_of(ended: &Output) -> String {
    text(&ended.stderr)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn start_with_a_bad_configuration_ends_with_all_errors_their_places_and_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferryport.toml");
    fs::write(&file, "max_sesions = 3\nbehind_proxy = true\nlisten = \"0.0.0.0\"\n").unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let ended = ferryport(&[command, &["--config", path(&file)]].concat(), "");
        assert_eq!(ended.status.code(), BAD_CONFIGURATION);
        let told = text(&ended.stderr);
        let place = file.display();
        for expected in [
            format!("line 1 of {place}: `max_sesions` is not a setting"),
            "did you mean `max_sessions`?".to_owned(),
            format!("`behind_proxy` from line 2 of {place} is not a setting any more"),
            "trusted_proxies = [\"127.0.0.1\"]".to_owned(),
            format!("`listen` from line 3 of {place} does not parse: `0.0.0.0`"),
            "listen = \"127.0.0.1:8080\"".to_owned(),
        ] {
            assert!(told.contains(&expected), "{expected}\n\n{told}");
        }
    }
}

#[test]
fn all_files_that_cannot_be_used_are_told_at_once() {
    let arguments = ["--tls-certificate-file", "/no/c.pem", "--ca-file", "/no/ca.pem"];
    for command in [&["serve"][..], &["config", "check"]] {
        let ended = ferryport(&[command, &arguments].concat(), "");
        assert_eq!(ended.status.code(), BAD_CONFIGURATION);
        let told = text(&ended.stderr);
        assert!(told.contains("/no/c.pem") && told.contains("/no/ca.pem"), "{told}");
    }
}

/// What an operator may write wrongly, and the words that tell where and what to write.
#[test]
fn values_that_do_not_parse_and_bad_presets_are_told_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferryport.toml");
    let text = "max_sesions = 3\n\
                listen = \"0.0.0.0\"\n\
                [[preset]]\n\
                name = \"no-host\"\n\
                [[preset]]\n\
                name = \"twice\"\n\
                host = \"a.example\"\n\
                [[preset]]\n\
                name = \"twice\"\n\
                host = \"b.example\"\n\
                [[preset]]\n\
                name = \"unreadable\"\n\
                host = \"c.example\"\n\
                login = \"portal\"\n\
                username = \"u\"\n\
                password_file = \"/no/password\"\n";
    fs::write(&file, text).unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let ended = ferryport(&[command, &["--config", path(&file)]].concat(), "");
        let told = text_of(&ended);
        assert_eq!(ended.status.code(), BAD_CONFIGURATION, "{told}");
        for expected in [
            "line 1 of",
            "did you mean `max_sessions`?",
            "`listen` from line 2",
            "listen = \"127.0.0.1:8080\"",
            "line 3",
            "`host`",
            "twice",
            "/no/password",
        ] {
            assert!(told.contains(expected), "{expected}\n\n{told}");
        }
    }
}

#[test]
fn settings_that_do_not_fit_together_are_told_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferryport.toml");
    let text = "listen = \"0.0.0.0:8443\"\n\
                http_listen = \"0.0.0.0:8080\"\n\
                system_roots = false\n\
                [[preset]]\n\
                name = \"unverified\"\n\
                host = \"ftp.example.org\"\n\
                login = \"portal\"\n\
                username = \"u\"\n\
                password_env = \"FERRYPORT_TEST_PASSWORD\"\n";
    fs::write(&file, text).unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let mut portal = Command::new(portal_program!());
        portal.args(command).args(["--config", path(&file)]);
        let ended = portal.env("FERRYPORT_TEST_PASSWORD", "sesame").output().unwrap();
        let told = text_of(&ended);
        assert_eq!(ended.status.code(), BAD_CONFIGURATION, "{told}");
        for expected in [
            "others could read passwords on the network",
            "`http_listen` is of no use without `acme_domains`",
            "the preset `unverified`: with `login = \"portal\"`",
            "set `pins` or `ca_file`",
        ] {
            assert!(told.contains(expected), "{expected}\n\n{told}");
        }
        assert!(!told.contains("sesame"), "{told}");
    }
}

#[test]
fn check_opens_store_and_keyring_tells_all_at_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [store, keyring] = ["store.db", "keyring"].map(|name| folder.path().join(name));
    let address = format!("sqlite:{}", store.display());
    let check = |further: &[&str]| {
        let flags = ["config", "check", "--store", &address, "--keyring-file", path(&keyring)];
        let ended = ferryport(&[&flags, further].concat(), "");
        (ended.status.code(), text_of(&ended))
    };
    let made = ferryport(&["keys", "new"], "");
    fs::write(&keyring, &made.stdout).unwrap();
    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&store, "no database ".repeat(500)).unwrap();
    let (code, told) = check(&["--ca-file", "/no/ca.pem"]);
    assert_eq!(code, BAD_CONFIGURATION, "{told}");
    for expected in ["`keyring_file`", "chmod 600", "is not a store of Ferryport", "/no/ca.pem"] {
        assert!(told.contains(expected), "{expected}\n\n{told}");
    }

    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&store).unwrap();
    let (code, told) = check(&[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(!store.exists(), "the portal makes it, not the check");

    // An operator gives the keys of another portal.
    let (flags, key) = (["--store", &address, "--keyring-file", path(&keyring)], "--id");
    let listed = ferryport(&[&["keys", "list"], &flags[..]].concat(), "");
    assert!(listed.status.success(), "{}", text_of(&listed));
    let preset = folder.path().join("preset.toml");
    let text = "[[preset]]\nname = \"acme\"\nhost = \"a.example\"\nlogin = \"portal\"\n\
                username = \"u\"\npassword_store = true\n";
    fs::write(&preset, text).unwrap();
    let with_preset = ["--config", path(&preset)];
    let (code, told) = check(&with_preset);
    assert_eq!(code, BAD_CONFIGURATION, "{told}");
    assert!(told.contains("ferryport preset set-password acme"), "{told}");
    let set = [&["preset", "set-password", "acme"], &flags[..], &with_preset].concat();
    let set = ferryport(&set, "sesame\n");
    assert!(set.status.success(), "{}", text_of(&set));
    let (code, told) = check(&with_preset);
    assert_eq!(code, Some(0), "{told}");
    let other = ferryport(&["keys", "new", key, "other"], "");
    fs::write(&keyring, &other.stdout).unwrap();
    let (code, told) = check(&[]);
    assert_eq!(code, BAD_CONFIGURATION, "{told}");
    assert!(told.contains("the keyring lacks keys"), "{told}");
}

#[test]
fn check_tells_a_store_that_does_not_answer_from_a_bad_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring");
    fs::write(&keyring, ferryport(&["keys", "new"], "").stdout).unwrap();
    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o600)).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = format!("postgres://u:sesame@{closed}/ferryport");
    let flags = ["config", "check", "--store", &store, "--keyring-file", path(&keyring)];
    let ended = ferryport(&flags, "");
    let told = text_of(&ended);
    assert_eq!(ended.status.code(), Some(75), "{told}");
    assert!(told.contains("cannot be reached") && !told.contains("sesame"), "{told}");
    let ended = ferryport(&[&flags[..], &["--ca-file", "/no/ca.pem"]].concat(), "");
    assert_eq!(ended.status.code(), BAD_CONFIGURATION, "another start fails in the same way");
}

#[test]
fn printed_configuration_can_be_used_and_hides_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = folder.path().join("proxy");
    fs::write(&proxy, "socks5://porter:sesame@127.0.0.1:1080\n").unwrap();
    let printed = Command::new(portal_program!())
        .args(["config", "print", "--given", "--max-sessions", "7"])
        .env("FERRYPORT_PROXY_FILE", &proxy)
        .output()
        .unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let printed = text(&printed.stdout);
    assert!(printed.contains("max_sessions = 7  # the flag --max-sessions"), "{printed}");
    assert!(printed.contains("which FERRYPORT_PROXY_FILE names"), "{printed}");
    assert!(printed.contains("proxy = \"********\"") && !printed.contains("sesame"), "{printed}");
}

#[test]
fn made_configuration_starts_a_portal_and_its_unit_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let [config, unit] = ["f.toml", "f.service"].map(|name| folder.path().join(name));
    let arguments = ["config", "init", "--config", path(&config), "--unit", path(&unit)];
    let answers = "https://up.example.com/in\nproxy\n\nftp.example.org\nacme\n\n\n\n";
    let made = ferryport(&arguments, answers);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(fs::read_to_string(&unit).unwrap().contains(path(&config)));
    let checked = ferryport(&["config", "check", "--config", path(&config)], "");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let again = ferryport(&arguments, answers);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is not overwritten"), "{}", text(&again.stderr));
}

#[test]
fn online_check_tells_which_servers_can_be_used_and_why_not() {
    let server = servers::start(Kind::PureFtpd);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferryport.toml");
    let pin = server.certificate_sha256();
    let other_pin = "0".repeat(64);
    let open = server.address().port();
    let preset = |name: &str, port: u16, rest: &str| {
        format!("[[preset]]\nname = \"{name}\"\nhost = \"127.0.0.1\"\nport = {port}\n{rest}\n")
    };
    let check = |presets: &[String]| {
        fs::write(&file, presets.concat()).unwrap();
        let checked = ferryport(&["config", "check", "--online", "--config", path(&file)], "");
        (checked.status.code(), text(&checked.stdout))
    };
    let pinned = preset("pinned", open, &format!("pins = [\"{pin}\"]"));
    let asked = preset("asked", open, "");
    let (code, told) = check(&[pinned.clone(), asked.clone()]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("preset `pinned`: works: TLS 1."), "{told}");
    assert!(told.contains("preset `asked`: works: each user is asked"), "{told}");

    let other = preset("other", open, &format!("pins = [\"{other_pin}\"]"));
    let absent = preset("absent", closed.port(), "");
    let (code, told) = check(&[pinned, other, absent]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("preset `pinned`: works"), "{told}");
    for name in ["other", "absent"] {
        assert!(told.contains(&format!("preset `{name}`: fails: ")), "{told}");
    }
    assert!(told.contains("hint: "), "{told}");
}
