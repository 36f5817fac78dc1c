//! A headless Chromium that does what a person does: looks for things by their role and their
//! name, types, clicks, chooses and drops files.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

use crate::{
    cdp::Cdp,
    process::{Process, wait_for},
};

/// Browsers at once: they share the processor with the servers and the portal.
static BROWSERS: Semaphore = Semaphore::const_new(2);

const START_LIMIT: Duration = Duration::from_secs(60);

/// How long something that is bound to appear may take.
const APPEAR_LIMIT: Duration = Duration::from_secs(60);

/// A tab with one page, in a browser of its own.
///
/// Everything that the page reports to the console, and every violation of its content security
/// policy, is kept; [`Page::finish`] fails the test for it.
pub struct Page {
    cdp: Cdp,
    session: String,
    process: Process,
    _folder: TempDir,
    _permit: SemaphorePermit<'static>,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the browser calls the element.
    object: String,
    /// Its accessible name.
    pub name: String,
}

/// What the page shows of one upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The list item's label: the file's path.
    pub label: String,
    /// The status text, from its first word on.
    pub status: String,
    /// How far the progress bar is, in percent of its range.
    pub percent: u32,
}

impl Page {
    /// Starts a browser and opens the address in a window of `width` pixels.
    ///
    /// # Panics
    /// When there is no Chromium, or it does not start.
    pub async fn open(url: &str, width: u32) -> Self {
        let permit = BROWSERS.acquire().await.expect("the semaphore stays open");
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let mut process = Process::start(
            &chromium(),
            arguments(folder.path()),
            [
                ("HOME", OsString::from(folder.path())),
                // Chromium takes the names of files to be in the locale's encoding.
                ("LC_ALL", OsString::from("C.UTF-8")),
            ],
            folder.path().join("output.log"),
        );
        let endpoint = wait_for(START_LIMIT, || {
            if let Some(status) = process.exit_status() {
                panic!("Chromium ended: {status}\n{}", process.output());
            }
            printed_endpoint(&process.output())
        });
        let Some(endpoint) = endpoint else {
            panic!("Chromium does not start:\n{}", process.output());
        };
        let cdp = Cdp::connect(&endpoint).await;
        let session = open_tab(&cdp).await;
        let page = Self { cdp, session, process, _folder: folder, _permit: permit };
        for domain in ["Page", "Runtime", "Log", "Audits", "DOM", "Accessibility"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.resize(width).await;
        page.go_to(url).await;
        page
    }

    /// The process id of the browser, which starts others.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Opens an address and waits until it has loaded.
    pub async fn go_to(&self, url: &str) {
        self.cdp.forget("Page.loadEventFired");
        let answer = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        self.until("the page to load", async || {
            let loaded = self.cdp.events(&["Page.loadEventFired"]);
            (!loaded.is_empty()).then_some(())
        })
        .await;
    }

    /// Runs a script in each document that is loaded from now on, before any script of its own.
    pub async fn run_before_load(&self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Duplicates the tab, with all that it keeps for itself; scripts of the page find the other one
    /// as `window.twin`.
    pub async fn duplicate(&self) {
        let parameters = json!({
            "expression": "(window.twin = window.open(location.href)) !== null",
            "returnByValue": true, "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", parameters).await;
        assert_eq!(answer["result"]["value"], true, "the browser opens no other tab: {answer}");
        // A tab that is not seen is drawn rarely, or not at all.
        self.call("Page.bringToFront", json!({})).await;
    }

    /// Loads the page again, as a person does who insists on it, and waits until it has loaded.
    pub async fn reload(&self) {
        const ASKS: &str = "Page.javascriptDialogOpening";
        self.cdp.forget("Page.loadEventFired");
        self.cdp.forget(ASKS);
        self.call("Page.reload", json!({})).await;
        self.until("the page to load again", async || {
            if !self.cdp.events(&[ASKS]).is_empty() {
                self.cdp.forget(ASKS);
                self.call("Page.handleJavaScriptDialog", json!({ "accept": true })).await;
            }
            let loaded = self.cdp.events(&["Page.loadEventFired"]);
            (!loaded.is_empty()).then_some(())
        })
        .await;
    }

    /// Ends the tab's process, as a fault or a lack of memory does, and loads the page again.
    pub async fn crash(&self) {
        // There is nobody left to answer.
        let _gone =
            tokio::time::timeout(Duration::from_secs(1), self.try_call("Page.crash", json!({})))
                .await;
        self.until("the crash", async || {
            (!self.cdp.events(&["Inspector.targetCrashed"]).is_empty()).then_some(())
        })
        .await;
        self.cdp.forget("Inspector.targetCrashed");
        self.reload().await;
    }

    /// Takes the browser off the network, or back on it. Connections that exist are not cut by it.
    pub async fn go_offline(&self, offline: bool) {
        self.call("Network.enable", json!({})).await;
        self.call(
            "Network.emulateNetworkConditions",
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1,
                    "uploadThroughput": -1 }),
        )
        .await;
    }

    /// Stops everything that the harness has the browser do beside the page: above all, keeping the
    /// tree of accessible names up to date with each change. For measuring; looking for things by
    /// their names starts it again.
    pub async fn leave_alone(&self) {
        for domain in ["Accessibility", "Audits", "Log", "DOM"] {
            self.call(&format!("{domain}.disable"), json!({})).await;
        }
    }

    /// Makes the window `width` pixels wide.
    pub async fn resize(&self, width: u32) {
        let height = if width < 600 { 780 } else { 900 };
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
    }

    /// The visible elements of a role whose accessible name is `name`.
    pub async fn all(&self, role: &str, name: &str) -> Vec<Node> {
        self.query(None, role, Some(name)).await
    }

    /// The element of a role and an accessible name, once it is there.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn find(&self, role: &str, name: &str) -> Node {
        self.until(&format!("the {role} {name:?}"), async || {
            self.all(role, name).await.into_iter().next()
        })
        .await
    }

    /// The same, inside another element.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn find_in(&self, parent: &Node, role: &str, name: &str) -> Node {
        self.until(&format!("the {role} {name:?} in {:?}", parent.name), async || {
            let nodes = self.query(Some(parent), role, Some(name)).await;
            nodes.into_iter().next()
        })
        .await
    }

    /// The elements of a role inside another element, each with its accessible name.
    pub async fn children(&self, parent: &Node, role: &str) -> Vec<Node> {
        self.query(Some(parent), role, None).await
    }

    /// The form field with a label, whatever its kind, once it is there.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn field(&self, label: &str) -> Node {
        self.until(&format!("the field {label:?}"), async || {
            for role in ["textbox", "spinbutton", "combobox"] {
                if let Some(node) = self.all(role, label).await.into_iter().next() {
                    return Some(node);
                }
            }
            None
        })
        .await
    }

    /// Types into a field what replaces its text.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        self.eval(&field, "function() { this.focus(); this.select(); }", json!([])).await;
        if text.is_empty() {
            self.press("Delete").await;
        } else {
            self.call("Input.insertText", json!({ "text": text })).await;
        }
    }

    /// Chooses an option of a select by what it says.
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
        let found = self.eval(&field, function, json!([option])).await;
        assert_eq!(found, true, "{label} has no option {option}");
    }

    /// Clicks on the button, once it is there and can be clicked on.
    pub async fn press_button(&self, name: &str) {
        let button = self.find("button", name).await;
        self.click(&button).await;
    }

    /// Clicks in the middle of an element.
    pub async fn click(&self, node: &Node) {
        let (x, y) = self.middle_of(node).await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 }),
            )
            .await;
        }
    }

    /// Presses and releases a key that has a name: `Enter`, `Escape`, `Delete`.
    pub async fn press(&self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "Delete" => 46,
            _ => panic!("what is the code of {key}?"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "text": text,
                        "windowsVirtualKeyCode": code }),
            )
            .await;
        }
    }

    /// Presses a button that opens the browser's dialog for files, and chooses these there.
    ///
    /// # Panics
    /// When no dialog opens.
    pub async fn choose(&self, button: &str, paths: &[PathBuf]) {
        const OPENED: &str = "Page.fileChooserOpened";
        let intercept = "Page.setInterceptFileChooserDialog";
        self.cdp.forget(OPENED);
        self.call(intercept, json!({ "enabled": true })).await;
        self.press_button(button).await;
        let input = self
            .until("the dialog for files", async || {
                let opened = self.cdp.events(&[OPENED]).pop()?;
                opened.parameters["backendNodeId"].as_i64()
            })
            .await;
        self.call("DOM.setFileInputFiles", json!({ "files": paths, "backendNodeId": input })).await;
        self.call(intercept, json!({ "enabled": false })).await;
    }

    /// Drags files from outside onto an element and lets them go there.
    pub async fn drop_files(&self, onto: &Node, paths: &[PathBuf]) {
        const COPY: u32 = 1;
        let (x, y) = self.middle_of(onto).await;
        let data = json!({ "items": [], "files": paths, "dragOperationsMask": COPY });
        for kind in ["dragEnter", "dragOver", "drop"] {
            self.call(
                "Input.dispatchDragEvent",
                json!({ "type": kind, "x": x, "y": y, "data": data }),
            )
            .await;
        }
    }

    /// The text of an element, as it is rendered.
    pub async fn text(&self, node: &Node) -> String {
        let text = self.eval(node, "function() { return this.innerText; }", json!([])).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The text of the whole page, as it is rendered.
    pub async fn all_text(&self) -> String {
        let text = self.run("document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page's text holds `text`.
    ///
    /// # Panics
    /// When it does not come to.
    pub async fn see(&self, text: &str) {
        self.until(&format!("the text {text:?}"), async || {
            self.all_text().await.contains(text).then_some(())
        })
        .await;
    }

    /// What the list `Uploads` shows.
    pub async fn uploads(&self) -> Vec<Shown> {
        // The list is found as a person finds it; its items are read in one go, because asking
        // the browser for each of some hundred takes long.
        let Some(list) = self.all("list", "Uploads").await.into_iter().next() else {
            return Vec::new();
        };
        let function = r"function() {
            const words = /^(Queued|Uploading|Verifying|Done|Paused|Interrupted|Skipped|Failed|Needs a decision)/;
            const name = (element) => {
                const ids = element.getAttribute('aria-labelledby');
                if (!ids) return element.getAttribute('aria-label') ?? '';
                return ids.split(' ').map((id) => document.getElementById(id)?.textContent).join(' ');
            };
            return [...this.querySelectorAll('li')].map((item) => {
                const bar = item.querySelector('[role=progressbar], progress');
                const number = (attribute, otherwise) =>
                    Number(bar?.getAttribute(attribute) ?? otherwise);
                const [min, max] = [number('aria-valuemin', 0), number('aria-valuemax', 100)];
                const share = (number('aria-valuenow', 0) - min) / (max - min || 1);
                // Not `innerText`: what is far from view may not be rendered yet.
                const texts = [...item.querySelectorAll('*')]
                    .filter((element) => element.childElementCount === 0)
                    .map((element) => element.textContent.trim());
                return {
                    label: name(item),
                    status: texts.find((text) => words.test(text)) ?? '',
                    percent: Math.floor(share * 100),
                };
            });
        }";
        let shown = self.eval(&list, function, json!([])).await;
        let shown = shown.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        shown
            .iter()
            .map(|item| Shown {
                label: text(&item["label"]),
                status: text(&item["status"]),
                percent: item["percent"]
                    .as_u64()
                    .and_then(|percent| percent.try_into().ok())
                    .unwrap_or(0),
            })
            .collect()
    }

    /// The value of an expression in the page.
    pub async fn run(&self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true,
                                 "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Saves what the window shows as `target/screenshots/NAME.png` of the workspace.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        // The fonts, and what moves, come to rest.
        self.run(
            "Promise.all([document.fonts.ready, ...document.getAnimations()
                .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
                .map((animation) => animation.finished.catch(() => null))]).then(() => null)",
        )
        .await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        fs::create_dir_all(&folder).expect("the target directory can be written");
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let data = answer["data"].as_str().expect("a picture");
        let picture = BASE64_STANDARD.decode(data).expect("a picture in base64");
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, picture).expect("the target directory can be written");
        path
    }

    /// Waits until `ask` has an answer.
    ///
    /// # Panics
    /// When it has none for a minute; the message tells what the page shows instead.
    pub async fn until<T>(&self, what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
        self.within(APPEAR_LIMIT, what, ask).await
    }

    /// Waits until `ask` has an answer, for `limit` at most.
    ///
    /// # Panics
    /// When it has none; the message tells what the page shows instead.
    pub async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            if Instant::now() > end {
                let text = self.all_text().await;
                let complaints = self.complaints();
                self.screenshot("failed").await;
                panic!(
                    "no sign of {what} within {limit:?}; the page shows:\n{text}\n{complaints:#?}"
                );
            }
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// What the page reported as an error or a warning, what it threw, and where it went against
    /// its content security policy.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let console = self.cdp.events(&["Runtime.consoleAPICalled"]);
        let console = console.into_iter().filter(|event| {
            let kind = &event.parameters["type"];
            kind == "error" || kind == "warning" || kind == "assert"
        });
        let log = self.cdp.events(&["Log.entryAdded"]);
        let log = log.into_iter().filter(|event| {
            let level = &event.parameters["entry"]["level"];
            level == "error" || level == "warning"
        });
        let issues = self.cdp.events(&["Audits.issueAdded"]);
        let issues = issues
            .into_iter()
            .filter(|event| event.parameters["issue"]["code"] == "ContentSecurityPolicyIssue");
        let thrown = self.cdp.events(&["Runtime.exceptionThrown", "Inspector.targetCrashed"]);
        console
            .chain(log)
            .chain(issues)
            .chain(thrown)
            .map(|event| format!("{} {}", event.method, event.parameters))
            .collect()
    }

    /// Ends the test of a page: it must not have complained.
    ///
    /// # Panics
    /// When it did.
    pub async fn finish(self) {
        // What is under way from the page arrives before the answer to this.
        self.run("new Promise((done) => setTimeout(done, 0))").await;
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the page complained: {complaints:#?}");
    }

    /// The visible elements, inside another or in the whole page.
    async fn query(&self, parent: Option<&Node>, role: &str, name: Option<&str>) -> Vec<Node> {
        let object = match parent {
            Some(parent) => parent.object.clone(),
            None => self.document().await,
        };
        let mut parameters = json!({ "objectId": object, "role": role });
        if let Some(name) = name {
            parameters["accessibleName"] = name.into();
        }
        // The element may have gone in the meantime.
        let Ok(answer) = self.try_call("Accessibility.queryAXTree", parameters).await else {
            return Vec::new();
        };
        let mut nodes = Vec::new();
        for found in answer["nodes"].as_array().into_iter().flatten() {
            if found["ignored"] == true {
                continue;
            }
            let parameters = json!({ "backendNodeId": found["backendDOMNodeId"] });
            let Ok(answer) = self.try_call("DOM.resolveNode", parameters).await else {
                continue;
            };
            nodes.push(Node {
                object: answer["object"]["objectId"].as_str().unwrap_or_default().to_owned(),
                name: found["name"]["value"].as_str().unwrap_or_default().to_owned(),
            });
        }
        nodes
    }

    async fn document(&self) -> String {
        let answer = self.call("Runtime.evaluate", json!({ "expression": "document" })).await;
        answer["result"]["objectId"].as_str().unwrap_or_default().to_owned()
    }

    async fn middle_of(&self, node: &Node) -> (f64, f64) {
        let object = json!({ "objectId": node.object });
        self.call("DOM.scrollIntoViewIfNeeded", object.clone()).await;
        let answer = self.call("DOM.getContentQuads", object).await;
        let quad: Vec<f64> =
            answer["quads"][0].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let [x1, y1, _, _, x2, y2, ..] = quad[..] else {
            panic!("{:?} has no place on the page: {answer}", node.name);
        };
        (f64::midpoint(x1, x2), f64::midpoint(y1, y2))
    }

    /// Calls a function with the element as `this`.
    async fn eval(&self, node: &Node, function: &str, arguments: Value) -> Value {
        let arguments: Vec<Value> = arguments
            .as_array()
            .into_iter()
            .flatten()
            .map(|argument| json!({ "value": argument }))
            .collect();
        let parameters = json!({ "objectId": node.object, "functionDeclaration": function,
                                 "arguments": arguments, "returnByValue": true });
        let answer = self.call("Runtime.callFunctionOn", parameters).await;
        assert!(answer.get("exceptionDetails").is_none(), "{function}: {answer}");
        answer["result"]["value"].clone()
    }

    async fn call(&self, method: &str, parameters: Value) -> Value {
        match self.try_call(method, parameters).await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}\n{}", self.process.output()),
        }
    }

    async fn try_call(&self, method: &str, parameters: Value) -> Result<Value, String> {
        self.cdp.try_call(Some(&self.session), method, parameters).await
    }
}

/// Opens a tab and gives the session that commands to it name.
async fn open_tab(cdp: &Cdp) -> String {
    let open = async {
        let blank = json!({ "url": "about:blank" });
        let target = cdp.try_call(None, "Target.createTarget", blank).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        cdp.try_call(None, "Target.attachToTarget", attach).await
    };
    let attached = open.await.unwrap_or_else(|error| panic!("no tab: {error}"));
    attached["sessionId"].as_str().expect("a session").to_owned()
}

fn chromium() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!("Chromium is missing: run `cargo xtask setup`, which installs it")
        })
}

fn arguments(folder: &Path) -> Vec<OsString> {
    let mut profile = OsString::from("--user-data-dir=");
    profile.push(folder.join("profile"));
    let fixed = [
        "--headless",
        // Root may not use the sandbox; what is shown is our own page.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
    ];
    let mut arguments: Vec<OsString> = fixed.into_iter().map(OsString::from).collect();
    arguments.push(profile);
    arguments
}

/// The address in `DevTools listening on ws://…`.
fn printed_endpoint(output: &str) -> Option<String> {
    let (_, rest) = output.split_once("DevTools listening on ")?;
    let (endpoint, _) = rest.split_once('\n')?;
    Some(endpoint.trim().to_owned())
}
