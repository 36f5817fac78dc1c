use super::*;

/// What a text gives: host, port, user name, password, folder.
type Read<'a> = (&'a str, Option<u16>, Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn assert_reads(mail: &str, (host, port, username, password, folder): Read<'_>) {
    let address = read(mail).unwrap_or_else(|| panic!("nothing in {mail}"));
    assert_eq!(address.host, host, "{mail}");
    assert_eq!(address.port, port, "{mail}");
    assert_eq!(address.username.as_deref(), username, "{mail}");
    let read = address.password.as_ref().map(Secret::expose);
    assert_eq!(read, password, "{mail}");
    assert_eq!(address.folder.as_deref(), folder, "{mail}");
}

/// Mails and pages as hosters, panels and colleagues write them.
const MAILS: [(&str, Read<'static>); 22] = [
    (
        "Hello,\nplease upload the invoices to our FTP:\n\nServer: ftp.example.com\nUsername: acme\nPassword: s3cr%t:1\n\nKind regards,\nBob",
        ("ftp.example.com", None, Some("acme"), Some("s3cr%t:1"), None),
    ),
    (
        "Server: ftp.example.com, Benutzername: xy, Passwort: ab,c",
        ("ftp.example.com", None, Some("xy"), Some("ab,c"), None),
    ),
    (
        "Sehr geehrte Frau Maier,\n\nhier Ihre Zugangsdaten:\n\nFTP-Server:\tftp.kunde.de\nBenutzername:\tweb12_upload\nKennwort:\tGeh3im!x\nPort:\t21\nVerzeichnis:\t/eingang\n\nMit freundlichen Grüßen",
        ("ftp.kunde.de", Some(21), Some("web12_upload"), Some("Geh3im!x"), Some("/eingang")),
    ),
    // cPanel.
    (
        "FTP Username: upload@example.com\nFTP server: ftp.example.com\nFTP & explicit FTPS port:  21\nPassword: Qw;er7y",
        ("ftp.example.com", Some(21), Some("upload@example.com"), Some("Qw;er7y"), None),
    ),
    // A welcome mail of cPanel, with much that is not FTP.
    (
        "Domain: example.com\nUsername: exampl3\nPassword: hunter2\nControl Panel URL: https://example.com:2083\n\nFTP Hostname: ftp.example.com\nFTP Webpage Upload Directory: public_html\n\nNameserver 1: ns1.host.example (192.0.2.1)\nIncoming Mail Server: mail.example.com\nMail server username: info@example.com",
        ("ftp.example.com", None, Some("exampl3"), Some("hunter2"), None),
    ),
    // FileZilla's site manager.
    (
        "Host: ftp.example.org\nPort: 990\nProtocol: FTP - File Transfer Protocol\nEncryption: Require implicit FTP over TLS\nLogon Type: Normal\nUser: anna\nPassword: pa ss",
        ("ftp.example.org", Some(990), Some("anna"), None, None),
    ),
    // Plesk.
    (
        "Der FTP-Zugang wurde eingerichtet.\nHost (FTP): 192.0.2.7\nFTP-Benutzername: kunde_a\nFTP-Passwort: Xy12-3\nPassive Ports: 49152-65535",
        ("192.0.2.7", None, Some("kunde_a"), Some("Xy12-3"), None),
    ),
    // Strato.
    (
        "Server: ssh.strato.de\nFTP-Server: ftp.strato.de\nBenutzername: ftp_drop@example.de\nPasswort: *********",
        ("ftp.strato.de", None, Some("ftp_drop@example.de"), None, None),
    ),
    // IONOS, copied from the page: each value below its label.
    (
        "Server\naccess123.webspace-data.io\nPort\n22\nProtokoll\nSFTP\nBenutzername\nu1234-upload\nPasswort\nPasswort anzeigen",
        ("access123.webspace-data.io", None, Some("u1234-upload"), None, None),
    ),
    (
        "Bonjour,\nVoici vos accès :\nServeur FTP : ftp.exemple.fr\nIdentifiant : client42\nMot de passe : Abc!9\nDossier : depot",
        ("ftp.exemple.fr", None, Some("client42"), Some("Abc!9"), Some("depot")),
    ),
    (
        "Hôte : ftp.exemple.fr\nPort : 21\nNom d’utilisateur : jean\nMot de passe : communiqué par téléphone",
        ("ftp.exemple.fr", Some(21), Some("jean"), None, None),
    ),
    (
        "Estimado cliente:\nServidor: ftp.ejemplo.es\nUsuario: empresa\nContraseña: Clave-2026\nPuerto: 2121\nCarpeta: /facturas",
        ("ftp.ejemplo.es", Some(2121), Some("empresa"), Some("Clave-2026"), Some("/facturas")),
    ),
    (
        "Nombre de host: ftp.ejemplo.es | Usuario: ana | Contraseña: x9",
        ("ftp.ejemplo.es", None, Some("ana"), Some("x9"), None),
    ),
    (
        "You can upload here: ftps://bob:p%40ss@files.example.com:2121/in/2026.\nThanks!",
        ("files.example.com", Some(2121), Some("bob"), Some("p@ss"), Some("in/2026")),
    ),
    (
        "Bitte laden Sie die Dateien auf ftp.example.de hoch.\nLogin: gast\nPasswort: gast123",
        ("ftp.example.de", None, Some("gast"), Some("gast123"), None),
    ),
    (
        "sftp://drop@files.example.com:22/incoming\nPassword: k9",
        ("files.example.com", None, Some("drop"), Some("k9"), Some("incoming")),
    ),
    (
        "FTP account: reports\nFTP host: ftp.example.com:2121\nPath: /var/ftp/reports",
        ("ftp.example.com", Some(2121), Some("reports"), None, None),
    ),
    // Two accounts: which one is meant is not certain, the server is.
    (
        "Server: ftp.example.com\nUser: test\nPassword: a\n\nUser: live\nPassword: b",
        ("ftp.example.com", None, None, None, None),
    ),
    // The full stop may end the sentence.
    (
        "Der Server ist ftp.example.de, Benutzer: nina, Passwort: Blau7.",
        ("ftp.example.de", None, Some("nina"), None, None),
    ),
    (
        "> Host = upload.example.net\n> User = acme\n> Pass = tr0ub4dor\n> Please change your password\n> Thanks",
        ("upload.example.net", None, Some("acme"), Some("tr0ub4dor"), None),
    ),
    (
        "Datenbank-Server: db1.example.de\nDatenbank-Benutzer: dbu\nDatenbank-Passwort: dbp\nFTP-Server: ftp1.example.de\nFTP-Login: f1\nFTP-Passwort: fp",
        ("ftp1.example.de", None, Some("f1"), Some("fp"), None),
    ),
    (
        "Username: carla\nPassword: (sent by SMS)\nHost: localhost",
        ("", None, Some("carla"), None, None),
    ),
];

#[test]
fn mails_with_credentials_are_read_and_what_is_uncertain_is_left_out() {
    for (mail, wanted) in MAILS {
        assert_reads(mail, wanted);
        assert_reads(&mail.replace('\n', "\r\n"), wanted);
    }
}

#[test]
fn mails_say_which_encryption_is_wanted() {
    for (line, wanted) in [
        ("Encryption: Require implicit FTP over TLS", Some(Encryption::Implicit)),
        ("Verschlüsselung: Explizites FTP über TLS", Some(Encryption::Explicit)),
        ("Chiffrement : TLS", None),
    ] {
        let read = read(&format!("Server: ftp.example.com\n{line}")).unwrap();
        assert_eq!(read.encryption, wanted, "{line}");
    }
}

#[test]
fn texts_without_a_server_or_a_user_give_nothing() {
    for text in [
        "",
        "Dear Sir or Madam,\nplease find attached our invoice.\nKind regards",
        "Change your password\nThanks",
        "Mail server: mail.example.com\nNameserver: ns1.example.com",
        "Our server is down: we are sorry.",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_pasted_stops_the_page(
        text in "([a-zA-Zäß:=,;|/@.\t\n \u{a0}]{0,20}(Server|Passwort|User|Port)[:= \n]{0,3}){0,4}"
    ) {
        if let Some(read) = read(&text) {
            proptest::prop_assert!(crate::address::host(&read.host).is_some());
        }
    }
}
