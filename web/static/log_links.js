// Leads from a problem to its line in the session log, and from an error line to the place that it is about:
// an upload, a listing, the connection. The page loads this when such a button is pressed.
//
// A problem and its line share no number. The line is found by its text: an error line with the problem's
// words, as the program finds the problem of a line (`web/src/log.rs`), else the server's reply. Where names
// are hidden in the log, or the line has been dropped, the newest error has to do.

// How long a line may take to arrive: a problem may be shown before it.
const LINE_MILLIS = 2000;

const log = document.getElementById("log");
const toggle = document.getElementById("log-toggle");

const errors = () => [...log.querySelectorAll(".line[data-kind=error]")];
const lineOf = (texts) =>
  errors().findLast((line) => texts.includes(line.querySelector(".line-text").textContent));

// Returns the line as soon as it is there, or nothing.
const lineWithin = (texts, millis) => new Promise((resolve) => {
  const look = () => {
    const line = lineOf(texts);
    if (line) resolve(line);
  };
  const added = new MutationObserver(look);
  added.observe(log, { childList: true });
  setTimeout(() => {
    added.disconnect();
    resolve();
  }, millis);
  look();
});

const showAllLines = () => {
  if (toggle.ariaExpanded === "false") toggle.click();
  const filter = document.getElementById("log-show");
  if (filter.value === "all") return;
  filter.value = "all";
  filter.dispatchEvent(new Event("change", { bubbles: true }));
};

// Shows the line of the problem that a button belongs to.
export const follow = async (button) => {
  const problem = button.closest(".problem");
  const reply = problem.querySelector(".problem-reply").textContent.split("\n").at(-1);
  showAllLines();
  const texts = [problem.dataset.logged, reply].filter(Boolean);
  const line = (await lineWithin(texts, LINE_MILLIS)) ?? errors().at(-1);
  const target = line?.firstElementChild ?? log;
  target.scrollIntoView({ block: "center" });
  target.focus();
};

// Returns what the page shows about the error of a line: an upload, a listing, the connection. None where
// names are hidden in the log, or the row is not in the document.
const placeOf = (line) => {
  const text = line.querySelector(".line-text").textContent;
  const ends = (part) => part.textContent.split("\n").at(-1) === text;
  const problem = [...document.querySelectorAll(".problem")].find((shown) =>
    !log.contains(shown) && shown.checkVisibility()
      && (shown.dataset.logged === text || ends(shown.querySelector(".problem-reply"))));
  if (problem) return problem.closest("li, .obstacle") ?? problem;
  const failure = document.getElementById("connection-problem");
  const parts = ["failure-message", "failure-reply"].map((id) => document.getElementById(id));
  return !failure.hidden && (ends(parts[1]) || parts[0].textContent.includes(text)) ? failure : null;
};

// Offers the way back below an error line that is open.
export const offerBack = (line) => {
  line.querySelector(".problem-to-place")?.remove();
  const isOpen = line.firstElementChild.ariaExpanded === "true";
  if (!isOpen || !placeOf(line)) return;
  line.append(document.getElementById("t-to-place").content.firstElementChild.cloneNode(true));
};

// Shows what the line of a button is about.
export const goBack = (button) => {
  const place = placeOf(button.closest(".line"));
  if (!place) return;
  // A sheet over the uploads would cover it.
  if (getComputedStyle(document.getElementById("session-log")).position === "fixed") toggle.click();
  if (!place.matches("[tabindex]")) place.tabIndex = -1;
  place.scrollIntoView({ block: "center" });
  place.focus();
};
