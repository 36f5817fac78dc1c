// Loads the page's program.
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

const record = (event) => {
  event.preventDefault();
  form.dataset.submitted = "";
  button.ariaBusy = "true";
};
form.addEventListener("submit", record);

// Another language keeps the fragment: it may hold a destination.
for (const link of document.querySelectorAll("a[hreflang]")) {
  link.addEventListener("click", () => {
    link.hash = location.hash;
  });
}

try {
  const program = await import(new URL(script.dataset.glue, document.baseURI));
  await program.default({ module_or_path: new URL(script.dataset.wasm, document.baseURI) });
  form.removeEventListener("submit", record);
  button.ariaBusy = null;
  program.start();
} catch (reason) {
  console.error(reason);
  button.ariaBusy = null;
  document.getElementById("boot-failed").hidden = false;
}
