//! `ferryport drop`: what it makes, shows and refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, process::Command};

use ferryport_tests::{
    drop_site::DropSite,
    guest::Link,
    portal_program,
    servers::{self, Kind},
};

fn refused(site: &DropSite, arguments: &[&str]) -> String {
    let output = site.drop(arguments);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_drop_is_made_listed_extended_linked_and_withdrawn() {
    let server = servers::start(Kind::PureFtpd);
    let site = DropSite::new(portal_program!(), &server, None, "");
    let always = ["create", "--preset", "site", "--title", "Tax papers 2026"];
    let printed = site.told(&[&always[..], &["--max-files", "20", "--max-bytes", "5GiB"]].concat());
    assert!(printed.starts_with("https://up.example.com/in/d/"), "{printed}");
    let link = Link::parse(&printed);
    let json = site.told(&[&always[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let other = Link::parse(json["link"].as_str().unwrap());
    assert_eq!(json["id"], other.id.as_str());
    let coded = site.told(&["link", &link.id, "--qr"]);
    assert!(coded.starts_with(&printed) && coded.contains('\u{2584}'), "{coded}");

    let listed = site.told(&["list"]);
    assert!(listed.contains(&link.id) && listed.contains("0 of 20 files"), "{listed}");
    assert!(!listed.contains(&link.secret), "{listed}");
    let shown = site.told(&["show", &link.id]);
    assert!(
        shown.contains("{date} {name}-{arrival}") && shown.contains("0 B of 5.0 GiB"),
        "{shown}"
    );
    let extended = site.told(&["extend", &link.id, "--expires", "2099-12-31"]);
    assert!(extended.contains("until 2099-12-31T00:00:00Z"), "{extended}");
    let _told = site.told(&["revoke", &link.id]);
    assert!(!site.told(&["list"]).contains(&link.id));
    let all = site.told(&["list", "--all", "--json"]);
    assert!(all.contains(&link.id) && all.contains("withdrawn"), "{all}");
    let refused = refused(&site, &["extend", &link.id, "--expires", "30d"]);
    assert!(refused.contains("was withdrawn"), "{refused}");
    assert_eq!(site.told(&["arrivals", &other.id]), "nothing has arrived\n");
}

#[test]
fn each_wrong_option_and_each_missing_setting_is_named_with_what_to_write() {
    let server = servers::start(Kind::PureFtpd);
    let site = DropSite::new(portal_program!(), &server, None, "");
    let with = |options: &[&str]| {
        let always = ["create", "--preset", "site", "--title", "t"];
        refused(&site, &[&always[..], options].concat())
    };
    for (options, expected) in [
        (&["--folder", "../x"][..], "`--folder`"),
        (&["--folder", "{nmae}"], "did you mean `{name}`?"),
        (&["--expires", "2020-01-01"], "write a time from now like `14d`"),
        (&["--max-files", "0"], "`--max-files`"),
        (&["--max-bytes", "lots"], "like `5 GiB`"),
        (&["--types", "p/df"], "write endings like `pdf,jpg`"),
        (&["--ask", "order"], "needs a text"),
        (&["--password-file", "/nowhere"], "/nowhere cannot be read"),
    ] {
        let said = with(options);
        assert!(said.contains(expected), "{options:?}: {said}");
    }
    let said = refused(&site, &["create", "--preset", "stie", "--title", "t"]);
    assert!(said.contains("no preset `stie`") && said.contains("are: site"), "{said}");
    for command in [&["show", "x"][..], &["revoke", "x"], &["link", "x"], &["arrivals", "x"]] {
        assert!(refused(&site, command).contains("no drop x"), "{command:?}");
    }

    let config = site.folder().join("other.toml");
    for (text, expected) in [
        ("", "`public_url`"),
        ("public_url = \"https://h\"\n[[preset]]\nname = \"site\"\nhost = \"h\"", "`drops = true`"),
        ("public_url = \"https://h\"\n", "no preset `site`"),
    ] {
        fs::write(&config, text).unwrap();
        let output = Command::new(portal_program!())
            .args(["drop", "create", "--preset", "site", "--title", "t", "--config"])
            .arg(&config)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{text}: {said}");
    }
}
