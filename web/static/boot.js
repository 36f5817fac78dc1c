// Loads the page's program, and fills the form in from the chosen preset.
//
// The file names of the program hold digests of their contents, so this script's own tag names
// them. A press on "Connect" before the program has started is recorded on the form, and the program
// carries it out. If the program does not load, the page shows a notice.

const script = document.querySelector("script[data-glue]");
const form = document.getElementById("connect");
const button = document.getElementById("connect-button");

// Trusted Types: the worker's script is the only one that is loaded by its address.
const worker = new URL(script.dataset.digestWorker, document.baseURI).href;
globalThis.trustedTypes?.createPolicy("default", {
  createScriptURL: (url) => (url === worker ? url : null),
});

let markStarted;
const started = new Promise((resolve) => { markStarted = resolve; });

const record = (event) => {
  event.preventDefault();
  form.dataset.submitted = "";
  button.ariaBusy = "true";
};
form.addEventListener("submit", record);

// Dates and the order of names in the page's language, for the program. The user's regional variants of the
// language, for example British English, come before the language itself.
const { lang } = document.documentElement;
const locales = [...navigator.languages.filter((tag) => tag.split("-")[0] === lang), lang];
const dateFormat = (options) => {
  let format;
  return (date) => (format ??= new Intl.DateTimeFormat(locales, { dateStyle: "medium", ...options })).format(date);
};
const utc = dateFormat({ timeStyle: "long", timeZone: "UTC" });
const digits = (number, length) => String(number).padStart(length, "0");
globalThis.localise = {
  date: dateFormat({ timeStyle: "short" }),
  utc: (text) => (Number.isNaN(Date.parse(text)) ? text : utc(Date.parse(text))),
  clock: (millis) => {
    const time = new Date(millis);
    const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => digits(part, 2));
    return `${parts.join(":")}.${digits(time.getMilliseconds(), 3)}`;
  },
  // Takes names separated by NUL. Returns their ranks separated by commas.
  ranks: (text) => {
    const names = text.split("\0");
    const { compare } = new Intl.Collator(locales, { numeric: true });
    const ranks = [];
    const order = [...names.keys()].sort((a, b) => compare(names[a], names[b]));
    order.forEach((index, rank) => { ranks[index] = rank; });
    return ranks.join();
  },
};

// Another language keeps the fragment: it may hold a destination.
for (const link of document.querySelectorAll("a[hreflang]")) {
  link.addEventListener("click", () => {
    link.hash = location.hash;
  });
}

// A portal that offers presets has a list in place of the host's field. Each option holds what the form
// sends besides its name. The program sets the list too, without an event of its own.
const list = document.querySelector("select#host");
const field = (id) => document.getElementById(id);
let filled = {};
const fillIn = () => {
  const preset = list?.selectedOptions[0]?.dataset;
  if (!preset || preset === filled) return;
  field("port").value = preset.port;
  field("encryption").value = preset.encryption;
  const byPortal = "byPortal" in preset;
  for (const id of ["username", "password"]) field(id).closest(".field").hidden = byPortal;
  for (const [id, value, before] of [
    ["username", preset.username, filled.username],
    ["start-folder", preset.folder, filled.folder],
  ]) {
    // What the user or a link has entered stays.
    if (!field(id).value || field(id).value === before) field(id).value = value;
  }
  if (byPortal) {
    field("username").value = preset.username;
    field("password").value = "";
  }
  field("username").required = !byPortal;
  filled = preset;
};
fillIn();
list?.addEventListener("change", fillIn);
form.addEventListener("click", fillIn);
form.addEventListener("submit", fillIn, true);

// The advanced fields stay open for a user who has opened them, and open where one is not valid.
const advanced = field("advanced");
const OPEN_KEY = "ferryport-open-advanced";
try {
  if (localStorage.getItem(OPEN_KEY)) advanced.open = true;
} catch {
  // No storage: closed.
}
advanced.querySelector("summary").addEventListener("click", () => {
  try {
    localStorage.setItem(OPEN_KEY, advanced.open ? "" : "open");
  } catch {
    // No storage: forgotten.
  }
});
advanced.addEventListener("invalid", () => { advanced.open = true; }, true);

// A pasted text of several words is a message with credentials. It may hold a password, so it stays out of
// the field: what it says goes to the program in the form of a link.
const host = document.querySelector("input#host");
// The fields whose ids are not the names of what a message says.
const FIELD_OF = { user: "username", path: "start-folder" };
const readMail = async (text) => {
  const { read } = await import(new URL(script.dataset.loginMail, document.baseURI));
  const found = Object.entries(read(text));
  if (!found.some(([name]) => /^(host|user)$/.test(name))) {
    field("form-hint").textContent = host.dataset.nothingFound;
    return;
  }
  const clipboardData = new DataTransfer();
  clipboardData.setData("text", `#${found.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`);
  await started;
  host.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
  const labels = found.map(([name]) => field(FIELD_OF[name] ?? name).labels[0].textContent);
  field("form-hint").textContent = `${host.dataset.read} ${labels.join(", ")}.`;
};
host?.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text");
  if (!/\S\s+\S/.test(text)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  readMail(text);
});
// Some keyboards insert without pasting.
host?.addEventListener("change", (event) => {
  const text = host.value;
  if (!/\S\s+\S/.test(text)) return;
  event.stopImmediatePropagation();
  host.value = "";
  readMail(text);
});

// Shows the password until it is hidden again, or sent.
const password = field("password");
const shower = field("password-show");
const swap = () => {
  password.type = password.type === "text" ? "password" : "text";
  const { other, otherLabel } = shower.dataset;
  Object.assign(shower.dataset, { other: shower.textContent, otherLabel: shower.ariaLabel });
  shower.textContent = other;
  shower.ariaLabel = otherLabel;
};
shower.addEventListener("click", swap);
form.addEventListener("submit", () => { if (password.type === "text") swap(); }, true);

// The buttons of a failure. They are no submit buttons: they stand before the form's own, and the Enter key
// would press the first one in the document, hidden or not.
for (const button of document.querySelectorAll("[data-submits]")) {
  button.addEventListener("click", () => {
    const { encryption } = button.dataset;
    if (encryption) {
      field("encryption").value = encryption;
      field("encryption").dispatchEvent(new Event("change"));
    }
    form.requestSubmit();
  });
}

// Compares the certificate's fingerprint with the one that the user was given, in any usual spelling.
const question = field("certificate-dialog");
const expected = field("certificate-expected");
const match = field("certificate-match");
const showMatch = (is) => {
  question.dataset.match = is;
  match.textContent = match.dataset[is] ?? "";
  // Only an empty field may be passed over.
  field("certificate-trust").disabled = is === "no" || is === "part";
  const ways = ["secondary", "primary"];
  if (is === "no") ways.reverse();
  field("certificate-cancel").className = ways[0];
  field("certificate-ask").className = ways[1];
};
expected.addEventListener("input", () => {
  const digits = expected.value.toLowerCase().replace(/sha-?256/g, "|").replace(/[\s:-]/g, "");
  const [whole] = digits.match(/[0-9a-f]{64}/) ?? [];
  const { sha256 } = question.dataset;
  const isPart = !whole && /^\|?[0-9a-f]{1,63}$/.test(digits);
  showMatch(!digits ? "" : whole === sha256 ? "yes" : isPart ? "part" : "no");
});
// Enter in the field must not answer the question.
expected.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
question.addEventListener("close", () => {
  expected.value = "";
  showMatch("");
});

// Parts that few need are loaded when they are used. This script's tag names them.
const load = (name) => import(new URL(script.dataset[name], document.baseURI));

// The manifest is no part of the first load: browsers offer to install the page from the first press on.
addEventListener("pointerdown", () => {
  document.head.append(Object.assign(document.createElement("link"), { rel: "manifest", href: script.dataset.manifest }));
}, { once: true });

// The receipt. The program has written its content when the click reaches the document.
const receipt = field("summary");
new MutationObserver(async () => {
  if (!receipt.hidden) (await load("receipt")).show();
}).observe(receipt, { attributeFilter: ["hidden"] });
document.addEventListener("click", async ({ target }) => {
  const action = target.closest("[data-receipt]")?.dataset.receipt;
  if (action) (await load("receipt"))[action]();
  const link = target.closest(".problem-to-log");
  if (link) (await load("logLinks")).follow(link);
  const back = target.closest(".problem-to-place");
  if (back) (await load("logLinks")).goBack(back);
  const share = target.closest("#log-share > button");
  if (share) (await load("logExport"))[share.dataset.action]();
});
field("send-more").addEventListener("click", () => field("choose-files").click());

// An error line of the log that is opened leads back to what it is about.
new MutationObserver(async (changes) => {
  const lines = changes.map((change) => change.target.closest(".line[data-kind=error]")).filter(Boolean);
  if (lines.length > 0) lines.forEach((await load("logLinks")).offerBack);
}).observe(field("log"), { subtree: true, attributeFilter: ["aria-expanded"] });

// Notifications, from the first upload on.
const total = field("total");
new MutationObserver(async (changes, observer) => {
  if (total.hidden) return;
  observer.disconnect();
  (await load("notify")).start();
}).observe(total, { attributeFilter: ["hidden"] });

// How this page came here.
const hop = field("hop-to-portal");
hop.textContent = location.protocol === "https:" ? hop.dataset.encrypted : hop.dataset.plain;

// The list of shortcuts.
const shortcuts = field("shortcuts-dialog");
field("shortcuts-open").addEventListener("click", () => shortcuts.showModal());
document.addEventListener("keydown", ({ key, target }) => {
  if (key === "?" && !target.closest("input, select, textarea, dialog")) shortcuts.showModal();
});

// The list of uploads: one stop of the Tab key a row, from which the arrow keys reach its buttons.
const uploads = field("uploads");
uploads.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const row = event.target.closest("li");
  if (!step || !row) return;
  const inside = [...row.querySelectorAll("button, summary, input")];
  const stops = [row, ...inside.filter((stop) => stop.checkVisibility())];
  stops[stops.indexOf(event.target) + step]?.focus();
  event.preventDefault();
});
uploads.addEventListener("click", async ({ target }) => {
  const row = target.closest("[data-action=name]")?.closest("li");
  if (row) (await load("rename")).edit(row);
});

try {
  const program = await import(new URL(script.dataset.glue, document.baseURI));
  await program.default({ module_or_path: new URL(script.dataset.wasm, document.baseURI) });
  form.removeEventListener("submit", record);
  button.ariaBusy = null;
  program.start();
  markStarted();
  fillIn();
  addEventListener("hashchange", fillIn);
} catch (reason) {
  console.error(reason);
  button.ariaBusy = null;
  document.getElementById("boot-failed").hidden = false;
}
