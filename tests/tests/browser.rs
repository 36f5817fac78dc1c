//! The harness's browsers behave as the other tests assume.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use ferryport_tests::{
    axe,
    browser::{Browser, Page, Scheme},
    with_each_browser,
};

const FORM: &str = r#"<!doctype html><title>A form</title><link rel="icon" href="data:,">
<form aria-label="Connect"><label>Host <input></label><label>Port <input type="number"></label>
<label>Encryption <select><option>Explicit TLS</option><option>Implicit TLS</option></select></label>
<button type="button">Connect</button><button type="button" hidden>Hidden</button></form>
<button type="button" id="pick">Choose files</button><input type="file" multiple hidden id="files">
<button type="button" id="pick-folder">Choose folder</button>
<input type="file" webkitdirectory multiple hidden id="folder">
<div role="region" aria-label="Drop zone" id="zone">Drop here</div><p id="out"></p>
<script>
const say = (text) => { out.textContent = text; };
document.querySelector('form button').onclick = () => say('pressed ' +
    [...document.querySelectorAll('form input, form select')].map((field) => field.value).join(' '));
const names = (list) => [...list].map((file) => file.webkitRelativePath || file.name).sort().join(' ');
pick.onclick = () => files.click();
document.getElementById('pick-folder').onclick = () => folder.click();
files.onchange = () => say('chosen ' + names(files.files));
folder.onchange = () => say('chosen ' + names(folder.files));
zone.ondragover = (event) => event.preventDefault();
zone.ondrop = (event) => { event.preventDefault(); say('dropped ' + names(event.dataTransfer.files)); };
</script>"#;

/// A text that can hardly be read, a picture and a field without a name.
const FAULTY: &str = r#"<!doctype html><html lang="en"><title>Faulty</title>
<link rel="icon" href="data:,"><main><h1>Faulty</h1><p style="color: #ccc; background: #fff">Pale</p>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><input></main></html>"#;

/// A document in which an element is inserted above a painted one.
const SHIFTING: &str = r#"<!doctype html><title>Shifts</title><link rel="icon" href="data:,">
<div id="late"></div><div style="height: 500px; background: grey">below</div>
<script>requestAnimationFrame(() => setTimeout(() => {
    late.style.height = '300px';
    late.textContent = 'late';
}, 300));</script>"#;

with_each_browser! {
    async fn elements_are_found_by_role_and_name(browser: Browser) {
        let page = Page::open_in(browser, &serve("", FORM), 1440).await;
        page.fill("Host", "ftp.example.org").await;
        page.fill("Port", "21").await;
        page.fill("Port", "990").await;
        page.select("Encryption", "Implicit TLS").await;
        page.press_button("Connect").await;
        page.see("pressed ftp.example.org 990 Implicit TLS").await;
        assert!(page.all("button", "Hidden").await.is_empty());
        page.finish().await;
    }

    async fn files_and_folders_are_chosen_and_dropped(browser: Browser) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let file = folder.path().join("ünder #1.txt");
        fs::write(&file, "1").unwrap();
        fs::write(folder.path().join("deep/2.txt"), "2").unwrap();
        let page = Page::open_in(browser, &serve("", FORM), 1440).await;

        page.choose("Choose files", std::slice::from_ref(&file)).await;
        page.see("chosen ünder #1.txt").await;

        let root = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        page.choose("Choose folder", &[folder.path().to_owned()]).await;
        page.see(&format!("chosen {root}/deep/2.txt {root}/ünder #1.txt")).await;

        let zone = page.find("region", "Drop zone").await;
        page.drop_files(&zone, &[file]).await;
        page.see("dropped ünder #1.txt").await;
        page.finish().await;
    }

    async fn violations_of_the_content_security_policy_are_recorded(browser: Browser) {
        let policy = "Content-Security-Policy: default-src 'none'\r\n";
        let page = Page::open_in(browser, &serve(policy, FORM), 1440).await;
        let words = match browser {
            Browser::Chromium => "Content Security Policy",
            Browser::Firefox => "Content-Security-Policy",
        };
        page.until("a complaint", async || {
            let complaints = page.complaints();
            complaints.iter().any(|complaint| complaint.contains(words)).then_some(())
        })
        .await;
    }

    async fn keys_go_to_the_focused_element(browser: Browser) {
        let page = Page::open_in(browser, &serve("", FORM), 360).await;
        let host = page.field("Host").await;
        page.click(&host).await;
        for key in ["a", "b", "Space", "ArrowLeft", "ArrowLeft", "c", "Shift+Home", "Delete"] {
            page.press(key).await;
        }
        let button = page.find("button", "Connect").await;
        page.press_up_to("Tab", &button, 5).await;
        page.press("Enter").await;
        page.see("pressed b Explicit TLS").await;
        page.press("Shift+Tab").await;
        assert!(page.has_focus(&page.field("Encryption").await).await);
        page.press("ArrowDown").await;
        page.press_up_to("Tab", &button, 1).await;
        page.press("Space").await;
        page.see("pressed b Implicit TLS").await;
        page.finish().await;
    }

    async fn the_window_has_the_requested_width_and_colour_scheme(browser: Browser) {
        let page = Page::open_in(browser, &serve("", FORM), 360).await;
        let shown = "`${innerWidth} ${matchMedia('(prefers-color-scheme: dark)').matches}`";
        for (width, scheme, wanted) in
            [(360, Scheme::Dark, "360 true"), (1440, Scheme::Light, "1440 false")]
        {
            page.resize(width).await;
            page.prefer(scheme).await;
            page.until(wanted, async || (page.run(shown).await == wanted).then_some(())).await;
        }
        page.finish().await;
    }

    async fn scripts_in_the_isolated_world_leave_no_trace_in_the_page(browser: Browser) {
        let policy = "Content-Security-Policy: script-src 'none'\r\n";
        let page = Page::open_in(browser, &serve(policy, FORM), 1440).await;
        let title = page.run_apart("window.trace = 1; document.title").await;
        assert_eq!(title, "A form");
        assert_eq!(page.run("typeof window.trace").await, "undefined");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_violations() {
    let page =
        Page::open(&serve("Content-Security-Policy: script-src 'none'\r\n", FAULTY), 1440).await;
    let found = axe::violations(&page).await;
    for (rule, selector) in [("color-contrast", "p"), ("image-alt", "img"), ("label", "input")] {
        let violation = found.iter().find(|violation| violation.rule == rule);
        let violation = violation.unwrap_or_else(|| panic!("no {rule} among {found:#?}"));
        assert_eq!(violation.places[0].selector, selector, "{violation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_element_that_moves_by_itself_is_a_layout_shift() {
    let still = Page::open(&serve("", FORM), 1440).await;
    assert_eq!(still.layout_shifts().await, [""; 0]);
    drop(still);
    let moving = Page::open(&serve("", SHIFTING), 1440).await;
    moving.see("late").await;
    let shifts = moving.layout_shifts().await;
    assert!(shifts.iter().any(|shift| shift.contains("DIV: 8,8 1424x500 to 8,308")), "{shifts:?}");
}

/// Serves one document, and 404 for other paths. Returns its address.
fn serve(headers: &'static str, document: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(&stream, headers, document));
        }
    });
    url
}

fn answer(mut stream: &TcpStream, headers: &str, document: &str) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let (status, body) = match first.starts_with("GET / ") {
        true => ("200 OK", document),
        false => ("404 Not Found", ""),
    };
    // The rest of the request, up to its empty line.
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
