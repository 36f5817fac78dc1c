//! Every explanation, in English and in German. Its place in the list is its number.

/// The English sentence as the code has it, and the same in German.
pub(super) const SENTENCES: [(&str, &str); 291] = [
    (
        "Asks the server to start TLS, by the name that older servers know.",
        "Bittet den Server, TLS zu starten, unter dem Namen, den ältere Server kennen.",
    ),
    (
        "Asks the server to start TLS, so that all that follows is encrypted.",
        "Bittet den Server, TLS zu starten, damit alles Weitere verschlüsselt ist.",
    ),
    ("Says who logs in.", "Sagt, wer sich anmeldet."),
    (
        "Proves it with the password, which is never shown.",
        "Beweist es mit dem Passwort, das nirgends gezeigt wird.",
    ),
    ("Says which account is to be used.", "Sagt, welches Konto benutzt werden soll."),
    (
        "A formality before PROT: with TLS the size is always 0.",
        "Eine Formalität vor PROT: mit TLS ist die Größe immer 0.",
    ),
    (
        "Sends files without encryption from here on.",
        "Überträgt Dateien von hier an ohne Verschlüsselung.",
    ),
    (
        "Asks for encryption on every data connection, so that files are safe too.",
        "Verlangt Verschlüsselung auf jeder Datenverbindung, damit auch die Dateien geschützt sind.",
    ),
    (
        "Ends the encryption of the control connection.",
        "Beendet die Verschlüsselung der Steuerverbindung.",
    ),
    (
        "Asks what the server can do beyond the basics.",
        "Fragt, was der Server über das Nötigste hinaus kann.",
    ),
    (
        "Says whether file names are in UTF-8, which can write every script.",
        "Sagt, ob Dateinamen in UTF-8 geschrieben sind, womit sich jede Schrift darstellen lässt.",
    ),
    ("Chooses which checksum HASH makes.", "Wählt, welche Prüfsumme HASH bildet."),
    ("Chooses how another command behaves.", "Wählt, wie sich ein anderer Befehl verhält."),
    (
        "Transfers text and may change the ends of its lines.",
        "Überträgt Text und darf dabei die Zeilenenden ändern.",
    ),
    ("Transfers files byte for byte, unchanged.", "Überträgt Dateien Byte für Byte, unverändert."),
    (
        "Says how the bytes of a file are arranged on their way.",
        "Sagt, wie die Bytes einer Datei unterwegs angeordnet sind.",
    ),
    ("Asks which directory this is.", "Fragt, welches Verzeichnis das ist."),
    ("Changes into a directory.", "Wechselt in ein Verzeichnis."),
    ("Changes into the directory above.", "Wechselt in das Verzeichnis darüber."),
    ("Makes a directory.", "Legt ein Verzeichnis an."),
    ("Removes a directory that is empty.", "Entfernt ein leeres Verzeichnis."),
    (
        "Asks the server for a port to send data to.",
        "Fragt den Server nach einem Port, an den die Daten gehen.",
    ),
    (
        "Asks the server for an address and a port to send data to.",
        "Fragt den Server nach Adresse und Port, an die die Daten gehen.",
    ),
    (
        "Asks the server to connect to us for the data.",
        "Bittet den Server, sich für die Daten mit uns zu verbinden.",
    ),
    (
        "Says at which byte the next transfer starts, to go on with half a file.",
        "Sagt, bei welchem Byte die nächste Übertragung beginnt, um eine halbe Datei fortzusetzen.",
    ),
    ("Uploads a file.", "Lädt eine Datei hoch."),
    (
        "Uploads a file under a name that the server makes up.",
        "Lädt eine Datei unter einem Namen hoch, den sich der Server ausdenkt.",
    ),
    ("Uploads the rest of a file to its end.", "Hängt den Rest einer Datei an ihr Ende an."),
    (
        "Asks the server to keep room for a file.",
        "Bittet den Server, Platz für eine Datei freizuhalten.",
    ),
    ("Downloads a file.", "Lädt eine Datei herunter."),
    ("Asks how many bytes a file has.", "Fragt, wie viele Bytes eine Datei hat."),
    (
        "Says which file is to get another name.",
        "Sagt, welche Datei einen anderen Namen bekommen soll.",
    ),
    ("Says what its new name is.", "Sagt, wie der neue Name lautet."),
    ("Deletes a file.", "Löscht eine Datei."),
    (
        "Gives a file its date of modification, in UTC.",
        "Gibt einer Datei ihr Änderungsdatum, in UTC.",
    ),
    ("Sets facts of a file, such as its date.", "Setzt Angaben zu einer Datei, etwa ihr Datum."),
    (
        "Asks when a file was modified, in UTC, or says it where a time stands first.",
        "Fragt, wann eine Datei geändert wurde, in UTC; steht eine Zeit davor, setzt es sie.",
    ),
    (
        "Asks for a checksum of a file, to compare it with what was sent.",
        "Fragt nach einer Prüfsumme der Datei, um sie mit dem Gesendeten zu vergleichen.",
    ),
    (
        "Asks for the facts of one file or directory.",
        "Fragt nach den Angaben zu einer Datei oder einem Verzeichnis.",
    ),
    (
        "Lists a directory in a form that every program reads alike.",
        "Listet ein Verzeichnis in einer Form auf, die jedes Programm gleich liest.",
    ),
    (
        "Lists a directory in a form for people.",
        "Listet ein Verzeichnis in einer Form für Menschen auf.",
    ),
    ("Lists the names in a directory.", "Listet die Namen in einem Verzeichnis auf."),
    (
        "Asks how many bytes may still be stored.",
        "Fragt, wie viele Bytes noch gespeichert werden können.",
    ),
    ("Changes who may read and write a file.", "Ändert, wer eine Datei lesen und schreiben darf."),
    ("Gives a file its date of modification.", "Gibt einer Datei ihr Änderungsdatum."),
    (
        "A command that only this kind of server has.",
        "Ein Befehl, den nur diese Art von Server kennt.",
    ),
    ("Stops the transfer that is under way.", "Bricht die laufende Übertragung ab."),
    (
        "Asks how the session stands, or for a listing without a data connection.",
        "Fragt, wie es um die Sitzung steht, oder nach einer Liste ohne Datenverbindung.",
    ),
    (
        "Asks which operating system the server has.",
        "Fragt, welches Betriebssystem der Server hat.",
    ),
    ("Asks which commands there are.", "Fragt, welche Befehle es gibt."),
    (
        "Says which of the server's sites is meant.",
        "Sagt, welcher der Auftritte des Servers gemeint ist.",
    ),
    ("Chooses the language of the replies.", "Wählt die Sprache der Antworten."),
    ("Says which program this is.", "Sagt, welches Programm hier spricht."),
    (
        "Says which program this is, and asks the same of the server.",
        "Sagt, welches Programm hier spricht, und fragt den Server dasselbe.",
    ),
    (
        "Starts the session over without closing the connection.",
        "Beginnt die Sitzung von vorn, ohne die Verbindung zu schließen.",
    ),
    ("Does nothing but ask for an answer.", "Bewirkt nichts und bittet nur um eine Antwort."),
    ("Ends the session.", "Beendet die Sitzung."),
    ("The server agrees: TLS starts now.", "Der Server ist einverstanden: TLS beginnt jetzt."),
    (
        "The server agrees to start TLS, with a code that is meant for something else.",
        "Der Server startet TLS, antwortet aber mit einem Code, der für etwas anderes gedacht ist.",
    ),
    (
        "The server has TLS and cannot start it now: its certificate may be missing.",
        "Der Server hat TLS, kann es jetzt aber nicht starten: vielleicht fehlt sein Zertifikat.",
    ),
    (
        "The server does not know how to start TLS: it may only work unencrypted.",
        "Der Server weiß nicht, wie man TLS startet: vielleicht arbeitet er nur unverschlüsselt.",
    ),
    (
        "The server does not start TLS by that name.",
        "Unter diesem Namen startet der Server kein TLS.",
    ),
    (
        "The server's policy does not allow TLS here.",
        "Die Regeln des Servers lassen TLS hier nicht zu.",
    ),
    (
        "Logged in. The server asks for no password.",
        "Angemeldet. Der Server verlangt kein Passwort.",
    ),
    (
        "Logged in: the TLS certificate was proof enough.",
        "Angemeldet: das TLS-Zertifikat war Beweis genug.",
    ),
    (
        "The server knows what to do with that user name and asks for the password.",
        "Der Server nimmt den Benutzernamen entgegen und fragt nach dem Passwort.",
    ),
    (
        "The server ends the session: it may be full.",
        "Der Server beendet die Sitzung: vielleicht ist er voll.",
    ),
    ("The server lets this user not in.", "Der Server lässt diesen Benutzer nicht herein."),
    (
        "The server does not let the user in: the name or the password is wrong.",
        "Der Server lässt den Benutzer nicht herein: Name oder Passwort ist falsch.",
    ),
    ("The server stumbled over the login.", "Der Server ist bei der Anmeldung gestolpert."),
    ("The server expects the user name first.", "Der Server erwartet zuerst den Benutzernamen."),
    ("Done: PROT may follow.", "Erledigt: PROT darf folgen."),
    ("Files are not encrypted from here on.", "Dateien sind von hier an nicht verschlüsselt."),
    (
        "Every data connection is encrypted from here on.",
        "Jede Datenverbindung ist von hier an verschlüsselt.",
    ),
    ("The server wants PBSZ before PROT.", "Der Server will PBSZ vor PROT."),
    (
        "Files are transferred byte for byte from here on.",
        "Dateien werden von hier an Byte für Byte übertragen.",
    ),
    (
        "The server takes file names like that from here on.",
        "Der Server nimmt Dateinamen von hier an in dieser Form.",
    ),
    ("File names are UTF-8 anyway.", "Dateinamen sind ohnehin UTF-8."),
    (
        "The server does not switch. It may take UTF-8 all the same.",
        "Der Server stellt nicht um. Vielleicht nimmt er UTF-8 trotzdem.",
    ),
    ("It is as chosen.", "Es ist wie gewählt."),
    ("This is what the server can do.", "Das kann der Server."),
    ("The server does not say what it can do.", "Der Server sagt nicht, was er kann."),
    ("The server is there.", "Der Server ist da."),
    (
        "The server has no port to offer for the data.",
        "Der Server hat keinen Port für die Daten anzubieten.",
    ),
    (
        "The server does not know EPSV. PASV is the older way.",
        "Der Server kennt EPSV nicht. PASV ist der ältere Weg.",
    ),
    (
        "The server does not offer passive data connections.",
        "Der Server bietet keine passiven Datenverbindungen.",
    ),
    (
        "The server does not offer a data connection for this version of IP.",
        "Der Server bietet für diese IP-Version keine Datenverbindung.",
    ),
    (
        "The server is ready: the bytes of the file may come.",
        "Der Server ist bereit: die Bytes der Datei können kommen.",
    ),
    (
        "The server has taken the file to its end.",
        "Der Server hat die Datei bis zum Ende angenommen.",
    ),
    (
        "The server did not get the data connection, or did not accept its TLS session.",
        "Der Server bekam die Datenverbindung nicht oder nahm ihre TLS-Sitzung nicht an.",
    ),
    (
        "The data connection broke: the file may not be whole.",
        "Die Datenverbindung ist abgebrochen: die Datei ist vielleicht nicht ganz.",
    ),
    (
        "The server cannot write the file now: something may be using it.",
        "Der Server kann die Datei jetzt nicht schreiben: vielleicht wird sie gerade benutzt.",
    ),
    (
        "The server could not store the file, or does not let it go on where it stopped.",
        "Der Server konnte die Datei nicht speichern oder lässt sie nicht dort weitergehen, wo sie aufhörte.",
    ),
    ("The server's disk is full.", "Die Platte des Servers ist voll."),
    (
        "The server did not accept the TLS of the data connection.",
        "Der Server nahm das TLS der Datenverbindung nicht an.",
    ),
    (
        "The server wants an account before it stores files.",
        "Der Server verlangt ein Konto, bevor er Dateien speichert.",
    ),
    (
        "The server does not let the file be stored there.",
        "Der Server lässt die Datei dort nicht speichern.",
    ),
    (
        "The server does not store a file of that kind.",
        "Der Server speichert keine Dateien dieser Art.",
    ),
    (
        "The file is greater than the space that is left for it.",
        "Die Datei ist größer als der Platz, der für sie übrig ist.",
    ),
    (
        "The server does not let a file of that name be stored there.",
        "Der Server lässt dort keine Datei dieses Namens speichern.",
    ),
    ("The server is ready: the listing comes.", "Der Server ist bereit: die Liste kommt."),
    ("The listing is complete.", "Die Liste ist vollständig."),
    (
        "The data connection broke: the listing may not be whole.",
        "Die Datenverbindung ist abgebrochen: die Liste ist vielleicht nicht ganz.",
    ),
    (
        "There is no such directory, nothing in it, or it may not be listed.",
        "Das Verzeichnis gibt es nicht, es ist leer, oder es darf nicht aufgelistet werden.",
    ),
    (
        "The checksum of the file, as the server has it.",
        "Die Prüfsumme der Datei, wie der Server sie hat.",
    ),
    (
        "The server cannot make the checksum now: something may be using the file.",
        "Der Server kann die Prüfsumme jetzt nicht bilden: vielleicht wird die Datei gerade benutzt.",
    ),
    ("The server does not make that checksum.", "Diese Prüfsumme bildet der Server nicht."),
    (
        "There is no such file, or it may not be read.",
        "Die Datei gibt es nicht, oder sie darf nicht gelesen werden.",
    ),
    (
        "The server does not make a checksum of that part of the file.",
        "Von diesem Teil der Datei bildet der Server keine Prüfsumme.",
    ),
    ("The size of the file in bytes.", "Die Größe der Datei in Bytes."),
    ("The date of the file, year first, in UTC.", "Das Datum der Datei, das Jahr zuerst, in UTC."),
    ("The file has its date.", "Die Datei hat ihr Datum."),
    ("The bytes that may still be stored.", "So viele Bytes können noch gespeichert werden."),
    (
        "There is no such file, or it may not be asked for.",
        "Die Datei gibt es nicht, oder es darf nicht nach ihr gefragt werden.",
    ),
    ("The facts of the file or directory.", "Die Angaben zur Datei oder zum Verzeichnis."),
    ("The server does not let it be changed.", "Der Server lässt das nicht ändern."),
    ("This is the directory from here on.", "Das ist von hier an das Verzeichnis."),
    (
        "There is no such directory, or it may not be entered.",
        "Das Verzeichnis gibt es nicht, oder es darf nicht betreten werden.",
    ),
    ("The directory is made.", "Das Verzeichnis ist angelegt."),
    (
        "The directory was not made: it may be there, or may not be made.",
        "Das Verzeichnis wurde nicht angelegt: es ist vielleicht schon da oder nicht erlaubt.",
    ),
    ("The directory is removed.", "Das Verzeichnis ist entfernt."),
    (
        "The directory was not removed: it may hold something, or not be there.",
        "Das Verzeichnis wurde nicht entfernt: vielleicht ist es nicht leer oder gar nicht da.",
    ),
    ("The file is deleted.", "Die Datei ist gelöscht."),
    (
        "The file was not deleted: it may not be there, or not be yours.",
        "Die Datei wurde nicht gelöscht: vielleicht ist sie nicht da oder gehört jemand anderem.",
    ),
    ("This is the directory.", "Das ist das Verzeichnis."),
    ("The next transfer starts there.", "Die nächste Übertragung beginnt dort."),
    (
        "The server does not let a transfer start in the middle.",
        "Der Server lässt keine Übertragung in der Mitte beginnen.",
    ),
    ("The file is there: now its new name.", "Die Datei ist da: nun ihr neuer Name."),
    (
        "There is no such file, or it may not be renamed.",
        "Die Datei gibt es nicht, oder sie darf nicht umbenannt werden.",
    ),
    ("The file has its new name.", "Die Datei hat ihren neuen Namen."),
    (
        "The file was not renamed: the name may be taken or not allowed.",
        "Die Datei wurde nicht umbenannt: der Name ist vielleicht vergeben oder nicht erlaubt.",
    ),
    (
        "The server does not know which file is meant.",
        "Der Server weiß nicht, welche Datei gemeint ist.",
    ),
    ("It is changed.", "Es ist geändert."),
    ("This server does not have that command.", "Diesen Befehl hat der Server nicht."),
    ("The server ends the session, as asked.", "Der Server beendet die Sitzung, wie gewünscht."),
    (
        "A mark in the file where the transfer could start again.",
        "Eine Marke in der Datei, an der die Übertragung wieder beginnen könnte.",
    ),
    ("The server will be ready in some minutes.", "Der Server ist in einigen Minuten bereit."),
    (
        "The data connection is there already: the transfer starts.",
        "Die Datenverbindung steht schon: die Übertragung beginnt.",
    ),
    (
        "The server is about to open the data connection.",
        "Der Server öffnet gleich die Datenverbindung.",
    ),
    ("Done.", "Erledigt."),
    (
        "The server has no need of that command here.",
        "Diesen Befehl braucht der Server hier nicht.",
    ),
    ("How the server stands, or what it can do.", "Wie es um den Server steht, oder was er kann."),
    ("How the directory stands.", "Wie es um das Verzeichnis steht."),
    (
        "How the file stands: its size, its date, or what else was asked for.",
        "Wie es um die Datei steht: ihre Größe, ihr Datum oder was sonst gefragt war.",
    ),
    ("Help, for people.", "Hilfe, für Menschen."),
    ("The kind of system that the server is.", "Die Art des Systems, das der Server ist."),
    ("The server greets and is ready.", "Der Server grüßt und ist bereit."),
    ("The server ends the session.", "Der Server beendet die Sitzung."),
    (
        "The data connection is open, and nothing is under way on it.",
        "Die Datenverbindung steht, und nichts läuft darauf.",
    ),
    ("The transfer is complete.", "Die Übertragung ist vollständig."),
    (
        "The server listens for data at that address and port.",
        "Der Server wartet an dieser Adresse und diesem Port auf Daten.",
    ),
    ("Logged in.", "Angemeldet."),
    (
        "Done: the server did it to the file or directory.",
        "Erledigt: der Server hat es mit der Datei oder dem Verzeichnis getan.",
    ),
    ("The path of the directory.", "Der Pfad des Verzeichnisses."),
    (
        "The user name is right, the password is needed.",
        "Der Benutzername ist richtig, das Passwort fehlt noch.",
    ),
    (
        "The server wants an account besides user name and password.",
        "Der Server will außer Benutzername und Passwort ein Konto wissen.",
    ),
    (
        "The server waits for the command that belongs to this one.",
        "Der Server wartet auf den Befehl, der zu diesem gehört.",
    ),
    (
        "The server ends the session. Its own words say why.",
        "Der Server beendet die Sitzung. Seine eigenen Worte sagen, warum.",
    ),
    ("The data connection could not be opened.", "Die Datenverbindung kam nicht zustande."),
    (
        "The data connection broke, and the transfer with it.",
        "Die Datenverbindung ist abgebrochen, und mit ihr die Übertragung.",
    ),
    (
        "It cannot be done to the file now: something may be using it.",
        "Das geht mit der Datei jetzt nicht: vielleicht wird sie gerade benutzt.",
    ),
    ("The server met a fault of its own.", "Dem Server ist ein eigener Fehler unterlaufen."),
    ("The server does not know the command.", "Der Server kennt den Befehl nicht."),
    (
        "The server does not understand what stands behind the command.",
        "Der Server versteht nicht, was hinter dem Befehl steht.",
    ),
    ("The server does not have that command.", "Den Befehl hat der Server nicht."),
    (
        "The server expected another command first.",
        "Der Server hat zuerst einen anderen Befehl erwartet.",
    ),
    (
        "The server has the command, but not with that behind it.",
        "Der Server hat den Befehl, aber nicht mit dem, was dahinter steht.",
    ),
    (
        "Nobody is logged in, or the login is refused.",
        "Niemand ist angemeldet, oder die Anmeldung ist abgelehnt.",
    ),
    (
        "It cannot be done: there is no such file or directory, or it is not permitted.",
        "Das geht nicht: Datei oder Verzeichnis gibt es nicht, oder es ist nicht erlaubt.",
    ),
    ("It cannot be done to a file of that kind.", "Mit einer Datei dieser Art geht das nicht."),
    ("There is not enough space left for it.", "Dafür ist nicht genug Platz übrig."),
    ("The name is not allowed.", "Der Name ist nicht erlaubt."),
    (
        "The server listens for data at that long address.",
        "Der Server wartet an dieser langen Adresse auf Daten.",
    ),
    (
        "Logged in: the security exchange was proof enough.",
        "Angemeldet: der Austausch zur Sicherheit war Beweis genug.",
    ),
    (
        "The server agrees to the security that was asked for.",
        "Der Server ist mit der gewünschten Sicherheit einverstanden.",
    ),
    (
        "The security exchange goes well; more may follow.",
        "Der Austausch zur Sicherheit läuft gut; es kann noch mehr folgen.",
    ),
    (
        "The server agrees to the security that was asked for and waits for more.",
        "Der Server ist mit der gewünschten Sicherheit einverstanden und wartet auf mehr.",
    ),
    (
        "The server waits for the next part of the security exchange.",
        "Der Server wartet auf den nächsten Teil des Austauschs zur Sicherheit.",
    ),
    (
        "The user name is right. The server asks for proof.",
        "Der Benutzername ist richtig. Der Server verlangt einen Beweis.",
    ),
    (
        "The server cannot offer security now: its certificate may be missing.",
        "Der Server kann jetzt keine Sicherheit bieten: vielleicht fehlt sein Zertifikat.",
    ),
    (
        "A data connection cannot be opened with this protection.",
        "Mit diesem Schutz lässt sich keine Datenverbindung öffnen.",
    ),
    (
        "The TLS of the data connection was not accepted.",
        "Das TLS der Datenverbindung wurde nicht angenommen.",
    ),
    (
        "The server's policy does not allow that protection for commands.",
        "Die Regeln des Servers lassen diesen Schutz für Befehle nicht zu.",
    ),
    ("The server's policy does not allow it.", "Die Regeln des Servers lassen das nicht zu."),
    ("The security check failed.", "Die Sicherheitsprüfung ist gescheitert."),
    (
        "The server does not have that level of protection.",
        "Diese Stufe des Schutzes hat der Server nicht.",
    ),
    (
        "The server does not have that level of protection for commands.",
        "Diese Stufe des Schutzes hat der Server für Befehle nicht.",
    ),
    ("The server listens for data at that port.", "Der Server wartet an diesem Port auf Daten."),
    ("The facts of the file are changed.", "Die Angaben zur Datei sind geändert."),
    ("The user name or the password is wrong.", "Benutzername oder Passwort ist falsch."),
    ("The site that is meant is not there.", "Den gemeinten Auftritt gibt es nicht."),
    (
        "The login is refused: the server may want a client certificate.",
        "Die Anmeldung ist abgelehnt: vielleicht will der Server ein Client-Zertifikat.",
    ),
    ("A transfer cannot start there.", "Dort kann keine Übertragung beginnen."),
    (
        "It cannot be done in this type of transfer.",
        "Das geht bei dieser Art der Übertragung nicht.",
    ),
    ("It cannot be done with that part of the file.", "Das geht mit diesem Teil der Datei nicht."),
    (
        "It has begun, and another reply follows. It is about the command itself.",
        "Es hat begonnen, eine weitere Antwort folgt. Es geht um den Befehl selbst.",
    ),
    (
        "It has begun, and another reply follows. It is about information.",
        "Es hat begonnen, eine weitere Antwort folgt. Es geht um Auskünfte.",
    ),
    (
        "It has begun, and another reply follows. It is about the connections.",
        "Es hat begonnen, eine weitere Antwort folgt. Es geht um die Verbindungen.",
    ),
    (
        "It has begun, and another reply follows. It is about the login.",
        "Es hat begonnen, eine weitere Antwort folgt. Es geht um die Anmeldung.",
    ),
    (
        "It has begun, and another reply follows. It is about files and directories.",
        "Es hat begonnen, eine weitere Antwort folgt. Es geht um Dateien und Verzeichnisse.",
    ),
    (
        "It has begun, and another reply follows. The code is this server's own.",
        "Es hat begonnen, eine weitere Antwort folgt. Der Code ist eine Eigenheit dieses Servers.",
    ),
    ("Done. It is about the command itself.", "Erledigt. Es geht um den Befehl selbst."),
    ("Done. It is about information.", "Erledigt. Es geht um Auskünfte."),
    ("Done. It is about the connections.", "Erledigt. Es geht um die Verbindungen."),
    ("Done. It is about the login.", "Erledigt. Es geht um die Anmeldung."),
    ("Done. It is about files and directories.", "Erledigt. Es geht um Dateien und Verzeichnisse."),
    (
        "Done. The code is this server's own.",
        "Erledigt. Der Code ist eine Eigenheit dieses Servers.",
    ),
    (
        "So far it is right, and the server waits for more. It is about the command itself.",
        "So weit stimmt es, der Server wartet auf mehr. Es geht um den Befehl selbst.",
    ),
    (
        "So far it is right, and the server waits for more. It is about information.",
        "So weit stimmt es, der Server wartet auf mehr. Es geht um Auskünfte.",
    ),
    (
        "So far it is right, and the server waits for more. It is about the connections.",
        "So weit stimmt es, der Server wartet auf mehr. Es geht um die Verbindungen.",
    ),
    (
        "So far it is right, and the server waits for more. It is about the login.",
        "So weit stimmt es, der Server wartet auf mehr. Es geht um die Anmeldung.",
    ),
    (
        "So far it is right, and the server waits for more. It is about files and directories.",
        "So weit stimmt es, der Server wartet auf mehr. Es geht um Dateien und Verzeichnisse.",
    ),
    (
        "So far it is right, and the server waits for more. The code is this server's own.",
        "So weit stimmt es, der Server wartet auf mehr. Der Code ist eine Eigenheit dieses Servers.",
    ),
    (
        "Not now: it may work later. It is about the command itself.",
        "Jetzt nicht: später geht es vielleicht. Es geht um den Befehl selbst.",
    ),
    (
        "Not now: it may work later. It is about information.",
        "Jetzt nicht: später geht es vielleicht. Es geht um Auskünfte.",
    ),
    (
        "Not now: it may work later. It is about the connections.",
        "Jetzt nicht: später geht es vielleicht. Es geht um die Verbindungen.",
    ),
    (
        "Not now: it may work later. It is about the login.",
        "Jetzt nicht: später geht es vielleicht. Es geht um die Anmeldung.",
    ),
    (
        "Not now: it may work later. It is about files and directories.",
        "Jetzt nicht: später geht es vielleicht. Es geht um Dateien und Verzeichnisse.",
    ),
    (
        "Not now: it may work later. The code is this server's own.",
        "Jetzt nicht: später geht es vielleicht. Der Code ist eine Eigenheit dieses Servers.",
    ),
    (
        "No: it will not work like that. It is about the command itself.",
        "Nein: so geht es nicht. Es geht um den Befehl selbst.",
    ),
    (
        "No: it will not work like that. It is about information.",
        "Nein: so geht es nicht. Es geht um Auskünfte.",
    ),
    (
        "No: it will not work like that. It is about the connections.",
        "Nein: so geht es nicht. Es geht um die Verbindungen.",
    ),
    (
        "No: it will not work like that. It is about the login.",
        "Nein: so geht es nicht. Es geht um die Anmeldung.",
    ),
    (
        "No: it will not work like that. It is about files and directories.",
        "Nein: so geht es nicht. Es geht um Dateien und Verzeichnisse.",
    ),
    (
        "No: it will not work like that. The code is this server's own.",
        "Nein: so geht es nicht. Der Code ist eine Eigenheit dieses Servers.",
    ),
    (
        "The portal opens the control connection: commands and replies go over it.",
        "Das Portal öffnet die Steuerverbindung: über sie gehen Befehle und Antworten.",
    ),
    (
        "Each listing and each file has a data connection of its own, beside the control connection.",
        "Jede Liste und jede Datei hat eine eigene Datenverbindung, neben der Steuerverbindung.",
    ),
    (
        "Whoever runs the portal set a proxy between it and all servers. It sees only encrypted bytes.",
        "Wer das Portal betreibt, hat einen Proxy davor gesetzt. Er sieht nur verschlüsselte Bytes, sobald TLS steht.",
    ),
    (
        "A server for implicit TLS waits silently until TLS begins; one for explicit TLS speaks first.",
        "Ein Server für implizites TLS wartet still auf TLS; einer für explizites TLS spricht zuerst.",
    ),
    (
        "Older servers know the same encryption under its older name.",
        "Ältere Server kennen dieselbe Verschlüsselung unter ihrem älteren Namen.",
    ),
    (
        "TLS 1.2 is safe too, and with it the data connections of this server work.",
        "Auch TLS 1.2 ist sicher, und damit funktionieren die Datenverbindungen dieses Servers.",
    ),
    (
        "ALPN names the protocol when TLS starts. Leaving it out weakens nothing.",
        "ALPN nennt beim Start von TLS das Protokoll. Es wegzulassen schwächt nichts.",
    ),
    (
        "Nobody is logged in yet, so nothing is lost.",
        "Noch ist niemand angemeldet, also geht nichts verloren.",
    ),
    (
        "The user name alone lets in: the server may be open to everybody.",
        "Der Benutzername allein genügt: der Server steht vielleicht allen offen.",
    ),
    (
        "Without that list the portal tries what it needs and sees whether it works.",
        "Ohne diese Liste probiert das Portal aus, was es braucht, und sieht, ob es geht.",
    ),
    (
        "Most servers that do not switch use UTF-8 anyway. Names with accents show whether it is so.",
        "Die meisten Server, die nicht umstellen, nutzen ohnehin UTF-8. An Namen mit Umlauten sieht man es.",
    ),
    (
        "The server knows who you are, and this is the directory where you start.",
        "Der Server weiß, wer Sie sind, und in diesem Verzeichnis beginnen Sie.",
    ),
    (
        "EPSV and PASV both ask for a port for the data. PASV is older and does the same here.",
        "EPSV und PASV fragen beide nach einem Port für die Daten. PASV ist älter und leistet hier dasselbe.",
    ),
    (
        "A firewall may know only the older command, and open a port only for that.",
        "Eine Firewall kennt vielleicht nur den älteren Befehl und öffnet nur für ihn einen Port.",
    ),
    (
        "A server behind a router often names an address that only its own network knows.",
        "Ein Server hinter einem Router nennt oft eine Adresse, die nur sein eigenes Netz kennt.",
    ),
    (
        "A reply of several lines should begin and end with one code. It is read all the same.",
        "Eine mehrzeilige Antwort sollte mit demselben Code beginnen und enden. Gelesen wird sie trotzdem.",
    ),
    (
        "It is left out, so that no command gets the answer to another.",
        "Sie wird übergangen, damit kein Befehl die Antwort eines anderen bekommt.",
    ),
    (
        "Which reply belongs to which command is not certain any more, so the session ends.",
        "Welche Antwort zu welchem Befehl gehört, ist nicht mehr sicher. Deshalb endet die Sitzung.",
    ),
    (
        "TLS has a farewell that shows that nothing was cut off. Many servers leave it out.",
        "TLS kennt einen Abschied, der zeigt, dass nichts abgeschnitten wurde. Viele Server lassen ihn weg.",
    ),
    (
        "So much went over the data connection. The server's reply says whether it is stored.",
        "So viel ging über die Datenverbindung. Ob es gespeichert ist, sagt die Antwort des Servers.",
    ),
    (
        "So many files and directories were read from the listing.",
        "So viele Dateien und Verzeichnisse wurden aus der Liste gelesen.",
    ),
    (
        "The portal reads listings up to a limit, so that none takes all its memory.",
        "Das Portal liest Listen bis zu einer Grenze, damit keine seinen Speicher füllt.",
    ),
    (
        "A simple listing does not name its time zone. A single file's date, asked for in UTC, told it.",
        "Eine einfache Liste nennt keine Zeitzone. Das Datum einer Datei, in UTC erfragt, hat sie verraten.",
    ),
    (
        "A simple listing does not name its time zone, so its times may be hours off.",
        "Eine einfache Liste nennt keine Zeitzone, ihre Zeiten können um Stunden abweichen.",
    ),
    (
        "Somebody made it before: that is just as good.",
        "Jemand hat es schon angelegt: das ist genauso gut.",
    ),
    (
        "The data connection was closed before the file was whole, because we wanted it.",
        "Die Datenverbindung wurde vor dem Ende der Datei geschlossen, weil wir es wollten.",
    ),
    (
        "The upload can go on later where it stopped, without sending these bytes again.",
        "Der Upload kann später dort weitergehen, ohne diese Bytes noch einmal zu senden.",
    ),
    (
        "A harmless command shows whether the next reply is the one that belongs to it.",
        "Ein harmloser Befehl zeigt, ob die nächste Antwort auch zu ihm gehört.",
    ),
    (
        "Some servers resume a TLS 1.3 session once only, or not at all. TLS 1.2 is safe too.",
        "Manche Server nehmen eine Sitzung von TLS 1.3 nur einmal oder gar nicht wieder auf. TLS 1.2 ist auch sicher.",
    ),
    (
        "ALPN names the protocol on each new connection. Leaving it out weakens nothing.",
        "ALPN nennt das Protokoll auf jeder neuen Verbindung. Es wegzulassen schwächt nichts.",
    ),
    (
        "Uploads go on from what the server holds.",
        "Uploads gehen von dem aus weiter, was der Server hat.",
    ),
    (
        "Commands sent together save time. One by one is slower and safe.",
        "Befehle gemeinsam zu senden spart Zeit. Einzeln ist langsamer und sicher.",
    ),
    (
        "Some firewalls end a session after many commands. A fresh one is cheaper than a break.",
        "Manche Firewalls beenden eine Sitzung nach vielen Befehlen. Eine neue ist billiger als ein Abbruch.",
    ),
    (
        "The wait becomes longer each time, so that a server in trouble can recover.",
        "Die Pause wird jedes Mal länger, damit sich ein Server in Not erholen kann.",
    ),
    (
        "Servers let each user in only so many times at once.",
        "Server lassen jeden Benutzer nur so und so oft zugleich herein.",
    ),
    (
        "More sessions would be faster, but this server does not want them.",
        "Mehr Sitzungen wären schneller, aber dieser Server will sie nicht.",
    ),
    ("Only what is missing is sent.", "Nur was fehlt, wird gesendet."),
    (
        "Half of one file and half of another would be worse than a second try.",
        "Halb die eine und halb eine andere Datei wäre schlimmer als ein zweiter Versuch.",
    ),
    (
        "The upload goes on only because the end of what is there was compared.",
        "Der Upload geht nur weiter, weil das Ende dessen verglichen wurde, was da ist.",
    ),
    (
        "The connection broke between the last byte and the reply. The size tells how it ended.",
        "Die Verbindung brach zwischen dem letzten Byte und der Antwort ab. Die Größe sagt, wie es ausging.",
    ),
    (
        "Nothing has to be sent again; it is only checked and named.",
        "Nichts muss noch einmal gesendet werden; es wird nur geprüft und benannt.",
    ),
    (
        "You chose to go on with the file that is there. It gets its name back when it is whole.",
        "Sie wollten mit der vorhandenen Datei weitermachen. Ist sie ganz, bekommt sie ihren Namen zurück.",
    ),
    (
        "Nothing of somebody else's file is removed. You can look at it under that name.",
        "Von einer fremden Datei wird nichts entfernt. Unter diesem Namen können Sie sie ansehen.",
    ),
    (
        "A server may notice late that a connection is gone, and keeps its file until then.",
        "Ein Server merkt oft spät, dass eine Verbindung weg ist, und hält ihre Datei bis dahin fest.",
    ),
    (
        "The connection broke after the server had renamed the file.",
        "Die Verbindung brach ab, nachdem der Server die Datei umbenannt hatte.",
    ),
    (
        "APPE appends to what is there, which comes to the same.",
        "APPE hängt an das Vorhandene an, das läuft auf dasselbe hinaus.",
    ),
    (
        "What was sent before has to be sent again.",
        "Was schon gesendet war, muss noch einmal gesendet werden.",
    ),
    (
        "Elsewhere a file gets its name only when it is whole. Here others can see half of it.",
        "Sonst bekommt eine Datei erst ihren Namen, wenn sie ganz ist. Hier sehen andere sie auch halb.",
    ),
    (
        "If this upload breaks off, the old file is gone and the new one is not whole yet.",
        "Bricht dieser Upload ab, ist die alte Datei weg und die neue noch nicht ganz.",
    ),
    (
        "It is removed once the new file has its name, so that there is one at any time.",
        "Sie wird entfernt, sobald die neue ihren Namen hat, damit immer eine da ist.",
    ),
    ("The content is not touched by that.", "Der Inhalt ist davon nicht betroffen."),
    (
        "An equal size makes it likely, not certain, that every byte is right.",
        "Gleiche Größe macht es wahrscheinlich, nicht sicher, dass jedes Byte stimmt.",
    ),
    (
        "Both sides made a checksum of the whole file by themselves, and they are equal.",
        "Beide Seiten haben unabhängig eine Prüfsumme der ganzen Datei gebildet, und sie stimmen überein.",
    ),
    (
        "No byte is missing: the server says how long the file is.",
        "Kein Byte fehlt: der Server sagt, wie lang die Datei ist.",
    ),
    (
        "There is nothing else to compare with on this server.",
        "Bei diesem Server gibt es nichts anderes zum Vergleichen.",
    ),
    (
        "The server speaks first and says who it is.",
        "Der Server spricht zuerst und sagt, wer er ist.",
    ),
    (
        "Nothing secret is said before the connection is encrypted.",
        "Nichts Geheimes wird gesagt, bevor die Verbindung verschlüsselt ist.",
    ),
    (
        "Both sides agree on keys that nobody between them knows.",
        "Beide Seiten einigen sich auf Schlüssel, die niemand dazwischen kennt.",
    ),
    (
        "The certificate shows that this is the server that was meant, and nobody in between.",
        "Das Zertifikat zeigt, dass dies der gemeinte Server ist und niemand dazwischen.",
    ),
    (
        "User name and password go over the encrypted connection.",
        "Benutzername und Passwort gehen über die verschlüsselte Verbindung.",
    ),
    (
        "From here on files and listings are encrypted too.",
        "Von hier an sind auch Dateien und Listen verschlüsselt.",
    ),
    (
        "The portal asks what the server can do, and where it is.",
        "Das Portal fragt, was der Server kann und wo es sich befindet.",
    ),
    (
        "The control connection is encrypted: nobody on the way can read or change commands and replies.",
        "Die Steuerverbindung ist verschlüsselt: niemand unterwegs kann Befehle und Antworten lesen oder ändern.",
    ),
    (
        "The data connection is encrypted and resumes the TLS session of an earlier one: it belongs to the same login.",
        "Die Datenverbindung ist verschlüsselt und setzt die TLS-Sitzung einer früheren fort: sie gehört zur selben Anmeldung.",
    ),
    (
        "The data connection is encrypted with a TLS session of its own, and shows the same certificate.",
        "Die Datenverbindung ist verschlüsselt, mit eigener TLS-Sitzung und demselben Zertifikat.",
    ),
    (
        "This is who the server says it is, and it was accepted: vouched for, pinned, or trusted by you.",
        "Als das weist sich der Server aus, und es wurde angenommen: beglaubigt, festgelegt oder von Ihnen bestätigt.",
    ),
];
