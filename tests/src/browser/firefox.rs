//! A tab of a headless Firefox, by `WebDriver` `BiDi` (W3C, working draft) without a driver between.
//!
//! What `BiDi` has no command for is done in Firefox's own window, which `--remote-allow-system-access`
//! opens to it: the dialogs for files, and the colours that the system prefers.

use std::{ffi::OsString, fs, path::PathBuf};

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

/// The settings of the profile: no requests to other hosts, no pause before a dialog can be answered.
const SETTINGS: &str = r#"
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("security.dialog_enable_delay", 0);
user_pref("services.settings.server", "data:,");
user_pref("signon.rememberSignons", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"#;

/// Answers the dialogs for files.
const FILE_PICKER: &str = include_str!("file_picker.js");

/// The name of an element's label, close enough to distinguish the items of a list: `BiDi` searches
/// for names and returns none.
const NAME: &str = "function() {
    const ids = this.getAttribute('aria-labelledby')?.split(' ') ?? [];
    const labels = ids.map((id) => document.getElementById(id)?.textContent).join(' ');
    return labels || this.getAttribute('aria-label') || this.textContent.trim();
}";

pub(super) struct Tab {
    wire: Wire,
    /// The tab's browsing context.
    context: Value,
    /// That of the browser's own window.
    window: Value,
    process: Process,
    _folder: TempDir,
}

impl Tab {
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let profile = folder.path().join("profile");
        fs::create_dir(&profile).expect("the folder is ours");
        fs::write(profile.join("user.js"), SETTINGS).expect("the folder is ours");
        let mut process = Process::start(
            &program("Firefox", &["firefox-esr", "firefox"]),
            [
                OsString::from("--headless"),
                "--no-remote".into(),
                "--remote-debugging-port=0".into(),
                "--remote-allow-system-access".into(),
                "--profile".into(),
                profile.into(),
            ],
            [
                ("HOME", OsString::from(folder.path())),
                ("LC_ALL", OsString::from("C.UTF-8")),
                ("MOZ_CRASHREPORTER_DISABLE", OsString::from("1")),
            ],
            folder.path().join("output.log"),
        );
        let endpoint = await_endpoint("Firefox", &mut process, "WebDriver BiDi listening on ");
        let wire = Wire::connect(&format!("{endpoint}/session")).await;
        let (context, window) = start_session(&wire)
            .await
            .unwrap_or_else(|error| panic!("no session: {error}\n{}", process.output()));
        let tab = Self { wire, context, window, process, _folder: folder };
        // A fresh window has the focus in its address bar, and a page without it gets keys that do
        // nothing.
        tab.in_window("() => { gBrowser.selectedBrowser.focus(); }", &json!([])).await;
        tab
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Loads a page, and confirms where the old one asks whether it may be left.
    pub(super) async fn load(&self, load: Load<'_>) {
        let (method, mut parameters) = match load {
            Load::Address(url) => ("browsingContext.navigate", json!({ "url": url })),
            Load::Again => ("browsingContext.reload", json!({})),
        };
        parameters["context"] = self.context.clone();
        parameters["wait"] = "complete".into();
        self.call(method, parameters).await;
    }

    pub(super) async fn run_before_load(&self, script: &str) {
        let function = format!("() => {{ {script} }}");
        let parameters =
            json!({ "functionDeclaration": function, "contexts": [self.context.clone()] });
        self.call("script.addPreloadScript", parameters).await;
    }

    pub(super) async fn resize(&self, width: u32, height: u32) {
        let viewport = json!({ "width": width, "height": height });
        let parameters = json!({ "context": self.context, "viewport": viewport });
        self.call("browsingContext.setViewport", parameters).await;
    }

    pub(super) async fn prefer(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let function = "(value) => {
            Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', value);
        }";
        self.in_window(function, &json!([value])).await;
    }

    pub(super) async fn query(
        &self,
        parent: Option<&Node>,
        role: &str,
        name: Option<&str>,
    ) -> Vec<Node> {
        let mut wanted = json!({ "role": role });
        if let Some(name) = name {
            wanted["name"] = name.into();
        }
        let mut parameters = json!({
            "context": self.context,
            "locator": { "type": "accessibility", "value": wanted },
            "serializationOptions": { "maxDomDepth": 0 },
        });
        if let Some(parent) = parent {
            parameters["startNodes"] = json!([{ "sharedId": parent.object }]);
        }
        // The element may have wait_until_gone in the meantime.
        let Ok(answer) = self.try_call("browsingContext.locateNodes", parameters).await else {
            return Vec::new();
        };
        let mut nodes = Vec::new();
        for found in answer["nodes"].as_array().into_iter().flatten() {
            let object = found["sharedId"].as_str().unwrap_or_default().to_owned();
            let mut node = Node { object, name: name.unwrap_or_default().to_owned() };
            if name.is_none() {
                let Ok(label) = self.call_on(&node, NAME, &[]).await else { continue };
                label.as_str().unwrap_or_default().clone_into(&mut node.name);
            }
            nodes.push(node);
        }
        if role == "textbox" && nodes.is_empty() {
            nodes = self.passwords(name).await;
        }
        nodes
    }

    /// The visible fields for passwords: HTML AAM has no role for them, and Firefox gives them none,
    /// where Chromium takes them for text boxes.
    async fn passwords(&self, name: Option<&str>) -> Vec<Node> {
        let label = "function() {
            const labels = [...this.labels].map((label) => label.textContent.trim()).join(' ');
            return this.checkVisibility() ? labels : null;
        }";
        let parameters = json!({
            "context": self.context,
            "locator": { "type": "css", "value": "input[type=password]" },
        });
        let answer = self.call("browsingContext.locateNodes", parameters).await;
        let mut nodes = Vec::new();
        for found in answer["nodes"].as_array().into_iter().flatten() {
            let object = found["sharedId"].as_str().unwrap_or_default().to_owned();
            let mut node = Node { object, name: String::new() };
            let Ok(Value::String(label)) = self.call_on(&node, label, &[]).await else { continue };
            if name.is_none_or(|name| name == label) {
                node.name = label;
                nodes.push(node);
            }
        }
        nodes
    }

    pub(super) async fn evaluate(&self, expression: &str) -> Result<Value, String> {
        self.evaluate_in(json!({ "context": self.context }), expression).await
    }

    /// The same in a world that shares nothing with the page but the document.
    pub(super) async fn evaluate_apart(&self, expression: &str) -> Result<Value, String> {
        let target = json!({ "context": self.context, "sandbox": "harness" });
        self.evaluate_in(target, expression).await
    }

    async fn evaluate_in(&self, target: Value, expression: &str) -> Result<Value, String> {
        let parameters =
            json!({ "expression": expression, "target": target, "awaitPromise": true });
        value_of(&self.try_call("script.evaluate", parameters).await?)
    }

    pub(super) async fn call_on(
        &self,
        node: &Node,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value, String> {
        let arguments: Vec<Value> = arguments.iter().map(local).collect();
        let parameters = json!({
            "functionDeclaration": function,
            "this": { "sharedId": node.object },
            "arguments": arguments,
            "target": { "context": self.context },
            "awaitPromise": true,
        });
        value_of(&self.try_call("script.callFunction", parameters).await?)
    }

    /// Calls a function in the browser's own window.
    async fn in_window(&self, function: &str, arguments: &Value) -> Value {
        let arguments: Vec<Value> = arguments.as_array().into_iter().flatten().map(local).collect();
        let parameters = json!({
            "functionDeclaration": function,
            "arguments": arguments,
            "target": { "context": self.window },
            "awaitPromise": true,
        });
        let answer = self.call("script.callFunction", parameters).await;
        value_of(&answer).unwrap_or_else(|error| panic!("{function}: {error}"))
    }

    /// # Errors
    /// When the element is not on the page.
    pub(super) async fn click(&self, node: &Node) -> Result<(), String> {
        let show = "function() { this.scrollIntoView({ block: 'nearest', behavior: 'instant' }); }";
        let shown = self.call_on(node, show, &[]).await;
        shown.map_err(|error| format!("{:?} is not on the page: {error}", node.name))?;
        let middle = json!({ "type": "element", "element": { "sharedId": node.object } });
        self.perform(&json!([{
            "type": "pointer", "id": "mouse",
            "actions": [
                { "type": "pointerMove", "x": 0, "y": 0, "origin": middle },
                { "type": "pointerDown", "button": 0 },
                { "type": "pointerUp", "button": 0 },
            ],
        }]))
        .await;
        Ok(())
    }

    pub(super) async fn press(&self, stroke: &Stroke) {
        let held = stroke.held.iter().map(|held| held.webdriver());
        let down: Vec<char> = held.chain([stroke.webdriver]).collect();
        let up = down.iter().rev();
        let actions: Vec<Value> = down
            .iter()
            .map(|key| json!({ "type": "keyDown", "value": key }))
            .chain(up.map(|key| json!({ "type": "keyUp", "value": key })))
            .collect();
        self.perform(&json!([{ "type": "key", "id": "keyboard", "actions": actions }])).await;
    }

    pub(super) async fn type_text(&self, text: &str) {
        let actions: Vec<Value> = text
            .chars()
            .flat_map(|sign| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": sign }))
            })
            .collect();
        self.perform(&json!([{ "type": "key", "id": "keyboard", "actions": actions }])).await;
    }

    async fn perform(&self, actions: &Value) {
        let parameters = json!({ "context": self.context, "actions": actions });
        self.call("input.performActions", parameters).await;
    }

    pub(super) async fn choose(&self, button: &Node, paths: &[PathBuf]) {
        self.in_window(FILE_PICKER, &json!([paths])).await;
        self.click(button).await.unwrap_or_else(|error| panic!("{error}"));
        let picked = async {
            while self.in_window("() => globalThis.pick.done", &json!([])).await != true {
                sleep(POLL_PAUSE).await;
            }
        };
        let picked = timeout(START_LIMIT, picked).await;
        assert!(picked.is_ok(), "{:?} opens no dialog for files", button.name);
    }

    /// The events of a drag, with files that an input of the harness was given: `BiDi` drags nothing
    /// from outside.
    pub(super) async fn drag_files(&self, onto: &Node, paths: &[PathBuf], drag: Drag) {
        let make = "(() => {
            const input = document.createElement('input');
            input.type = 'file';
            input.multiple = true;
            input.hidden = true;
            return document.body.appendChild(input);
        })()";
        let parameters = json!({ "expression": make, "target": { "context": self.context },
                                 "awaitPromise": false });
        let made = self.call("script.evaluate", parameters).await;
        let input = json!({ "sharedId": made["result"]["sharedId"] });
        let files = json!({ "context": self.context, "element": input, "files": paths });
        self.call("input.setFiles", files).await;
        let drag_them = "function(input, kinds) {
            const data = new DataTransfer();
            for (const file of input.files) data.items.add(file);
            input.remove();
            this.scrollIntoView({ block: 'nearest', behavior: 'instant' });
            const box = this.getBoundingClientRect();
            const place = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
            for (const kind of kinds) {
                this.dispatchEvent(new DragEvent(kind, {
                    bubbles: true, cancelable: true, composed: true, dataTransfer: data, ...place,
                }));
            }
        }";
        let kinds = match drag {
            Drag::Hold => json!(["dragenter", "dragover"]),
            Drag::Drop => json!(["dragenter", "dragover", "drop"]),
        };
        let parameters = json!({
            "functionDeclaration": drag_them,
            "this": { "sharedId": onto.object },
            "arguments": [input, local(&kinds)],
            "target": { "context": self.context },
            "awaitPromise": false,
        });
        let dragged = value_of(&self.call("script.callFunction", parameters).await);
        dragged.unwrap_or_else(|error| panic!("the files cannot be dragged: {error}"));
    }

    pub(super) async fn picture(&self) -> Vec<u8> {
        let parameters = json!({ "context": self.context });
        let answer = self.call("browsingContext.captureScreenshot", parameters).await;
        let data = answer["data"].as_str().expect("a picture");
        BASE64_STANDARD.decode(data).expect("a picture in base64")
    }

    /// Firefox reports what goes against a content security policy to the console.
    pub(super) fn complaints(&self) -> Vec<String> {
        let entries = self.wire.events(&["log.entryAdded"]);
        entries
            .into_iter()
            .filter(|event| {
                let level = &event.parameters["level"];
                level == "error" || level == "warn"
            })
            .map(|event| format!("{} {}", event.method, event.parameters))
            .collect()
    }

    async fn call(&self, method: &str, parameters: Value) -> Value {
        match self.try_call(method, parameters).await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}\n{}", self.process.output()),
        }
    }

    async fn try_call(&self, method: &str, parameters: Value) -> Result<Value, String> {
        self.wire.call(None, method, parameters).await
    }
}

/// Starts the session; gives the contexts of the tab and of the browser's own window.
async fn start_session(wire: &Wire) -> Result<(Value, Value), String> {
    let prompts = json!({ "default": "accept", "beforeUnload": "accept", "file": "ignore" });
    let capabilities = json!({ "alwaysMatch": { "unhandledPromptBehavior": prompts } });
    wire.call(None, "session.new", json!({ "capabilities": capabilities })).await?;
    wire.call(None, "session.subscribe", json!({ "events": ["log.entryAdded"] })).await?;
    let tabs = wire.call(None, "browsingContext.getTree", json!({})).await?;
    let chrome = json!({ "moz:scope": "chrome" });
    let windows = wire.call(None, "browsingContext.getTree", chrome).await?;
    let context = |tree: &Value| tree["contexts"][0]["context"].clone();
    Ok((context(&tabs), context(&windows)))
}

fn value_of(answer: &Value) -> Result<Value, String> {
    match answer["type"] == "exception" {
        true => Err(answer["exceptionDetails"]["text"].to_string()),
        false => Ok(plain(&answer["result"])),
    }
}

/// JSON as a `script.LocalValue`.
fn local(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "type": "null" }),
        Value::Bool(value) => json!({ "type": "boolean", "value": value }),
        Value::Number(value) => json!({ "type": "number", "value": value }),
        Value::String(value) => json!({ "type": "string", "value": value }),
        Value::Array(values) => {
            json!({ "type": "array", "value": values.iter().map(local).collect::<Vec<_>>() })
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| json!([name, local(value)])).collect();
            json!({ "type": "object", "value": fields })
        }
    }
}

/// A `script.RemoteValue` as JSON; what JSON has no word for is nothing.
fn plain(value: &Value) -> Value {
    let inner = &value["value"];
    match value["type"].as_str().unwrap_or_default() {
        "string" | "boolean" | "number" => inner.clone(),
        "array" => inner.as_array().into_iter().flatten().map(plain).collect(),
        "object" => {
            let fields = inner.as_array().into_iter().flatten();
            let fields = fields.filter_map(|field| Some((field[0].as_str()?, plain(&field[1]))));
            fields
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        _ => Value::Null,
    }
}
