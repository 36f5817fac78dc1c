// The receipt: shows where the uploads went and when, copies, saves and prints the list of them. The page
// loads this once uploads have ended.
//
// The program writes what the receipt holds into the field `receipt-content` at a click in the summary: the
// format is that of `receipt` in `web/src/summary.rs`. What is stored is up to the program, which keeps it
// over a reload; dates, tables and files are made here.

const field = (id) => document.getElementById(id);
const summary = field("summary");
const content = field("receipt-content");
const hint = field("receipt-hint");
const template = field("t-receipt");

// The user's regional variants of the page's language come before the language itself.
const { lang } = document.documentElement;
const locales = [...navigator.languages.filter((tag) => tag.split("-")[0] === lang), lang];
const dateFormat = new Intl.DateTimeFormat(locales, { dateStyle: "medium", timeStyle: "long" });

// Has the program write the receipt's content, and reads it.
const read = () => {
  summary.click();
  const [sentence, home, ...lines] = content.value.split("\n");
  const [server = "", user = ""] = home.split("\t");
  const files = lines.map((line) => {
    const [path, folder, size, algorithm, digest, storedAt, result] = line.split("\t");
    const date = storedAt && new Date(Number(storedAt));
    return { path, folder, size, digest: [algorithm, digest].filter(Boolean), date, result };
  });
  const dates = files.map(({ date }) => date).filter(Boolean);
  const last = dates.length ? new Date(Math.max(...dates)) : undefined;
  return {
    sentence,
    files,
    facts: {
      server,
      user,
      folder: [...new Set(files.map(({ folder }) => folder))].join(", "),
      time: last ? dateFormat.format(last) : "",
    },
  };
};

// Returns a date with its zone, as ISO 8601 writes it: spreadsheets and programs read it.
const isoDate = (date) => {
  if (!date) return "";
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const two = (number) => String(Math.trunc(Math.abs(number))).padStart(2, "0");
  return `${local}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
};

// A spreadsheet takes a text with one of these at its beginning for a formula, which could read other cells
// or open addresses.
const isFormula = (text) => /^[=+\-@\t\r]/.test(text);
const cell = (text) => (isFormula(text) ? `'${text}` : text);

const rows = (files) =>
  files.map(({ path, folder, size, digest, date, result }) =>
    [path, folder, size, digest.join(" "), isoDate(date), result].map(cell));

// The markup has the names of columns and facts.
const texts = (selector) => [...template.content.querySelectorAll(selector)].map((element) => element.textContent);

// Shows the facts below the sentence.
export const show = () => {
  const { facts } = read();
  field("receipt-facts").textContent = Object.values(facts).filter(Boolean).join(" · ");
  hint.textContent = "";
};

// Copies the receipt. Where the browser forbids that, selects it for the user to copy.
export const copy = async () => {
  const { sentence, facts, files } = read();
  const names = texts("dt");
  const about = Object.values(facts).map((value, index) => `${names[index]}: ${value}`);
  const table = [texts("th"), ...rows(files)].map((row) => row.join("\t"));
  const text = `${[sentence, ...about, "", ...table].join("\n")}\n`;
  try {
    await navigator.clipboard.writeText(text);
    hint.textContent = hint.dataset.copied;
  } catch {
    content.value = text;
    content.hidden = false;
    content.focus();
    content.select();
    hint.textContent = hint.dataset.selected;
  }
};

// Saves the list as CSV (RFC 4180), with server and username in each row. Where the decimal sign is a comma,
// spreadsheets expect semicolons between the columns; by the mark at the beginning they recognise UTF-8.
export const save = () => {
  const { facts, files } = read();
  const separator = (1.5).toLocaleString(locales).includes(",") ? ";" : ",";
  const [server, user] = texts("dt");
  const table = [
    [...texts("th"), server, user],
    ...rows(files).map((row) => [...row, cell(facts.server), cell(facts.user)]),
  ];
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const lines = table.map((row) => `${row.map(quoted).join(separator)}\r\n`);
  const url = URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `ferryport-${isoDate(new Date()).slice(0, 16).replace(/[T:]/g, "-")}.csv`;
  link.click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

// Prints a sheet of its own in the place of the page.
export const print = () => {
  const { sentence, facts, files } = read();
  const sheet = template.content.firstElementChild.cloneNode(true);
  sheet.querySelector(".receipt-sentence").textContent = sentence;
  for (const [name, value] of Object.entries(facts)) {
    sheet.querySelector(`[data-fact=${name}]`).textContent = value;
  }
  const table = sheet.querySelector("tbody");
  for (const { path, folder, size, digest, date, result } of files) {
    const row = table.insertRow();
    for (const text of [path, folder, size, digest.join(" "), date && dateFormat.format(date), result]) {
      row.insertCell().textContent = text;
    }
  }
  document.body.append(sheet);
  addEventListener("afterprint", () => sheet.remove(), { once: true });
  window.print();
};
