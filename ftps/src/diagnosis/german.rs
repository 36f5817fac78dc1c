//! The texts of `advice` in German. `{port}` stands in the dative: "Port 21", "dem Port".

use super::Cause;

impl Cause {
    /// What it means, and what to do.
    pub(super) fn german(self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidHost => (
                "Der Host ist weder ein Name noch eine Adresse.",
                "Geben Sie den Host so ein, wie Ihr Anbieter ihn nennt, ohne ftp:// und ohne Pfad.",
            ),
            Self::ConnectionRefused => (
                "An {port} antwortet kein Dienst.",
                "Prüfen Sie Host und Port: üblich sind 21 für explizites und 990 für implizites TLS.",
            ),
            Self::Unreachable => (
                "Kein Weg führt zum Server.",
                "Prüfen Sie den Host; ein Server in einer Firma braucht vielleicht deren VPN. Stimmt er, fragen Sie, wer das Netz betreibt.",
            ),
            Self::NoAnswer => (
                "Der Server antwortet nicht an {port}: die Adresse ist falsch, der Server aus, oder eine Firewall verwirft die Verbindung.",
                "Prüfen Sie Host und Port, dann fragen Sie, wer den Server betreibt.",
            ),
            Self::SilentServer => (
                "Der Server nimmt die Verbindung an {port} an und sagt nichts.",
                "Prüfen Sie den Port. Stimmt er, versuchen Sie es später noch einmal: vielleicht ist der Server überlastet.",
            ),
            Self::SshServer => (
                "An {port} antwortet ein SSH-Server. Er bietet vielleicht SFTP, das ist ein anderes Protokoll.",
                "Geben Sie den Port des FTPS-Servers ein, meist 21 oder 990. Bietet Ihr Anbieter nur SFTP, brauchen Sie dafür ein anderes Programm.",
            ),
            Self::HttpServer => (
                "An {port} antwortet ein Webserver.",
                "Geben Sie den Port des FTPS-Servers ein, meist 21 oder 990.",
            ),
            Self::NotFtp => (
                "Was an {port} antwortet, spricht kein FTP.",
                "Prüfen Sie Host und Port: üblich sind 21 für explizites und 990 für implizites TLS.",
            ),
            Self::ImplicitTlsExpected => (
                "Der Server an {port} erwartet TLS sofort, ohne Aufforderung.",
                "Wählen Sie implizites TLS.",
            ),
            Self::ExplicitTlsExpected => (
                "Der Server an {port} beginnt unverschlüsselt und erwartet, nach TLS gefragt zu werden.",
                "Wählen Sie explizites TLS.",
            ),
            Self::NoTls => (
                "Der Server bietet an {port} kein TLS. Ohne TLS könnten Passwort und Dateien unterwegs gelesen werden, deshalb wurde nichts gesendet.",
                "Bitten Sie den Betreiber des Servers, TLS einzuschalten, oder um den Port, der es hat.",
            ),
            Self::TlsUnavailable => (
                "Der Server kennt TLS und kann es nicht starten: meist fehlt ihm ein Zertifikat, oder es ist ungültig geworden.",
                "Bitten Sie den Betreiber des Servers um ein gültiges Zertifikat für den FTP-Dienst.",
            ),
            Self::TlsPolicy => (
                "Der Server kennt TLS, aber seine Regeln lassen es hier nicht zu. Hat ein Server mehrere Auftritte, weiß er vielleicht noch nicht, welcher gemeint ist.",
                "Bitten Sie den Betreiber des Servers, TLS für diesen Auftritt zu erlauben. Bei IIS sagt ein Benutzername wie site.example|user, welcher gemeint ist.",
            ),
            Self::EncryptionDemanded => (
                "Der Server hält diese Sitzung für unverschlüsselt, obwohl sie es, soweit wir sehen, nicht ist: vielleicht nimmt etwas vor dem Server das TLS ab.",
                "Fragen Sie den Betreiber des Servers und erwähnen Sie einen Proxy oder Lastverteiler davor.",
            ),
            Self::TlsCut => (
                "Die Verbindung wurde gekappt, wo TLS beginnt. Eine Firewall unterwegs lässt verschlüsseltes FTP vielleicht nicht durch, oder der Server hat einen Fehler.",
                "Versuchen Sie implizites TLS an Port 990 oder ein anderes Netz. Bleibt es so, sagen Sie es den Betreibern von Netz und Server.",
            ),
            Self::InjectedBytes => (
                "Wo TLS beginnen muss, kam etwas Unverschlüsseltes. Jemand unterwegs manipuliert vielleicht die Verbindung, oder der Server hat einen Fehler.",
                "Melden Sie sich über dieses Netz nicht an. Versuchen Sie ein anderes und sagen Sie es dem Betreiber des Servers.",
            ),
            Self::TlsTooOld => (
                "Der Server hat mit uns keine TLS-Version oder Cipher-Suite gemeinsam: vielleicht kennt er nur TLS 1.0 oder 1.1 oder den Schlüsselaustausch mit RSA, die nicht mehr sicher sind.",
                "Bitten Sie den Betreiber des Servers, TLS 1.2 oder 1.3 mit heutigen Cipher-Suites zu erlauben.",
            ),
            Self::WeakCiphers => (
                "Der Server findet die Cipher-Suite zu schwach, der er selbst zugestimmt hat.",
                "Bitten Sie den Betreiber des Servers, seine Liste der Cipher-Suites zu prüfen.",
            ),
            Self::TlsFailed => (
                "TLS ließ sich nicht starten.",
                "Versuchen Sie es noch einmal; bleibt es so, geben Sie das Protokoll der Sitzung dem Betreiber des Servers.",
            ),
            Self::CertificateNotTrusted => (
                "Es könnte der Server von jemand anderem sein. Nichts Geheimes wurde gesendet.",
                "Vergleichen Sie den SHA-256-Fingerabdruck mit dem, den der Betreiber des Servers nennt, und vertrauen Sie dem Zertifikat nur, wenn beide gleich sind.",
            ),
            Self::CertificateNotPinned => (
                "Der Betreiber dieses Portals hat festgelegt, welches Zertifikat dieser Server zeigen muss, und er zeigt ein anderes: vielleicht ist es ein fremder Server, oder er hat ein neues Zertifikat. Nichts Geheimes wurde gesendet.",
                "Sagen Sie es dem Betreiber des Portals. Ist es das neue Zertifikat des Servers, muss auch dessen Fingerabdruck festgelegt werden.",
            ),
            Self::ClientCertificateNeeded => (
                "Der Server verlangt ein Client-Zertifikat, und dieses Portal hat keines.",
                "Bitten Sie den Betreiber des Portals um ein Zertifikat, das der Server annimmt.",
            ),
            Self::ClientCertificateRefused => (
                "Der Server verlangt ein Client-Zertifikat und nimmt das dieses Portals nicht an: vielleicht ist es abgelaufen, oder der Server kennt die ausstellende Stelle nicht.",
                "Fragen Sie die Betreiber von Portal und Server, welches Zertifikat erwartet wird.",
            ),
            Self::ProxyUnreachable => (
                "Dieses Portal verbindet sich über einen Proxy, und der ist nicht da oder hat die Verbindung fallen gelassen.",
                "Sagen Sie es dem Betreiber des Portals: sein Proxy oder dessen Adresse muss geprüft werden.",
            ),
            Self::ProxySilent => (
                "Dieses Portal verbindet sich über einen Proxy, und die Verbindung zu {port} kam nicht rechtzeitig zustande: der Server antwortet dem Proxy nicht, oder der Proxy hängt.",
                "Prüfen Sie Host und Port. Stimmen sie, sagen Sie es dem Betreiber des Portals.",
            ),
            Self::ProxyCredentials => (
                "Dieses Portal verbindet sich über einen Proxy, und der nimmt Benutzername und Passwort des Portals nicht an oder verlangt welche.",
                "Sagen Sie es dem Betreiber des Portals: seine Zugangsdaten für den Proxy müssen geprüft werden.",
            ),
            Self::ProxyRefused => (
                "Dieses Portal verbindet sich über einen Proxy, und der lässt die Verbindung zu {port} nicht zu.",
                "Bitten Sie den Betreiber des Portals, den FTPS-Port des Servers und dessen passive Ports am Proxy freizugeben.",
            ),
            Self::NotAProxy => (
                "Dieses Portal verbindet sich über einen Proxy, und was an dessen Stelle antwortet, spricht nicht das erwartete Protokoll.",
                "Sagen Sie es dem Betreiber des Portals: Art oder Adresse seines Proxys ist falsch.",
            ),
            Self::CertificateSelfSigned => (
                "Das ist bei privaten Servern üblich und sieht genauso aus, wenn ein fremder Server antwortet. Nichts Geheimes wurde gesendet.",
                "Vergleichen Sie den SHA-256-Fingerabdruck mit dem, den der Betreiber des Servers nennt, und vertrauen Sie dem Zertifikat nur, wenn beide gleich sind.",
            ),
            Self::CertificateUnknownIssuer => (
                "Es ist vielleicht die eigene Zertifizierungsstelle Ihrer Organisation oder ein fremder Server. Nichts Geheimes wurde gesendet.",
                "Bitten Sie den Betreiber des Portals, dieser Stelle zu vertrauen, oder vergleichen Sie den SHA-256-Fingerabdruck mit dem, den der Betreiber des Servers nennt.",
            ),
            Self::CertificateChainIncomplete => (
                "Nichts Geheimes wurde gesendet.",
                "Bitten Sie den Betreiber des Servers, die ganze Kette zu senden, auch die Zwischenzertifikate. Bis dahin vergleichen Sie den SHA-256-Fingerabdruck und vertrauen dem Zertifikat nur, wenn er stimmt.",
            ),
            Self::CertificateExpired => (
                "Nichts Geheimes wurde gesendet.",
                "Bitten Sie den Betreiber des Servers, das Zertifikat zu erneuern. Vertrauen Sie ihm nur, wenn sein SHA-256-Fingerabdruck der ist, den er Ihnen nennt.",
            ),
            Self::CertificateNotYetValid => (
                "Entweder ist das Zertifikat zu neu, oder die Uhr des Portals geht falsch. Nichts Geheimes wurde gesendet.",
                "Bitten Sie erst den Betreiber des Portals, dessen Uhr zu prüfen, dann den des Servers, das Zertifikat zu prüfen.",
            ),
            Self::CertificateNameMismatch => (
                "Bei einem Hoster nennt das Zertifikat oft den Server des Hosters und nicht Ihre Domain. Nichts Geheimes wurde gesendet.",
                "Ist einer der Namen im Zertifikat der Server Ihres Anbieters, geben Sie ihn als Host ein. Sonst fragen Sie den Betreiber des Servers.",
            ),
            Self::CertificateUnfit => (
                "Nichts Geheimes wurde gesendet.",
                "Vertrauen Sie ihm nicht. Bitten Sie den Betreiber des Servers um ein Zertifikat, das für Server gilt.",
            ),
            Self::CertificateChanged => (
                "Der Server hat vielleicht ein neues Zertifikat, oder ein anderer Server antwortet. Nichts Geheimes wurde gesendet.",
                "Fragen Sie den Betreiber des Servers, ob das Zertifikat ersetzt wurde, und nach dem SHA-256-Fingerabdruck des neuen.",
            ),
            Self::WrongCredentials => (
                "Der Server nimmt diesen Benutzernamen mit diesem Passwort nicht an.",
                "Prüfen Sie beides, achten Sie auf Groß- und Kleinschreibung und Leerzeichen an den Enden. Der FTP-Benutzer ist oft ein anderer als der von Website oder Postfach.",
            ),
            Self::AccountLocked => (
                "Der Server kennt den Benutzer und lässt ihn zurzeit nicht herein.",
                "Bitten Sie den Betreiber des Servers, den Benutzer zu entsperren. Die Worte des Servers sagen, warum.",
            ),
            Self::AddressBanned => (
                "Von der Adresse des Portals lässt der Server niemanden herein.",
                "Bitten Sie den Betreiber des Servers, die Adresse des Portals zu erlauben.",
            ),
            Self::TooManyAttempts => (
                "Nach zu vielen gescheiterten Anmeldungen nimmt der Server keine mehr an.",
                "Warten Sie einige Minuten, prüfen Sie Benutzername und Passwort, und versuchen Sie es einmal.",
            ),
            Self::HomeUnavailable => (
                "Benutzername und Passwort stimmen, aber das Verzeichnis des Benutzers auf dem Server fehlt oder darf nicht betreten werden.",
                "Bitten Sie den Betreiber des Servers, das Heimatverzeichnis und dessen Rechte zu prüfen; bei IIS auch die Autorisierungsregeln und die Benutzerisolation.",
            ),
            Self::WritableRoot => (
                "vsftpd sperrt einen Benutzer nicht in ein Verzeichnis ein, in das er schreiben darf.",
                "Bitten Sie den Betreiber des Servers, allow_writeable_chroot=YES zu setzen, oder dort das Schreibrecht zu nehmen und ein Verzeichnis darin zu geben.",
            ),
            Self::ServerMisconfigured => (
                "Der Server stolpert über seine eigene Konfiguration.",
                "Geben Sie die Worte des Servers an seinen Betreiber weiter.",
            ),
            Self::TooManyConnections => (
                "Der Server nimmt von diesem Benutzer oder dieser Adresse keine weiteren Verbindungen an.",
                "Schließen Sie andere FTP-Programme und versuchen Sie es in einigen Minuten noch einmal.",
            ),
            Self::AccountNeeded => (
                "Der Server verlangt außer Benutzername und Passwort einen Kontonamen; das wird nicht unterstützt.",
                "Bitten Sie den Betreiber des Servers um einen Benutzer, der keinen braucht.",
            ),
            Self::ProtectionRefused => (
                "Der Server verschlüsselt die Dateien unterwegs nicht, deshalb wurde keine gesendet.",
                "Bitten Sie den Betreiber des Servers, PROT P zu erlauben.",
            ),
            Self::DataConnectionBlocked => (
                "Der Server lud die Daten zu {port} ein, und dort antwortet nichts. Meist lässt eine Firewall die passiven Ports des Servers nicht durch; weil die Steuerverbindung verschlüsselt ist, kann sie sie nicht von selbst öffnen.",
                "Bitten Sie den Betreiber des Servers, seinen passiven Portbereich in der Firewall zu öffnen.",
            ),
            Self::DataConnectionRefused => (
                "Der Server lud die Daten zu {port} ein, und die Verbindung dorthin wird abgelehnt: vielleicht leitet der Router davor nur den Steuerport weiter, oder der Server hat zu früh aufgehört zu warten.",
                "Versuchen Sie es noch einmal. Bleibt es so, bitten Sie den Betreiber des Servers, seinen passiven Portbereich weiterzuleiten.",
            ),
            Self::PrivateAddress => (
                "Der Server nannte für die Daten {address}, eine Adresse in seinem eigenen Netz; er kennt also seine öffentliche nicht. Stattdessen wurde die eingegebene Adresse an {port} versucht, und sie ist nicht erreichbar.",
                "Bitten Sie den Betreiber des Servers, für den passiven Modus seine öffentliche Adresse zu setzen (pasv_address, MasqueradeAddress) und den passiven Portbereich weiterzuleiten.",
            ),
            Self::DataAddressRefused => (
                "Der Server sah die Datenverbindung von einer anderen Adresse kommen als die Steuerverbindung.",
                "Bitten Sie den Betreiber des Portalnetzes, beide über dieselbe Adresse hinauszuführen, oder den des Servers, es zu erlauben (pasv_promiscuous bei vsftpd).",
            ),
            Self::PassiveUnusable => (
                "Der Server konnte keinen Port für die Daten nennen.",
                "Bitten Sie den Betreiber des Servers, seine passiven Ports zu prüfen.",
            ),
            Self::SessionReuseRefused => (
                "Der Server nahm die TLS-Sitzung der Datenverbindung nicht an.",
                "Verbinden Sie sich neu. Bleibt es so, bitten Sie den Betreiber des Servers, Datenverbindungen ohne Wiederaufnahme der Sitzung zu erlauben.",
            ),
            Self::SessionTooOld => (
                "Der Server nahm die TLS-Sitzung der Datenverbindung nicht mehr an: er behält Sitzungen nur einige Minuten, und diese ist älter.",
                "Verbinden Sie sich neu.",
            ),
            Self::TicketsRunOut => (
                "Der Server nahm die TLS-Sitzung für {data connections} Datenverbindungen an und für diese nicht: bei TLS 1.3 gilt jedes seiner Tickets einmal, und sie sind verbraucht.",
                "Verbinden Sie sich neu: mit TLS 1.2 lässt sich eine Sitzung beliebig oft wieder aufnehmen.",
            ),
            Self::DataCertificateDiffers => (
                "Die Datenverbindung zeigt ein anderes Zertifikat als die Steuerverbindung: sie endet vielleicht bei einem fremden Server. Nichts wurde über sie gesendet.",
                "Fragen Sie den Betreiber des Servers und erwähnen Sie einen Lastverteiler davor.",
            ),
            Self::NotPermitted => (
                "Der Server erlaubt es nicht: das Verzeichnis ist vielleicht nicht beschreibbar, oder es gibt es nicht.",
                "Wählen Sie ein anderes Verzeichnis, oder bitten Sie den Betreiber des Servers um die Erlaubnis.",
            ),
            Self::NoSuchFile => (
                "Diese Datei oder dieses Verzeichnis gibt es auf dem Server nicht.",
                "Prüfen Sie den Pfad, achten Sie auf Groß- und Kleinschreibung, und listen Sie das Verzeichnis neu auf.",
            ),
            Self::OverwriteNotPermitted => (
                "Der Name ist vergeben, und der Server lässt nicht ersetzen, was ihn hat.",
                "Wählen Sie einen anderen Namen, oder löschen oder benennen Sie erst die alte Datei. Der Betreiber des Servers kann es erlauben (AllowOverwrite bei ProFTPD).",
            ),
            Self::ResumeNotPermitted => (
                "Der Server lässt einen Upload nicht dort weitergehen, wo er aufhörte.",
                "Beginnen Sie den Upload von vorn. Der Betreiber des Servers kann es erlauben (AllowStoreRestart bei ProFTPD).",
            ),
            Self::NameNotAllowed => (
                "Der Server erlaubt den Namen nicht.",
                "Benennen Sie die Datei um, am besten mit einfachen Buchstaben und Ziffern.",
            ),
            Self::NameNotUnderstood => (
                "Der Server versteht den Namen nicht. Vielleicht nutzt er einen anderen Zeichensatz als UTF-8.",
                "Benennen Sie die Datei mit einfachen Buchstaben und Ziffern, oder wählen Sie den Zeichensatz des Servers.",
            ),
            Self::DiskFull => (
                "Die Platte des Servers ist voll.",
                "Löschen Sie etwas auf dem Server, oder bitten Sie seinen Betreiber um mehr Platz.",
            ),
            Self::QuotaExceeded => (
                "Ihr Anteil an der Platte des Servers ist voll.",
                "Löschen Sie etwas von Ihnen auf dem Server, oder bitten Sie seinen Betreiber um mehr Platz für Sie.",
            ),
            Self::AsciiMode => (
                "Der Server hielt die Sitzung für eine, die Text überträgt, obwohl ihm gesagt war, Bytes unverändert zu übertragen.",
                "Verbinden Sie sich neu. Bleibt es so, geben Sie das Protokoll der Sitzung dem Betreiber des Servers.",
            ),
            Self::Busy => (
                "Der Server kann es jetzt nicht tun.",
                "Versuchen Sie es nach einer Weile noch einmal. Die Worte des Servers sagen mehr.",
            ),
            Self::ServerFault => (
                "Dem Server ist ein eigener Fehler unterlaufen.",
                "Versuchen Sie es nach einer Weile noch einmal. Bleibt es so, geben Sie die Worte des Servers an seinen Betreiber weiter.",
            ),
            Self::OutOfSequence => (
                "Der Server und wir sind aus dem Takt: er hat einen anderen Befehl erwartet.",
                "Verbinden Sie sich neu. Bleibt es so, geben Sie das Protokoll der Sitzung dem Betreiber des Servers.",
            ),
            Self::NotSupported => (
                "Der Server kennt den Befehl nicht.",
                "Fragen Sie den Betreiber des Servers, ob er sich einschalten lässt.",
            ),
            Self::SessionEnded => (
                "Der Server hat die Sitzung beendet.",
                "Verbinden Sie sich neu. Die Worte des Servers sagen, warum.",
            ),
            Self::IdleTimeout => (
                "Der Server hat die Sitzung beendet, weil darin eine Weile nichts geschah.",
                "Verbinden Sie sich neu.",
            ),
            Self::TransferTimedOut => (
                "Der Server hat die Sitzung als untätig beendet, während eine Datei unterwegs war: seine Uhr zählt die Datenverbindung nicht mit.",
                "Versuchen Sie es noch einmal: der Upload kann dort weitergehen, wo er aufhörte. Bitten Sie den Betreiber des Servers um eine längere Frist.",
            ),
            Self::CutAfterMany => (
                "Die Sitzung brach nach {commands} Befehlen ab. Eine Firewall, die in FTP hineinsieht, auch die von Windows, kappt verschlüsselte Sitzungen nach einigen hundert Befehlen.",
                "Verbinden Sie sich neu: die übrigen Uploads gehen weiter. Bitten Sie den Betreiber des Servers, den FTP-Filter seiner Firewall abzuschalten.",
            ),
            Self::ConnectionLost => {
                ("Die Verbindung zum Server ist abgebrochen.", "Verbinden Sie sich neu.")
            }
            Self::TransferBroken => (
                "Die Übertragung brach ab, bevor der Server die ganze Datei hatte.",
                "Versuchen Sie es noch einmal. Bricht sie jedes Mal ab, sagen die Worte des Servers mehr.",
            ),
            Self::EndRefused => (
                "Alle Bytes wurden gesendet, und der Server nahm das Ende der Datenverbindung nicht für das Ende der Datei. Ob die Datei ganz ist, ist unbekannt.",
                "Versuchen Sie es noch einmal. Bleibt es so, geben Sie das Protokoll der Sitzung dem Betreiber des Servers.",
            ),
            Self::ConfirmationMissing => (
                "Alle Bytes wurden gesendet, und die Bestätigung des Servers kam nicht. Vielleicht prüft oder verschiebt er die Datei noch, oder ein Router hat die stille Steuerverbindung vergessen.",
                "Verbinden Sie sich neu und vergleichen Sie die Größe der Datei auf dem Server: ist sie gleich, ist die Datei da.",
            ),
            Self::NotWhole => (
                "Der Server hat nicht, was gesendet wurde. Vielleicht ist seine Platte voll, oder ein Filter hat die Datei verändert oder entfernt.",
                "Prüfen Sie den freien Platz und Ihren Anteil auf dem Server, dann laden Sie noch einmal hoch.",
            ),
            Self::NotTakenBack => (
                "Der Server hat nicht, was gesendet wurde, und lässt die Datei mit diesem Namen weder umbenennen noch entfernen.",
                "Benutzen Sie diese Datei nicht. Laden Sie sie noch einmal hoch und überschreiben Sie, oder entfernen Sie sie mit einem anderen Programm.",
            ),
            Self::WrongPiece => (
                "Das Programm, das die Datei sendet, gab keine Bytes, wo welche fehlen, oder mehr, als die Datei hat.",
                "Laden Sie die Datei noch einmal hoch; bleibt es so, melden Sie es denen, die dieses Programm machen.",
            ),
            Self::NoRandomness => (
                "Der Rechner, auf dem dieses Programm läuft, gibt ihm keine Zufallsbytes.",
                "Sagen Sie es dem Betreiber dieses Programms.",
            ),
            Self::ServerTooSlow => (
                "Der Server hat nicht rechtzeitig geantwortet.",
                "Versuchen Sie es später noch einmal; bleibt es so, sagen Sie es dem Betreiber des Servers.",
            ),
            Self::ProtocolViolation => (
                "Der Server hat etwas gesendet, das FTP nicht erlaubt.",
                "Geben Sie das Protokoll der Sitzung dem Betreiber des Servers.",
            ),
        }
    }
}
