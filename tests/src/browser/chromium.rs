//! A tab of a headless Chromium, by the Chrome `DevTools` protocol.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::{
    Drag, Load, Node, POLL_PAUSE, START_LIMIT, Scheme,
    keys::Stroke,
    program::{await_endpoint, program},
    wire::Wire,
};
use crate::process::Process;

/// What a page does when it asks whether it may be left.
const ASKS: &str = "Page.javascriptDialogOpening";
const LOADED: &str = "Page.loadEventFired";

/// How long a crashed tab may take: it sends no answer.
const CRASH_LIMIT: Duration = Duration::from_secs(1);

/// How long a dialog for files may take to open after a click.
const DIALOG_LIMIT: Duration = Duration::from_secs(5);

/// How often an element may move before it is clicked: some move without end.
const MOST_MOVES: usize = 20;

pub(super) struct Tab {
    wire: Wire,
    session: String,
    process: Process,
    _folder: TempDir,
}

impl Tab {
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let mut process = Process::start(
            &program("Chromium", &["chromium", "chromium-browser", "google-chrome"]),
            arguments(folder.path()),
            [
                ("HOME", OsString::from(folder.path())),
                // Chromium takes the names of files to be in the locale's encoding.
                ("LC_ALL", OsString::from("C.UTF-8")),
            ],
            folder.path().join("output.log"),
        );
        let endpoint = await_endpoint("Chromium", &mut process, "DevTools listening on ");
        let wire = Wire::connect(&endpoint).await;
        let session = open_tab(&wire).await;
        let tab = Self { wire, session, process, _folder: folder };
        for domain in ["Page", "Runtime", "Log", "Audits", "DOM", "Accessibility"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        tab
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Loads a page, and confirms where the old one asks whether it may be left.
    pub(super) async fn load(&self, load: Load<'_>) {
        self.wire.forget(LOADED);
        self.wire.forget(ASKS);
        let (method, parameters) = match load {
            Load::Address(url) => ("Page.navigate", json!({ "url": url })),
            Load::Again => ("Page.reload", json!({})),
        };
        let (answer, ()) = tokio::join!(self.call(method, parameters), self.loaded());
        assert!(answer.get("errorText").is_none(), "{load:?}: {answer}");
    }

    async fn loaded(&self) {
        let loaded = async {
            while self.wire.events(&[LOADED]).is_empty() {
                if !self.wire.events(&[ASKS]).is_empty() {
                    self.wire.forget(ASKS);
                    self.call("Page.handleJavaScriptDialog", json!({ "accept": true })).await;
                }
                sleep(POLL_PAUSE).await;
            }
        };
        assert!(timeout(START_LIMIT, loaded).await.is_ok(), "the page does not load");
    }

    pub(super) async fn run_before_load(&self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    pub(super) async fn duplicate(&self) {
        let parameters = json!({
            "expression": "(window.twin = window.open(location.href)) !== null",
            "returnByValue": true, "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", parameters).await;
        assert_eq!(answer["result"]["value"], true, "the browser opens no other tab: {answer}");
        // A tab that is not seen is drawn rarely, or not at all.
        self.call("Page.bringToFront", json!({})).await;
    }

    pub(super) async fn crash(&self) {
        let _gone = timeout(CRASH_LIMIT, self.try_call("Page.crash", json!({}))).await;
        let crashed = async {
            while self.wire.events(&["Inspector.targetCrashed"]).is_empty() {
                sleep(POLL_PAUSE).await;
            }
        };
        assert!(timeout(START_LIMIT, crashed).await.is_ok(), "the tab does not crash");
        self.wire.forget("Inspector.targetCrashed");
        self.load(Load::Again).await;
    }

    pub(super) async fn go_offline(&self, offline: bool) {
        self.call("Network.enable", json!({})).await;
        self.call(
            "Network.emulateNetworkConditions",
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1,
                    "uploadThroughput": -1 }),
        )
        .await;
    }

    pub(super) async fn pause_harness(&self) {
        for domain in ["Accessibility", "Audits", "Log", "DOM"] {
            self.call(&format!("{domain}.disable"), json!({})).await;
        }
    }

    pub(super) async fn resize(&self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
    }

    pub(super) async fn prefer(&self, scheme: Scheme) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme.name() });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    pub(super) async fn force_colours(&self, scheme: Scheme) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme.name() },
            { "name": "forced-colors", "value": "active" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub(super) async fn query(
        &self,
        parent: Option<&Node>,
        role: &str,
        name: Option<&str>,
    ) -> Vec<Node> {
        let object = match parent {
            Some(parent) => Ok(parent.object.clone()),
            None => self.document().await,
        };
        let Ok(object) = object else { return Vec::new() };
        let mut parameters = json!({ "objectId": object, "role": role });
        if let Some(name) = name {
            parameters["accessibleName"] = name.into();
        }
        // The element may have wait_until_gone in the meantime.
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

    async fn document(&self) -> Result<String, String> {
        let answer = self.try_call("Runtime.evaluate", json!({ "expression": "document" })).await?;
        Ok(answer["result"]["objectId"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) async fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let parameters = json!({ "expression": expression, "returnByValue": true,
                                 "awaitPromise": true });
        value_of(&self.try_call("Runtime.evaluate", parameters).await?)
    }

    /// The same in a world that shares nothing with the page but the document.
    pub(super) async fn evaluate_apart(&self, expression: &str) -> Result<Value, String> {
        let tree = self.try_call("Page.getFrameTree", json!({})).await?;
        let world = json!({ "frameId": tree["frameTree"]["frame"]["id"], "worldName": "harness" });
        let world = self.try_call("Page.createIsolatedWorld", world).await?;
        let parameters = json!({ "expression": expression, "returnByValue": true,
                                 "awaitPromise": true, "contextId": world["executionContextId"] });
        value_of(&self.try_call("Runtime.evaluate", parameters).await?)
    }

    pub(super) async fn call_on(
        &self,
        node: &Node,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value, String> {
        let arguments: Vec<Value> =
            arguments.iter().map(|argument| json!({ "value": argument })).collect();
        let parameters = json!({ "objectId": node.object, "functionDeclaration": function,
                                 "arguments": arguments, "returnByValue": true });
        value_of(&self.try_call("Runtime.callFunctionOn", parameters).await?)
    }

    pub(super) async fn point_at(&self, node: &Node) {
        let (x, y) = self.place_of(node).await;
        let moved = json!({ "type": "mouseMoved", "x": x, "y": y, "button": "none" });
        self.call("Input.dispatchMouseEvent", moved).await;
    }

    /// # Errors
    /// When the element has no place on the page.
    pub(super) async fn click(&self, node: &Node) -> Result<(), String> {
        let (x, y) = self.middle_of(node).await?;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 }),
            )
            .await;
        }
        Ok(())
    }

    async fn place_of(&self, node: &Node) -> (f64, f64) {
        self.middle_of(node).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the point to click as soon as the element does not move.
    async fn middle_of(&self, node: &Node) -> Result<(f64, f64), String> {
        let mut before = self.middle_now(node).await?;
        for _ in 0..MOST_MOVES {
            sleep(POLL_PAUSE).await;
            let now = self.middle_now(node).await?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(before)
    }

    async fn middle_now(&self, node: &Node) -> Result<(f64, f64), String> {
        let object = json!({ "objectId": node.object });
        self.try_call("DOM.scrollIntoViewIfNeeded", object.clone()).await?;
        let answer = self.try_call("DOM.getContentQuads", object).await?;
        let quad: Vec<f64> =
            answer["quads"][0].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let [x1, y1, _, _, x2, y2, ..] = quad[..] else {
            return Err(format!("{:?} has no place on the page: {answer}", node.name));
        };
        Ok((f64::midpoint(x1, x2), f64::midpoint(y1, y2)))
    }

    pub(super) async fn press(&self, stroke: &Stroke) {
        let modifiers: u32 = stroke.held.iter().map(|held| held.bit()).sum();
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": stroke.key, "code": stroke.code, "text": stroke.text,
                        "windowsVirtualKeyCode": stroke.virtual_code, "modifiers": modifiers }),
            )
            .await;
        }
    }

    pub(super) async fn type_text(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    pub(super) async fn choose(&self, button: &Node, paths: &[PathBuf]) {
        const OPENED: &str = "Page.fileChooserOpened";
        let intercept = "Page.setInterceptFileChooserDialog";
        self.wire.forget(OPENED);
        self.call(intercept, json!({ "enabled": true })).await;
        let opened = async {
            loop {
                // The page may move the button away from the pointer while it connects.
                self.click(button).await.unwrap_or_else(|error| panic!("{error}"));
                if let Ok(input) = timeout(DIALOG_LIMIT, self.file_input(OPENED)).await {
                    return input;
                }
            }
        };
        let Ok(input) = timeout(START_LIMIT, opened).await else {
            panic!("{:?} opens no dialog for files", button.name);
        };
        self.call("DOM.setFileInputFiles", json!({ "files": paths, "backendNodeId": input })).await;
        self.call(intercept, json!({ "enabled": false })).await;
    }

    /// Waits for the input whose dialog for files was opened.
    async fn file_input(&self, opened: &str) -> Value {
        loop {
            if let Some(event) = self.wire.events(&[opened]).pop() {
                return event.parameters["backendNodeId"].clone();
            }
            sleep(POLL_PAUSE).await;
        }
    }

    pub(super) async fn drag_files(&self, onto: &Node, paths: &[PathBuf], drag: Drag) {
        const COPY: u32 = 1;
        let (x, y) = self.place_of(onto).await;
        let data = json!({ "items": [], "files": paths, "dragOperationsMask": COPY });
        let kinds: &[&str] = match drag {
            Drag::Hold => &["dragEnter", "dragOver"],
            Drag::Drop => &["dragEnter", "dragOver", "drop"],
        };
        for kind in kinds {
            self.call(
                "Input.dispatchDragEvent",
                json!({ "type": kind, "x": x, "y": y, "data": data }),
            )
            .await;
        }
    }

    pub(super) async fn picture(&self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let data = answer["data"].as_str().expect("a picture");
        BASE64_STANDARD.decode(data).expect("a picture in base64")
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        let console = self.wire.events(&["Runtime.consoleAPICalled"]);
        let console = console.into_iter().filter(|event| {
            let kind = &event.parameters["type"];
            kind == "error" || kind == "warning" || kind == "assert"
        });
        let log = self.wire.events(&["Log.entryAdded"]);
        let log = log.into_iter().filter(|event| {
            let level = &event.parameters["entry"]["level"];
            level == "error" || level == "warning"
        });
        let issues = self.wire.events(&["Audits.issueAdded"]);
        let issues = issues
            .into_iter()
            .filter(|event| event.parameters["issue"]["code"] == "ContentSecurityPolicyIssue");
        let thrown = self.wire.events(&["Runtime.exceptionThrown", "Inspector.targetCrashed"]);
        console
            .chain(log)
            .chain(issues)
            .chain(thrown)
            .map(|event| format!("{} {}", event.method, event.parameters))
            .collect()
    }

    /// Permits the page to save files in a folder and to read the clipboard.
    pub(super) async fn allow_downloads(&self, folder: &Path) {
        let downloads = json!({ "behavior": "allow", "downloadPath": folder });
        let permissions =
            json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        for (method, parameters) in
            [("Browser.setDownloadBehavior", downloads), ("Browser.grantPermissions", permissions)]
        {
            if let Err(error) = self.wire.call(None, method, parameters).await {
                panic!("{error}");
            }
        }
    }

    async fn call(&self, method: &str, parameters: Value) -> Value {
        match self.try_call(method, parameters).await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}\n{}", self.process.output()),
        }
    }

    async fn try_call(&self, method: &str, parameters: Value) -> Result<Value, String> {
        self.wire.call(Some(&self.session), method, parameters).await
    }
}

/// Opens a tab and gives the session that commands to it name.
async fn open_tab(wire: &Wire) -> String {
    let open = async {
        let blank = json!({ "url": "about:blank" });
        let target = wire.call(None, "Target.createTarget", blank).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        wire.call(None, "Target.attachToTarget", attach).await
    };
    let attached = open.await.unwrap_or_else(|error| panic!("no tab: {error}"));
    attached["sessionId"].as_str().expect("a session").to_owned()
}

fn arguments(folder: &Path) -> Vec<OsString> {
    let mut profile = OsString::from("--user-data-dir=");
    profile.push(folder.join("profile"));
    let fixed = [
        "--headless",
        // Root may not use the sandbox; the pages are our own.
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

fn value_of(answer: &Value) -> Result<Value, String> {
    match answer.get("exceptionDetails") {
        Some(exception) => Err(exception.to_string()),
        None => Ok(answer["result"]["value"].clone()),
    }
}
