// Leads from a problem to its line in the session log. The page loads this when such a button is pressed.
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
