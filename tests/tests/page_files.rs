//! The panel `Remote files` in a headless Chromium: what a user does with remote files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
    time::{Duration, SystemTime},
};

use ferryport_tests::{
    axe,
    browser::{Node, Page},
    content::Content,
    portal,
    servers::{self, Kind, Server, UploadOnly},
    user::{self, Files, WIDE, connect, connected_page},
};

/// The user whose files the servers' logins may change.
const DAEMON: u32 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_creates_renames_and_deletes_without_losing_the_focus() {
    let server = servers::start(Kind::ProFtpd);
    write_on_server(&server, "alpha.txt", 10);
    write_on_server(&server, "beta.tar.gz", 20);
    write_on_server(&server, "full/inside.txt", 5);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    connect(&page, &server).await;

    // A folder: a name that cannot be is refused in place, and a good one gets the focus.
    page.press_button("New folder").await;
    let dialog = page.find("dialog", "New folder").await;
    page.press("Enter").await;
    page.see("The name is missing.").await;
    page.fill("Name", "a/b").await;
    page.press("Enter").await;
    page.see("“a/b” is not a valid name.").await;
    look(&page, "files-1-refused").await;
    page.fill("Name", "full").await;
    page.press("Enter").await;
    page.see("“full” already exists here.").await;
    page.fill("Name", "new").await;
    let make = page.find_in(&dialog, "button", "Create folder").await;
    page.click(&make).await;
    focus_on(&page, "new").await;
    assert!(server.root().join("new").is_dir());

    // Escape takes the question back, and the focus returns to where it was.
    page.press_button("New folder").await;
    page.find("dialog", "New folder").await;
    page.press("Escape").await;
    wait_until_gone(&page, "New folder").await;
    focus_on(&page, "New folder").await;

    // The arrows, a letter, and a name without its extension.
    let row = row(&page, "alpha.txt").await;
    page.click(&row).await;
    focus_on(&page, "alpha.txt").await;
    page.press("ArrowDown").await;
    focus_on(&page, "beta.tar.gz").await;
    page.press("Home").await;
    focus_on(&page, "full").await;
    page.press("b").await;
    focus_on(&page, "beta.tar.gz").await;
    page.press("F2").await;
    page.find("dialog", "Rename “beta.tar.gz”").await;
    let selected = page.run("document.getSelection().toString()").await;
    assert_eq!(selected, "beta.tar");
    page.fill("Name", "alpha.txt").await;
    page.press("Enter").await;
    page.see("“alpha.txt” already exists here.").await;
    page.fill("Name", "zeta.gz").await;
    page.press("Enter").await;
    focus_on(&page, "zeta.gz").await;
    assert!(server.files().contains(&"zeta.gz".to_owned()));

    // What was deleted leaves the focus to what followed it.
    page.press("ArrowUp").await;
    focus_on(&page, "alpha.txt").await;
    page.press("Delete").await;
    let dialog = page.find("dialog", "Delete “alpha.txt”?").await;
    focus_on(&page, "Cancel").await;
    look(&page, "files-2-delete").await;
    let delete = page.find_in(&dialog, "button", "Delete").await;
    page.click(&delete).await;
    focus_on(&page, "zeta.gz").await;
    assert!(!server.files().contains(&"alpha.txt".to_owned()));

    // A folder that holds something is asked about twice.
    page.press("Home").await;
    focus_on(&page, "full").await;
    page.press("Delete").await;
    let dialog = page.find("dialog", "Delete the folder “full”?").await;
    let delete = page.find_in(&dialog, "button", "Delete").await;
    page.click(&delete).await;
    let everything = page.find_in(&dialog, "button", "Delete everything").await;
    page.see("Everything in it is deleted too").await;
    look(&page, "files-3-delete-all").await;
    assert!(server.root().join("full/inside.txt").exists());
    page.click(&everything).await;
    focus_on(&page, "new").await;
    assert!(!server.root().join("full").exists());

    // A refusal is shown beside the request, with cause and remedy.
    refused_by_the_server(&page, &server).await;
    page.finish().await;
}

/// The login may not write in its own directory any more.
async fn refused_by_the_server(page: &Page, server: &Server) {
    chown(server.root(), Some(0), Some(0)).unwrap();
    page.press_button("New folder").await;
    let dialog = page.find("dialog", "New folder").await;
    page.fill("Name", "forbidden").await;
    page.press("Enter").await;
    let told = page.until("the refusal", async || {
        let text = page.text(&dialog).await;
        text.contains("550").then_some(text)
    });
    let told = told.await;
    assert!(told.contains("Creating the folder"), "{told}");
    look(page, "files-4-server-refuses").await;
    let cancel = page.find_in(&dialog, "button", "Cancel").await;
    page.click(&cancel).await;
    wait_until_gone(page, "New folder").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_to_the_directory_that_was_open_when_they_were_dropped() {
    let server = servers::start(Kind::ProFtpd);
    write_on_server(&server, "docs/deep/x.txt", 3);
    write_on_server(&server, "large.bin", 3000);
    write_on_server(&server, "small.bin", 30);
    write_on_server(&server, "film.0123abcd.part", 30);
    let hour = SystemTime::now() - Duration::from_secs(3600);
    date(&server, "small.bin", hour);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    connect(&page, &server).await;
    row(&page, "docs").await;

    page.select("Sort by", "Largest first").await;
    names_to_be(&page, |names| place(names, "large.bin") < place(names, "small.bin")).await;
    page.select("Sort by", "Oldest first").await;
    names_to_be(&page, |names| place(names, "small.bin") < place(names, "large.bin")).await;
    fill_filter(&page, "SMALL").await;
    names_to_be(&page, |names| names == ["small.bin"]).await;
    fill_filter(&page, "nothing of the kind").await;
    page.see("No name contains that text.").await;
    fill_filter(&page, "").await;
    look(&page, "files-5-list").await;
    // Its buttons stand beside a name, and not below it: lines for the name, facts and a note.
    let heights =
        "[...document.querySelectorAll('#remote-files li')].map((row) => row.offsetHeight)";
    let highest = page.run(&format!("Math.max(...{heights})")).await;
    assert!(highest.as_u64().unwrap() <= 80, "a row is {highest} px high");

    // Enter goes in, Backspace goes back to where one came from, and the path leads anywhere.
    let docs = row(&page, "docs").await;
    page.click(&docs).await;
    page.press("Enter").await;
    focus_on(&page, "deep").await;
    page.press("Enter").await;
    focus_on(&page, "x.txt").await;
    page.press("Backspace").await;
    focus_on(&page, "deep").await;
    let path = page.find("navigation", "Path").await;
    let parts = page.children(&path, "button").await;
    let parts: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["/", "docs"]);
    let here = page.run("document.querySelector('[aria-current]').textContent").await;
    assert_eq!(here, "docs");

    // Chosen here, a file goes here, wherever the user goes next.
    let files = Files::new();
    let (a, b) = (Content { len: 3000, seed: 1 }, Content { len: 4000, seed: 2 });
    let file = |name: &str, content| {
        files.add(name, content);
        files.folder().join(name)
    };
    page.choose("Choose files", &[file("chosen.bin", a)]).await;
    let top = page.find_in(&path, "button", "/").await;
    page.click(&top).await;
    let docs = row(&page, "docs").await;
    // Over a directory, the page names the target of dropped files, and uploads them to it.
    let dropped = [file("dropped.bin", b)];
    page.hold_files(&docs, &dropped).await;
    page.see("Target folder: /docs").await;
    look(&page, "files-6-dragging").await;
    let docs = row(&page, "docs").await;
    page.drop_files(&docs, &dropped).await;
    page.until("both files", async || {
        let stored = ["docs/chosen.bin", "docs/dropped.bin"].map(|path| server.sha256_of(path));
        (stored == [Some(a.sha256()), Some(b.sha256())]).then_some(())
    })
    .await;
    page.see("Target folder: / (main folder)").await;

    // What an upload left behind is called so, and can be taken away.
    let leftover = row(&page, "film.0123abcd.part").await;
    assert!(page.text(&leftover).await.contains("Unfinished part of film"));
    let remove = page.find_in(&leftover, "button", "Remove").await;
    page.click(&remove).await;
    let dialog = page.find("dialog", "Remove the unfinished part of “film”?").await;
    let remove = page.find_in(&dialog, "button", "Remove").await;
    page.click(&remove).await;
    page.until("its removal", async || {
        (!server.files().iter().any(|file| file.contains("film"))).then_some(())
    })
    .await;
    page.finish().await;
}

/// The listing does not tell whether a link leads to a folder; `CWD` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_folder_is_opened_and_deleted_as_a_link() {
    let portal = portal!();
    for kind in [Kind::Vsftpd, Kind::PureFtpd, Kind::ProFtpd] {
        let server = servers::start(kind);
        write_on_server(&server, "real/inside.txt", 5);
        write_on_server(&server, "file.txt", 5);
        symlink("real", server.root().join("to folder")).unwrap();
        symlink("file.txt", server.root().join("to file")).unwrap();
        let page = Page::open(&portal.support_url(), WIDE).await;
        connect(&page, &server).await;
        let link = row(&page, "to folder").await;
        page.click(&link).await;
        page.press("Enter").await;
        focus_on(&page, "inside.txt").await;
        page.press("Backspace").await;
        focus_on(&page, "to folder").await;
        if kind == Kind::Vsftpd {
            // A link to a file cannot be opened; the folder in view stays.
            let link = row(&page, "to file").await;
            page.click(&link).await;
            page.press("Enter").await;
            page.see("550").await;
            row(&page, "to file").await;
            let link = row(&page, "to folder").await;
            page.click(&link).await;
            page.press("Delete").await;
            let dialog = page.find("dialog", "Delete “to folder”?").await;
            let delete = page.find_in(&dialog, "button", "Delete").await;
            page.click(&delete).await;
            wait_until_gone(&page, "Delete “to folder”?").await;
            let stays = server.root().join("real/inside.txt").exists();
            assert!(stays && !server.root().join("to folder").is_symlink());
        }
        page.finish().await;
    }
}

/// The server denies to list the folder, and to tell the size of a file in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_only_folder_is_used_and_an_existing_name_is_asked_about() {
    let options = servers::Options { upload_only: UploadOnly::Directory, ..Default::default() };
    let server = Server::start(Kind::ProFtpd, options);
    let old = format!("{}/old.txt", Server::UPLOAD_ONLY);
    write_on_server(&server, &old, 10);
    let before = server.sha256_of(&old);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    // ProFTPD does not list a directory that must not be listed: a link leads there.
    let (port, user) = (server.port(), server.username());
    let link = format!("host=127.0.0.1&port={port}&user={user}&path=/drop%20box");
    page.run(&format!("location.hash = '{link}'; null")).await;
    connect(&page, &server).await;
    page.see(&format!("Target folder: /{}", Server::UPLOAD_ONLY)).await;
    page.see("You can upload files to this folder.").await;
    let (files, new) = (Files::new(), Content { len: 3000, seed: 1 });
    files.add("old.txt", new);
    files.add("new.txt", new);
    page.choose("Choose files", &files.paths()).await;
    user::status_of(&page, "new.txt", "Done").await;
    user::status_of(&page, "old.txt", "Needs a decision").await;
    assert_eq!(server.sha256_of(&format!("{}/new.txt", Server::UPLOAD_ONLY)), Some(new.sha256()));
    assert_eq!(server.sha256_of(&old), before);
    user::press_in_row(&page, "old.txt", "Replace").await;
    user::status_of(&page, "old.txt", "Done").await;
    assert_eq!(server.sha256_of(&old), Some(new.sha256()));
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_and_another_language_keep_the_folder_and_the_choices() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::ProFtpd).await;
    page.press_button(Server::READ_ONLY).await;
    page.see(&format!("Target folder: /{}", Server::READ_ONLY)).await;
    page.select("If a file is there already", "Skip").await;
    page.run("document.getElementById('by-folder').click(); null").await;
    let choices = "document.getElementById('policy').value
        + document.getElementById('by-folder').getAttribute('aria-pressed')";
    page.reload().await;
    page.see(&format!("Target folder: /{}", Server::READ_ONLY)).await;
    assert_eq!(page.run(choices).await, "skipfalse");
    page.run("document.querySelector('a[hreflang=de]').click(); null").await;
    let german = "document.querySelector('.drop-target')?.innerText";
    page.until("the page in German", async || {
        let shown = page.run(german).await;
        let wanted = format!("Zielordner: /{}", Server::READ_ONLY);
        shown.as_str()?.starts_with(&wanted).then_some(())
    })
    .await;
    assert_eq!(page.run(choices).await, "skipfalse");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_sorted_by_language_and_keys_move_through_them() {
    let server = servers::start(Kind::ProFtpd);
    for name in ["Zebra", "Apfel", "Ärger", "file 10", "file 2", "file 1"] {
        write_on_server(&server, &format!("letters/{name}"), 1);
    }
    for n in 1..=25 {
        write_on_server(&server, &format!("numbers/{n}"), 1);
    }
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    connect(&page, &server).await;

    let letters = row(&page, "letters").await;
    page.click(&letters).await;
    page.press("Enter").await;
    let mut ordered = ["Apfel", "Ärger", "file 1", "file 2", "file 10", "Zebra"];
    names_to_be(&page, |names| names == ordered).await;
    page.select("Sort by", "Name, last first").await;
    ordered.reverse();
    names_to_be(&page, |names| names == ordered).await;
    page.select("Sort by", "Name").await;

    // The row keeps its identity when it moves; the directory that was left has the focus.
    focus_on(&page, "Apfel").await;
    page.press("Alt+ArrowUp").await;
    focus_on(&page, "letters").await;
    page.press("ArrowDown").await;
    page.press("Enter").await;
    focus_on(&page, "1").await;
    for (key, name) in [
        ("PageDown", "11"),
        ("PageDown", "21"),
        ("PageDown", "25"),
        ("PageUp", "15"),
        ("End", "25"),
        ("Home", "1"),
        ("ArrowUp", "1"),
    ] {
        page.press(key).await;
        focus_on(&page, name).await;
    }
    fill_filter(&page, "2").await;
    page.press("ArrowDown").await;
    focus_on(&page, "2").await;
    page.press("PageDown").await;
    focus_on(&page, "25").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_of_ten_thousand_entries_keeps_few_rows_in_the_document() {
    const FILES: usize = 10_000;
    let server = servers::start(Kind::Vsftpd);
    for n in 0..FILES {
        fs::write(server.root().join(format!("file {n:05}")), "x").unwrap();
    }
    let portal = portal!();
    let page = Page::open("about:blank", WIDE).await;
    page.run_before_load(WATCH_LONG_TASKS).await;
    page.go_to(&portal.support_url()).await;
    connect(&page, &server).await;

    // The directory that is there anyway is one more than the portal lists.
    page.see("1 more is not shown.").await;
    row(&page, "file 00000").await;
    let rows = async || {
        let rows = page.run("document.querySelectorAll('#remote-files li').length").await;
        rows.as_u64().unwrap()
    };
    assert!(rows().await <= 300, "{} rows", rows().await);
    let size = page.run("document.querySelector('#remote-files li').ariaSetSize").await;
    assert_eq!(size, "10000");
    println!("longest task until they are listed: {} ms", page.run("longestTask").await);
    look(&page, "files-7-ten-thousand").await;

    // The keyboard reaches rows that are not in the document.
    let first = row(&page, "file 00000").await;
    page.click(&first).await;
    page.press("End").await;
    focus_on(&page, "file 09999").await;
    assert!(rows().await <= 300, "{} rows", rows().await);
    let place = page.run("document.activeElement.ariaPosInSet").await;
    assert_eq!(place, "10000");
    page.press("ArrowUp").await;
    focus_on(&page, "file 09998").await;
    page.press("Home").await;
    focus_on(&page, "file 00000").await;

    // Scrolled away from, the current row can still be reached, from the list.
    page.run("document.querySelector('#remote-files').scrollTop = 200000; null").await;
    page.until("rows of the middle", async || {
        let place = page.run("document.querySelector('#remote-files li').ariaPosInSet").await;
        (place.as_str()?.parse::<u32>().ok()? > 1000).then_some(())
    })
    .await;
    focus_on(&page, "Remote files").await;
    assert!(rows().await <= 300, "{} rows", rows().await);
    page.press("ArrowDown").await;
    focus_on(&page, "file 00001").await;

    fill_filter(&page, "777").await;
    names_to_be(&page, |names| names.len() == 19 && names[0] == "file 00777").await;
    page.finish().await;
}

/// Notes how long the page was busy at a stretch.
const WATCH_LONG_TASKS: &str = "
    window.longestTask = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => {
        window.longestTask = Math.max(window.longestTask, duration);
    })).observe({ type: 'longtask', buffered: true });
";

/// A file that the login may change, and the folders above it.
fn write_on_server(server: &Server, path: &str, len: u64) {
    let mut directory = server.root();
    for part in Path::new(path).parent().unwrap() {
        directory.push(part);
        let _ = fs::create_dir(&directory);
        chown(&directory, Some(DAEMON), Some(DAEMON)).unwrap();
    }
    let file = server.root().join(path);
    fs::write(&file, Content { len, seed: 0 }.piece(0, len)).unwrap();
    chown(file, Some(DAEMON), Some(DAEMON)).unwrap();
}

fn date(server: &Server, path: &str, modified: SystemTime) {
    let file = fs::File::options().append(true).open(server.root().join(path)).unwrap();
    file.set_modified(modified).unwrap();
}

/// The row of an entry, once it is there.
async fn row(page: &Page, name: &str) -> Node {
    let list = page.find("list", "Remote files").await;
    page.find_in(&list, "listitem", name).await
}

/// Waits until the names of the rows, from the top, are as they should be.
async fn names_to_be(page: &Page, are: impl Fn(&[&str]) -> bool) {
    let names = "[...document.querySelectorAll('#remote-files li')].map((row) => row.ariaLabel)";
    page.until("the rows in their order", async || {
        let names = page.run(names).await;
        let names: Vec<_> = names.as_array()?.iter().filter_map(|name| name.as_str()).collect();
        are(&names).then_some(())
    })
    .await;
}

fn place(names: &[&str], wanted: &str) -> usize {
    names.iter().position(|name| *name == wanted).unwrap_or(usize::MAX)
}

async fn fill_filter(page: &Page, text: &str) {
    page.fill("Filter by name", text).await;
}

/// Waits until the element of this name has the focus.
async fn focus_on(page: &Page, name: &str) {
    let focused = "(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()";
    page.until(&format!("the focus on {name:?}"), async || {
        (page.run(focused).await == name).then_some(())
    })
    .await;
}

/// Waits until a dialog is closed.
async fn wait_until_gone(page: &Page, dialog: &str) {
    page.until(&format!("{dialog:?} to close"), async || {
        page.all("dialog", dialog).await.is_empty().then_some(())
    })
    .await;
}

/// Pictures of a state, in which axe-core has nothing to say.
async fn look(page: &Page, state: &str) {
    user::look(page, state, "#remote").await;
    let violations = axe::violations(page).await;
    assert!(violations.is_empty(), "{state}: {violations:#?}");
}
