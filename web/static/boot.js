// Loads the page's program: the only script that is written by hand.
//
// Its own tag names the program's files, because their names hold the digests of their contents.
// Until the program is there, a press on "Connect" is kept for it; if it never comes, the page
// says so. Who changes the language keeps what stands behind the address's `#`.

const here = document.querySelector("script[data-glue]");
const form = document.getElementById("connect");

const keep = (event) => {
  event.preventDefault();
  form.dataset.pressed = "";
};
form.addEventListener("submit", keep);

for (const link of document.querySelectorAll("a[hreflang]")) {
  link.addEventListener("click", () => {
    link.hash = location.hash;
  });
}

try {
  const program = await import(new URL(here.dataset.glue, document.baseURI));
  await program.default({ module_or_path: new URL(here.dataset.wasm, document.baseURI) });
  form.removeEventListener("submit", keep);
  program.start();
} catch (reason) {
  console.error(reason);
  document.getElementById("boot-failed").hidden = false;
}
