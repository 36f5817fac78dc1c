//! A headless browser that acts as a user does: it finds elements by role and name, types, clicks,
//! chooses and drops files.
//!
//! # Layers
//! - `keys`: keys by their names.
//! - `program`: the browsers' programs.
//! - `wire`: commands, answers and events over a WebSocket.
//! - `chromium`, `firefox`: how each of them is started and controlled.
//! - this module: [`Page`], the actions of a test, the same in each browser.
//! - `find`: elements by role and name, and waits for them.
//! - `uploads`: the list `Uploads`.
//! - `layout`: screenshots and layout shifts.

mod chromium;
mod find;
mod firefox;
mod keys;
mod layout;
mod program;
mod uploads;
mod wire;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{sleep, timeout},
};

use self::keys::Stroke;
pub use self::uploads::Shown;

/// Browsers at once: they share the processor with the servers and the portal.
static BROWSERS: Semaphore = Semaphore::const_new(2);

const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a page may take to tell whether a click reached its element, before it counts as stopped
/// by a question that the click opened.
const CLICK_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two polls of the page.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// Parts of the errors of an evaluation whose page was left while it ran: Chromium's, then Firefox's.
const PAGE_LEFT: [&str; 4] = [
    "Inspected target navigated or closed",
    "Execution context was destroyed",
    "Cannot find context with specified id",
    "destroyed before query",
];

/// A part of Firefox's error about an element that is not in the page any more.
const NODE_GONE: &str = "no such node";

/// The most pages that one evaluation may lose before it fails.
const MAX_PAGES_LEFT: usize = 100;

/// A tab with one page, in a browser of its own.
///
/// Everything that the page reports to the console, and every violation of its content security
/// policy, is kept; [`Page::finish`] fails the test for it.
pub struct Page {
    tab: Tab,
    _permit: SemaphorePermit<'static>,
}

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Browser {
    /// Debian's `chromium`, or another of its family.
    Chromium,
    /// Debian's `firefox-esr`, or another release.
    Firefox,
}

enum Tab {
    Chromium(Box<chromium::Tab>),
    Firefox(Box<firefox::Tab>),
}

/// Calls the same method in either browser.
macro_rules! in_tab {
    ($page:expr, $tab:ident => $do:expr) => {
        match &$page.tab {
            Tab::Chromium($tab) => $do,
            Tab::Firefox($tab) => $do,
        }
    };
}

use in_tab;

/// The colour scheme that the system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Dark text on a light ground.
    Light,
    /// Light text on a dark ground.
    Dark,
}

impl Scheme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// Its name in Media Queries 5 §11.5.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What to load.
#[derive(Clone, Copy, Debug)]
enum Load<'a> {
    Address(&'a str),
    Again,
}

/// How a drag of files ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drag {
    /// The files stay over the page.
    Hold,
    /// They are dropped.
    Drop,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub struct Node {
    /// The browser's handle of the element.
    object: String,
    /// Its accessible name.
    pub name: String,
}

impl Page {
    /// Starts Chromium and opens the address in a window of `width` pixels.
    ///
    /// # Panics
    /// When there is no Chromium, or it does not start.
    pub async fn open(url: &str, width: u32) -> Self {
        Self::open_in(Browser::Chromium, url, width).await
    }

    /// Starts a browser and opens the address in a window of `width` pixels.
    ///
    /// # Panics
    /// When the browser is not there, or does not start.
    pub async fn open_in(browser: Browser, url: &str, width: u32) -> Self {
        let permit = BROWSERS.acquire().await.expect("the semaphore stays open");
        let tab = match browser {
            Browser::Chromium => Tab::Chromium(Box::new(chromium::Tab::open().await)),
            Browser::Firefox => Tab::Firefox(Box::new(firefox::Tab::open().await)),
        };
        let page = Self { tab, _permit: permit };
        page.resize(width).await;
        page.go_to(url).await;
        page
    }

    /// Returns the process id of the browser's first process.
    #[must_use]
    pub fn id(&self) -> u32 {
        in_tab!(self, tab => tab.process().id())
    }

    /// Opens an address and waits until it has loaded. It confirms that the page may be left.
    pub async fn go_to(&self, url: &str) {
        in_tab!(self, tab => tab.load(Load::Address(url)).await);
    }

    /// Runs a script in each document that is loaded from now on, before any script of its own.
    pub async fn run_before_load(&self, script: &str) {
        in_tab!(self, tab => tab.run_before_load(script).await);
    }

    /// Duplicates the tab with its session storage; scripts of the page find the other tab as
    /// `window.twin`. In Chromium alone.
    ///
    /// # Panics
    /// When no other tab opens.
    pub async fn duplicate(&self) {
        self.chromium().duplicate().await;
    }

    /// Loads the page again and waits until it has loaded. It confirms that the page may be left.
    pub async fn reload(&self) {
        in_tab!(self, tab => tab.load(Load::Again).await);
    }

    /// Ends the tab's process, as a fault or a lack of memory does, and loads the page again. In
    /// Chromium alone.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn crash(&self) {
        self.chromium().crash().await;
    }

    /// Takes the browser off the network, or back on it. Open connections stay. In Chromium alone.
    ///
    /// # Panics
    /// When the browser does not.
    pub async fn go_offline(&self, offline: bool) {
        self.chromium().go_offline(offline).await;
    }

    fn chromium(&self) -> &chromium::Tab {
        match &self.tab {
            Tab::Chromium(tab) => tab,
            Tab::Firefox(_) => panic!("only Chromium supports this"),
        }
    }

    /// Stops the browser's work for the harness, above all the updates of the accessibility tree, for
    /// measurements. Finding an element starts it again. In Chromium alone.
    pub async fn pause_harness(&self) {
        self.chromium().pause_harness().await;
    }

    /// Makes the window `width` pixels wide.
    pub async fn resize(&self, width: u32) {
        let height = if width < 600 { 780 } else { 900 };
        in_tab!(self, tab => tab.resize(width, height).await);
    }

    /// Makes the window as large as this, in pixels of the style sheet: at twice the zoom there are
    /// half as many.
    pub async fn resize_to(&self, width: u32, height: u32) {
        in_tab!(self, tab => tab.resize(width, height).await);
    }

    /// Has the system replace the page's colours by its own, dark ones or light ones, until
    /// [`Page::prefer`]. In Chromium alone.
    ///
    /// # Panics
    /// When the browser is another one.
    pub async fn force_colours(&self, scheme: Scheme) {
        self.chromium().force_colours(scheme).await;
    }

    /// Has the system prefer these colours.
    pub async fn prefer(&self, scheme: Scheme) {
        in_tab!(self, tab => tab.prefer(scheme).await);
    }

    /// Replaces the text of a field by typing.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        self.eval(&field, "function() { this.focus(); this.select(); }", &[]).await;
        if text.is_empty() {
            self.press("Delete").await;
        } else {
            in_tab!(self, tab => tab.type_text(text).await);
        }
    }

    /// Chooses an option of a select by its text.
    ///
    /// # Panics
    /// When there is no such option.
    pub async fn select(&self, label: &str, option: &str) {
        let field = self.field(label).await;
        let function = "function(text) {
            const option = [...this.options].find((option) => option.text === text);
            if (!option) return false;
            this.value = option.value;
            this.dispatchEvent(new Event('input', { bubbles: true }));
            this.dispatchEvent(new Event('change', { bubbles: true }));
            return true;
        }";
        let found = self.eval(&field, function, &[json!(option)]).await;
        assert_eq!(found, true, "{label} has no option {option}");
    }

    /// Clicks on the button, once it is there and can be clicked on.
    pub async fn press_button(&self, name: &str) {
        let button = self.find("button", name).await;
        self.click(&button).await;
    }

    /// Clicks in the middle of an element, once it can be clicked on. An element that moves between
    /// the look at its place and the click, or that is still disabled, is clicked on again.
    ///
    /// # Panics
    /// When no click reaches it.
    pub async fn click(&self, node: &Node) {
        let watch = "function() {
            this.clickArrived = false;
            this.addEventListener('click', () => { this.clickArrived = true; },
                { capture: true, once: true });
        }";
        self.until(&format!("a click on {:?}", node.name), async || {
            self.eval(node, watch, &[]).await;
            let clicked = in_tab!(self, tab => tab.click(node).await);
            (clicked.is_ok() && self.click_arrived(node).await).then_some(())
        })
        .await;
    }

    /// Returns whether the element was clicked on. An element that is gone or cannot be asked was: the
    /// click removed it, left its page, or opened a question that stops the page.
    async fn click_arrived(&self, node: &Node) -> bool {
        let arrived = "function() { return this.clickArrived || !this.isConnected; }";
        let asked = async { in_tab!(self, tab => tab.call_on(node, arrived, &[]).await) };
        !matches!(timeout(CLICK_LIMIT, asked).await, Ok(Ok(Value::Bool(false))))
    }

    /// Brings the pointer over the middle of an element. In Chromium alone.
    ///
    /// # Panics
    /// When the browser is another one.
    pub async fn point_at(&self, node: &Node) {
        self.chromium().point_at(node).await;
    }

    /// Presses and releases a key: one that has a name in UI Events (`Enter`, `Tab`, `ArrowDown`,
    /// and `Space`) or a letter, with others held (`Shift+Tab`, `Control+a`).
    ///
    /// # Panics
    /// When there is no such key.
    pub async fn press(&self, key: &str) {
        let stroke = Stroke::named(key);
        in_tab!(self, tab => tab.press(&stroke).await);
    }

    /// Returns whether this element has the focus.
    pub async fn has_focus(&self, node: &Node) -> bool {
        let is = "function() { return this === document.activeElement; }";
        match in_tab!(self, tab => tab.call_on(node, is, &[]).await) {
            Ok(value) => value == true,
            // One that was drawn anew has another handle.
            Err(error) if error.contains(NODE_GONE) => false,
            Err(error) => panic!("{is}: {error}"),
        }
    }

    /// Presses a key until an element has the focus, `times` at most.
    ///
    /// # Panics
    /// When it does not come to have it.
    pub async fn press_up_to(&self, key: &str, node: &Node, times: u32) {
        for _ in 0..times {
            if self.has_focus(node).await {
                return;
            }
            self.press(key).await;
        }
        assert!(self.has_focus(node).await, "{key} does not lead to {:?}", node.name);
    }

    /// Presses a button that opens the browser's dialog for files, and chooses these there.
    ///
    /// # Panics
    /// When no dialog opens.
    pub async fn choose(&self, button: &str, paths: &[PathBuf]) {
        let button = self.find("button", button).await;
        in_tab!(self, tab => tab.choose(&button, paths).await);
    }

    /// Permits the page to save files in a folder and to read the clipboard. In Chromium alone.
    ///
    /// # Panics
    /// In another browser.
    pub async fn allow_downloads(&self, folder: &Path) {
        match &self.tab {
            Tab::Chromium(tab) => tab.allow_downloads(folder).await,
            Tab::Firefox(_) => panic!("Firefox asks a user before a page reads the clipboard"),
        }
    }

    /// Drags files from outside onto an element and drops them there.
    pub async fn drop_files(&self, onto: &Node, paths: &[PathBuf]) {
        in_tab!(self, tab => tab.drag_files(onto, paths, Drag::Drop).await);
    }

    /// Drags files from outside onto an element and holds them there.
    pub async fn hold_files(&self, over: &Node, paths: &[PathBuf]) {
        in_tab!(self, tab => tab.drag_files(over, paths, Drag::Hold).await);
    }

    /// Returns the text of an element, as it is rendered.
    pub async fn text(&self, node: &Node) -> String {
        let text = self.eval(node, "function() { return this.innerText; }", &[]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Returns the text of the whole page, as it is rendered.
    pub async fn all_text(&self) -> String {
        let text = self.run("document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Returns the value of an expression in the page. If the page is left while it runs, it runs again in
    /// the next one.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run(&self, expression: &str) -> Value {
        let value =
            again_in_the_next_page(async || in_tab!(self, tab => tab.evaluate(expression).await));
        value.await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Returns the value of an expression in an isolated world, which shares only the document with
    /// the page, and to which no content security policy applies.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run_apart(&self, expression: &str) -> Value {
        let value = again_in_the_next_page(
            async || in_tab!(self, tab => tab.evaluate_apart(expression).await),
        );
        value.await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the page's errors, warnings, exceptions, and violations of its content security policy.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        in_tab!(self, tab => tab.complaints())
    }

    /// Ends the test of a page. The page must have reported no error.
    ///
    /// # Panics
    /// When it did.
    pub async fn finish(self) {
        // Events in transit arrive before the response to this.
        self.run("new Promise((done) => setTimeout(done, 0))").await;
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the page complained: {complaints:#?}");
    }

    /// Calls a function with the element as `this`.
    async fn eval(&self, node: &Node, function: &str, arguments: &[Value]) -> Value {
        let value = in_tab!(self, tab => tab.call_on(node, function, arguments).await);
        value.unwrap_or_else(|error| panic!("{function}: {error}"))
    }
}

/// Repeats an evaluation until no page is left while it runs: what it did in that page is gone with it.
async fn again_in_the_next_page(
    mut evaluate: impl AsyncFnMut() -> Result<Value, String>,
) -> Result<Value, String> {
    for _ in 1..MAX_PAGES_LEFT {
        match evaluate().await {
            Err(error) if PAGE_LEFT.iter().any(|part| error.contains(part)) => {
                sleep(POLL_PAUSE).await;
            }
            value => return value,
        }
    }
    evaluate().await
}
