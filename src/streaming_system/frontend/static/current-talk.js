// Marks the current talk in a list of talks, and scrolls to it when the list appears.

import { now } from "./server-clock.js";

const UPDATE_INTERVAL = 30000;
const lists = new Map();

/** Mark the current talk of a scrolling list; without one, scroll to the next. */
export function showCurrentTalk(list) {
  const talk = mark(list);
  if (!lists.has(list)) {
    lists.set(list, setInterval(() => {
      if (list.isConnected) mark(list);
      else {
        clearInterval(lists.get(list));
        lists.delete(list);
      }
    }, UPDATE_INTERVAL));
    if (talk) scrollTo(list, talk);
  }
}

/** Mark the current talk; return it or the next one, undefined if there is neither. */
function mark(list) {
  let shown;
  for (const talk of list.querySelectorAll("li.talk")) {
    const [start, end] = [...talk.querySelectorAll(".when time")].map(({ dateTime }) => Date.parse(dateTime));
    const isCurrent = start <= now() && now() < end;
    if (isCurrent) talk.setAttribute("aria-current", "true");
    else talk.removeAttribute("aria-current");
    if (end > now()) shown ??= talk;
  }
  return shown;
}

/** Scroll within the list only: the page stays where it is. */
function scrollTo(list, talk) {
  for (let parent = talk.parentElement; parent !== list; parent = parent.parentElement) {
    if (parent.matches("details")) parent.open = true;
  }
  const head = talk.closest(".slot") ?? talk;
  list.scrollTop += head.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
}
