use super::*;
use crate::settings::{DESCRIPTIONS, Settings, SettingsErrors, Sources};

const PIN: &str = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";

fn settings(text: &str) -> Result<Settings, SettingsErrors> {
    let mut sources = Sources::default();
    sources.file(text, DESCRIPTIONS)?;
    Settings::from_sources(&sources)
}

fn preset(keys: &str) -> Result<Preset, SettingsErrors> {
    let settings = settings(&format!("[[preset]]\nname = \"acme\"\n{keys}\n"))?;
    Ok(settings.presets[0].clone())
}

/// The error about a preset of these keys, with its hint.
fn error(keys: &str) -> String {
    let error = preset(keys).unwrap_err();
    format!("{error}\n{}", error.hint())
}

#[test]
fn preset_of_a_host_has_the_usual_values_else() {
    let preset = preset("host = \"ftp.acme.example\"").unwrap();
    assert_eq!((preset.title.as_str(), preset.port), ("acme", 21));
    assert_eq!(preset.encryption, Encryption::Explicit);
    assert!(matches!(&preset.login, PresetLogin::Person { username } if username.is_empty()));
    let implicit = self::preset("host = \"h\"\nencryption = \"implicit\"").unwrap();
    assert_eq!(implicit.port, 990);
}

#[test]
fn every_key_of_a_preset_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "s3same\n").unwrap();
    let keys: String = KEYS
        .iter()
        .filter(|(key, _)| !matches!(*key, "name" | "password_env" | "password_store"))
        // Those of drops need more settings, and have a test of their own.
        .filter(|(key, _)| !matches!(*key, "drops" | "web_root" | "check_content"))
        .map(|(key, example)| match *key {
            "password_file" => format!("password_file = \"{}\"\n", file.display()),
            _ => format!("{example}\n"),
        })
        .collect();
    let preset = preset(&keys).unwrap();
    assert_eq!((preset.title.as_str(), preset.folder.as_str()), ("ACME intake", "incoming"));
    assert_eq!((preset.username(), preset.port), ("intake", 21));
    assert_eq!(preset.trust.pins, [PIN.parse().unwrap()]);
    assert_eq!(preset.trust.ca_file, [PathBuf::from("/etc/ferryport/acme-ca.pem")]);
    assert_eq!(preset.trust.tls_min, Some(TlsVersion::Tls13));
    assert!(matches!(preset.login, PresetLogin::Portal(_)));
    assert!(!format!("{preset:?}").contains("s3same"));
}

#[test]
fn secret_is_a_line_of_a_file_or_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let file = folder.path().join("password");
        fs::write(&file, text).unwrap();
        secret_of_file(file.to_str().unwrap())
    };
    for text in ["s3same", "s3same\n", "s3same\r\n"] {
        assert!(write(text).is_ok(), "{text:?}");
    }
    for text in ["", "\n", "two\nlines", "two\n\n"] {
        assert!(write(text).is_err(), "{text:?}");
    }
    assert!(secret_of(Some("s3same".into())).is_ok());
    assert!(secret_of(None).unwrap_err().contains("no such variable"));
}

#[test]
fn each_bad_value_is_named_with_its_line_and_an_example() {
    for (key, value, reason) in [
        ("title", "\"two\\nlines\"", "one line"),
        ("protocol", "\"sftp\"", "`ftps`"),
        ("port", "0", "from 1 to 65535"),
        ("port", "70000", "from 1 to 65535"),
        ("encryption", "\"none\"", "`explicit` or `implicit`"),
        ("folder", "\"../up\"", "without `..`"),
        ("login", "\"nobody\"", "`person` or `portal`"),
        ("username", "\"\"", "empty"),
        ("pins", "[\"cafe\"]", ""),
        ("tls_min", "\"1.1\"", "`1.2` or `1.3`"),
        ("password_file", "\"/no/such/file\"", "cannot be read"),
        ("password_env", "\"FERRYPORT_NO_SUCH_VARIABLE\"", "no such variable"),
        ("ca_file", "{ a = 1 }", "a table stands where a value belongs"),
    ] {
        let said = error(&format!("host = \"h\"\n{key} = {value}"));
        let place = format!("line 4: the preset `acme`: `{key}` = `");
        assert!(said.starts_with(&place) && said.contains(reason), "{said}");
        assert!(said.contains(&format!("write it like this: {key} = ")), "{said}");
    }
}

#[test]
fn missing_name_and_host_are_named_with_the_line_of_their_preset() {
    let error = settings("# one\n[[preset]]\ntitle = \"x\"\n").unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "line 2: the preset number 1: `name`: it is missing",
            "line 2: the preset number 1: `host`: it is missing"
        ]
    );
}

#[test]
fn name_has_only_characters_that_the_form_and_links_carry() {
    for name in ["", "ACME", "a b", "a/b", "a:1", "acme.", &"a".repeat(65)] {
        let text = format!("[[preset]]\nname = \"{name}\"\nhost = \"h\"\n");
        let said = settings(&text).unwrap_err().to_string();
        assert!(said.contains("small letters, digits and hyphens"), "{said}");
    }
}

#[test]
fn unknown_key_is_refused_with_the_nearest_one() {
    let said = error("host = \"h\"\nusernane = \"x\"");
    assert!(said.contains("line 4") && said.contains("did you mean `username`?"), "{said}");
    let said = error("host = \"h\"\npasword = \"s3same\"");
    assert!(said.contains("`pasword`") && !said.contains("s3same"), "{said}");
    let said = error("host = \"h\"\nzzz = 1");
    assert!(said.contains("a preset has no such key") && !said.contains("mean"), "{said}");
}

#[test]
fn two_presets_may_not_have_one_name() {
    let one = "[[preset]]\nname = \"acme\"\nhost = \"h\"\n";
    let said = settings(&one.repeat(2)).unwrap_err().to_string();
    assert_eq!(said, "line 5: the preset `acme`: `name` = `acme`: another preset has this name");
}

#[test]
fn portal_needs_username_and_password_and_a_person_no_password() {
    let said = error("host = \"h\"\nlogin = \"portal\"");
    assert!(said.contains("cannot log in without a username"), "{said}");
    let said = error("host = \"h\"\nlogin = \"portal\"\nusername = \"u\"");
    assert!(said.contains("set `password_file`, `password_env` or `password_store`"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "s3same").unwrap();
    let file = format!("host = \"h\"\nusername = \"u\"\npassword_file = \"{}\"", file.display());
    let said = error(&file);
    assert!(said.contains("set `login = \"portal\"`") && !said.contains("s3same"), "{said}");
}

#[test]
fn password_in_the_store_needs_a_store_and_is_the_only_one() {
    let keys = "host = \"h\"\nlogin = \"portal\"\nusername = \"u\"\npassword_store = true";
    let said = error(keys);
    assert!(said.contains("`password_store` needs the setting `store`"), "{said}");
    let stored = settings(&format!(
        "store = \"sqlite:/f.db\"\nkeyring_file = \"/k\"\n[[preset]]\nname = \"acme\"\n{keys}\n"
    ));
    let login = &stored.unwrap().presets[0].login;
    assert!(matches!(login, PresetLogin::PortalFromStore { username } if username.as_str() == "u"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "s3same").unwrap();
    let said = error(&format!("{keys}\npassword_file = \"{}\"", file.display()));
    assert!(said.contains("has another password already"), "{said}");
}

#[test]
fn drops_need_a_login_of_the_portal_a_store_and_a_public_address() {
    let said = error("host = \"h\"\ndrops = true");
    for needed in ["`login = \"portal\"`", "the setting `store`", "the setting `public_url`"] {
        assert!(said.contains(&format!("the preset `acme`: `drops` needs {needed}")), "{said}");
    }
    let said = error("host = \"h\"\nweb_root = false");
    assert!(said.contains("no use without `drops = true`"), "{said}");
    let with = |further: &str| {
        let all = settings(&format!(
            "store = \"sqlite:/f.db\"\nkeyring_file = \"/k\"\npublic_url = \"https://h\"\n[[preset]]\n\
             name = \"acme\"\nhost = \"h\"\nlogin = \"portal\"\nusername = \"u\"\n\
             password_store = true\ndrops = true\n{further}"
        ));
        all.unwrap().presets[0].drops.unwrap()
    };
    let strict = with("");
    assert!(strict.web_root && strict.check_content, "what is unknown is refused");
    let lenient = with("web_root = false\ncheck_content = false");
    assert!(!lenient.web_root && !lenient.check_content);
}

#[test]
fn portal_that_can_verify_no_certificate_does_not_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "s3same").unwrap();
    let with = |further: &str| {
        settings(&format!(
            "system_roots = false\n[[preset]]\nname = \"acme\"\nhost = \"h\"\n\
             login = \"portal\"\nusername = \"u\"\npassword_file = \"{}\"\n{further}\n",
            file.display()
        ))
    };
    let said = with("").unwrap_err().to_string();
    assert!(said.contains("the preset `acme`") && said.contains("set `pins`"), "{said}");
    assert!(with(&format!("pins = [\"{PIN}\"]")).is_ok());
    assert!(with("ca_file = \"/ca.pem\"").is_ok());
}

#[test]
fn tls_version_of_a_preset_is_not_newer_than_the_newest_of_the_portal() {
    let text = "tls_max = \"1.2\"\n[[preset]]\nname = \"a\"\nhost = \"h\"\ntls_min = \"1.3\"\n";
    let said = settings(text).unwrap_err().to_string();
    assert!(said.contains("the preset `a`: its `tls_min`"), "{said}");
}

#[test]
fn lists_of_hosts_are_refused_beside_presets() {
    for name in ["allow_host", "deny_host"] {
        let text = format!("{name} = [\"x\"]\n[[preset]]\nname = \"a\"\nhost = \"h\"\n");
        let said = settings(&text).unwrap_err().to_string();
        assert!(said.contains(&format!("`{name}` is of no use beside `[[preset]]`")), "{said}");
    }
}

#[test]
fn preset_is_an_array_of_tables() {
    let said = settings("preset = \"acme\"").unwrap_err().to_string();
    assert!(said.contains("line 1") && said.contains("`[[preset]]`"), "{said}");
}
