// Notifications while the page is hidden: when uploads have ended, and when one needs its user. The page
// loads this with the first upload.
//
// The user is asked once the uploads have lasted for a minute, by a button and never unasked. Chromium on
// Android shows notifications of service workers only, and Ferryport has none: there is no button.

// How long uploads last before the button is offered.
const LONG_MILLIS = 60_000;

const field = (id) => document.getElementById(id);
const total = field("total");
const button = field("notify-ask");
const hint = field("notify-hint");
const needsUser = document.querySelector("[data-filter=needs-user] .filter-count");

const isSending = () => !total.hidden && total.dataset.state === "sending";

const offer = () => { button.hidden = Notification.permission !== "default"; };

const ask = async () => {
  const answer = await Notification.requestPermission();
  button.hidden = answer !== "default";
  hint.textContent = hint.dataset[answer] ?? "";
};

const notify = () => {
  if (!document.hidden || Notification.permission !== "granted") return;
  const lines = ["summary-text", "total-text"].map((id) => field(id).textContent);
  const [body] = lines.slice(field("summary").hidden ? 1 : 0);
  const { lang } = document.documentElement;
  // A later notification takes the place of an earlier one.
  const shown = new Notification(document.title, { body, lang, tag: "ferryport", icon: field("icon").href });
  shown.addEventListener("click", () => {
    window.focus();
    shown.close();
  });
};

// Follows the uploads from now on.
export const start = () => {
  if (!("Notification" in window) || /Android/.test(navigator.userAgent)) return;
  button.addEventListener("click", ask);
  let timer;
  let waiting = needsUser.textContent;
  const follow = () => {
    const before = waiting;
    waiting = needsUser.textContent;
    if (isSending()) {
      timer ??= setTimeout(offer, LONG_MILLIS);
      if (Number(waiting) > Number(before)) notify();
    } else if (timer) {
      clearTimeout(timer);
      timer = undefined;
      button.hidden = true;
      // Who has paused everything knows it.
      if (total.dataset.state !== "paused") notify();
    }
  };
  const changes = new MutationObserver(follow);
  changes.observe(total, { attributeFilter: ["data-state", "hidden"] });
  changes.observe(needsUser, { childList: true });
  follow();
};
