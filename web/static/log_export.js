// Copies and saves the session log. The page loads this when such a button is pressed.
//
// All lines are in the document, with the names hidden that the user wants to hide. The lines that a filter
// hides are left out.

const field = (id) => document.getElementById(id);
const { version, head, copied, refused } = field("log-share").dataset;
const status = field("log-status");

const { lang } = document.documentElement;
const locales = [...navigator.languages.filter((tag) => tag.split("-")[0] === lang), lang];

const all = () => [...field("log").querySelectorAll(":scope > .line")];
const textOf = (line) => line.querySelector(".line-text").textContent;
const isStatus = (line) => !line || line.dataset.kind === "status";

// Returns the last greeting of a server: any other reply with its code follows a command.
const greeting = () => {
  const isGreeting = (line) => /^220/.test(textOf(line)) && isStatus(line.previousElementSibling);
  const line = all().findLast(isGreeting);
  return line ? textOf(line) : "";
};

const lineText = (line) => {
  const time = line.querySelector(".line-time");
  const parts = [time.textContent + time.dataset.millis];
  for (const part of [".line-session", ".line-kind", ".line-text"]) {
    parts.push(line.querySelector(part).textContent);
  }
  return parts.filter(Boolean).join(" ");
};

// Returns the lines that are shown, and above them what they are of.
const read = () => {
  const date = new Date().toLocaleString(locales, { dateStyle: "medium", timeStyle: "long" });
  const facts = { version, date, browser: navigator.userAgent, greeting: greeting() };
  const lines = all().filter((line) => !line.hidden).map(lineText);
  const about = head.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  return { text: `${about}\n\n${lines.join("\n")}\n`, number: lines.length };
};

export const copy = async () => {
  const { text, number } = read();
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = copied.replace("{number}", number);
  } catch {
    status.textContent = refused;
  }
};

export const save = () => {
  const url = URL.createObjectURL(new Blob([read().text]));
  const link = document.createElement("a");
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  link.href = url;
  link.download = `ferryport-log-${local.slice(0, 16).replace(/[T:]/g, "-")}.txt`;
  link.click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
