//! A pasted message with credentials, as the page's script reads it in a headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{browser::Page, portal, user::WIDE};
use serde_json::{Map, Value, json};

/// What a text gives, by the names of a link's parts. The host may be an address.
type Parts = &'static [(&'static str, &'static str)];

/// Mails and pages as hosters, panels and colleagues write them.
const MAILS: [(&str, Parts); 22] = [
    (
        "Hello,\nplease upload the invoices to our FTP:\n\nServer: ftp.example.com\nUsername: acme\nPassword: s3cr%t:1\n\nKind regards,\nBob",
        &[("host", "ftp.example.com"), ("user", "acme"), ("password", "s3cr%t:1")],
    ),
    (
        "Server: ftp.example.com, Benutzername: xy, Passwort: ab,c",
        &[("host", "ftp.example.com"), ("user", "xy"), ("password", "ab,c")],
    ),
    (
        "Sehr geehrte Frau Maier,\n\nhier Ihre Zugangsdaten:\n\nFTP-Server:\tftp.kunde.de\nBenutzername:\tweb12_upload\nKennwort:\tGeh3im!x\nPort:\t21\nVerzeichnis:\t/eingang\n\nMit freundlichen Grüßen",
        &[
            ("host", "ftp.kunde.de"),
            ("port", "21"),
            ("user", "web12_upload"),
            ("password", "Geh3im!x"),
            ("path", "/eingang"),
        ],
    ),
    (
        "FTP Username: upload@example.com\nFTP server: ftp.example.com\nFTP & explicit FTPS port:  21\nPassword: Qw;er7y",
        &[
            ("host", "ftp.example.com"),
            ("port", "21"),
            ("user", "upload@example.com"),
            ("password", "Qw;er7y"),
        ],
    ),
    (
        "Domain: example.com\nUsername: exampl3\nPassword: hunter2\nControl Panel URL: https://example.com:2083\n\nFTP Hostname: ftp.example.com\nFTP Webpage Upload Directory: public_html\n\nNameserver 1: ns1.host.example (192.0.2.1)\nIncoming Mail Server: mail.example.com\nMail server username: info@example.com",
        &[("host", "ftp.example.com"), ("user", "exampl3"), ("password", "hunter2")],
    ),
    (
        "Host: ftp.example.org\nPort: 990\nProtocol: FTP - File Transfer Protocol\nEncryption: Require implicit FTP over TLS\nLogon Type: Normal\nUser: anna\nPassword: pa ss",
        &[("host", "ftp.example.org"), ("port", "990"), ("user", "anna")],
    ),
    (
        "Der FTP-Zugang wurde eingerichtet.\nHost (FTP): 192.0.2.7\nFTP-Benutzername: kunde_a\nFTP-Passwort: Xy12-3\nPassive Ports: 49152-65535",
        &[("host", "192.0.2.7"), ("user", "kunde_a"), ("password", "Xy12-3")],
    ),
    (
        "Server: ssh.strato.de\nFTP-Server: ftp.strato.de\nBenutzername: ftp_drop@example.de\nPasswort: *********",
        &[("host", "ftp.strato.de"), ("user", "ftp_drop@example.de")],
    ),
    (
        "Server\naccess123.webspace-data.io\nPort\n22\nProtokoll\nSFTP\nBenutzername\nu1234-upload\nPasswort\nPasswort anzeigen",
        &[("host", "access123.webspace-data.io"), ("user", "u1234-upload")],
    ),
    (
        "Bonjour,\nVoici vos accès :\nServeur FTP : ftp.exemple.fr\nIdentifiant : client42\nMot de passe : Abc!9\nDossier : depot",
        &[
            ("host", "ftp.exemple.fr"),
            ("user", "client42"),
            ("password", "Abc!9"),
            ("path", "depot"),
        ],
    ),
    (
        "Hôte : ftp.exemple.fr\nPort : 21\nNom d’utilisateur : jean\nMot de passe : communiqué par téléphone",
        &[("host", "ftp.exemple.fr"), ("port", "21"), ("user", "jean")],
    ),
    (
        "Estimado cliente:\nServidor: ftp.ejemplo.es\nUsuario: empresa\nContraseña: Clave-2026\nPuerto: 2121\nCarpeta: /facturas",
        &[
            ("host", "ftp.ejemplo.es"),
            ("port", "2121"),
            ("user", "empresa"),
            ("password", "Clave-2026"),
            ("path", "/facturas"),
        ],
    ),
    (
        "Nombre de host: ftp.ejemplo.es | Usuario: ana | Contraseña: x9",
        &[("host", "ftp.ejemplo.es"), ("user", "ana"), ("password", "x9")],
    ),
    (
        "You can upload here: ftps://bob:p%40ss@files.example.com:2121/in/2026.\nThanks!",
        &[("host", "ftps://bob:p%40ss@files.example.com:2121/in/2026")],
    ),
    (
        "Bitte laden Sie die Dateien auf ftp.example.de hoch.\nLogin: gast\nPasswort: gast123",
        &[("host", "ftp.example.de"), ("user", "gast"), ("password", "gast123")],
    ),
    (
        "sftp://drop@files.example.com:22/incoming\nPassword: k9",
        &[("host", "sftp://drop@files.example.com:22/incoming"), ("password", "k9")],
    ),
    (
        "FTP account: reports\nFTP host: ftp.example.com:2121\nPath: /var/ftp/reports",
        &[("host", "ftp.example.com:2121"), ("user", "reports")],
    ),
    (
        "Server: ftp.example.com\nUser: test\nPassword: a\n\nUser: live\nPassword: b",
        &[("host", "ftp.example.com")],
    ),
    (
        "Der Server ist ftp.example.de, Benutzer: nina, Passwort: Blau7.",
        &[("host", "ftp.example.de"), ("user", "nina")],
    ),
    (
        "> Host = upload.example.net\n> User = acme\n> Pass = tr0ub4dor\n> Please change your password\n> Thanks",
        &[("host", "upload.example.net"), ("user", "acme"), ("password", "tr0ub4dor")],
    ),
    (
        "Datenbank-Server: db1.example.de\nDatenbank-Benutzer: dbu\nDatenbank-Passwort: dbp\nFTP-Server: ftp1.example.de\nFTP-Login: f1\nFTP-Passwort: fp",
        &[("host", "ftp1.example.de"), ("user", "f1"), ("password", "fp")],
    ),
    ("Username: carla\nPassword: (sent by SMS)\nHost: localhost", &[("user", "carla")]),
];

/// Lines below a server, and the encryption that they ask for.
const ENCRYPTIONS: [(&str, Option<&str>); 3] = [
    ("Encryption: Require implicit FTP over TLS", Some("implicit")),
    ("Verschlüsselung: Explizites FTP über TLS", Some("explicit")),
    ("Chiffrement : TLS", None),
];

/// Texts that name neither a server nor a user.
const OTHERS: [&str; 5] = [
    " ",
    "Dear Sir or Madam,\nplease find attached our invoice.\nKind regards",
    "Change your password\nThanks",
    "Mail server: mail.example.com\nNameserver: ns1.example.com",
    "Our server is down: we are sorry.",
];

/// Returns what the page's script reads.
async fn read(page: &Page, text: &str) -> Value {
    page.run(&format!(
        "import(new URL(document.querySelector('[data-login-mail]').dataset.loginMail, document.baseURI))
            .then(({{ read }}) => read({}))",
        json!(text)
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_with_credentials_are_read_and_what_is_uncertain_is_left_out() {
    let portal = portal!();
    let page = Page::open(&portal.url(), WIDE).await;
    page.find("button", "Connect").await;
    for (mail, parts) in MAILS {
        let wanted: Map<_, _> =
            parts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        for text in [mail.to_owned(), mail.replace('\n', "\r\n")] {
            let mut read = read(&page, &text).await;
            read.as_object_mut().unwrap().remove("encryption");
            assert_eq!(read, Value::Object(wanted.clone()), "{mail}");
        }
    }
    for (line, wanted) in ENCRYPTIONS {
        let read = read(&page, &format!("Server: ftp.example.com\n{line}")).await;
        assert_eq!(read.get("encryption"), wanted.map(|wanted| json!(wanted)).as_ref(), "{line}");
    }
    for text in OTHERS {
        assert_eq!(read(&page, text).await, json!({}), "{text}");
    }
    page.finish().await;
}
