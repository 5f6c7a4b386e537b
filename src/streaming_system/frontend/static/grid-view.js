// The grid of the schedule: heads of the rooms that stay in the window, buttons for rooms beyond its edge, the line of the
// current time, and the text of tall cards.

import { t } from "./i18n.js";

/** The grid within an element; without a grid it does nothing. */
export class GridView {
  #view;
  #scroller;
  #table;
  #bar;
  #line;
  #time;
  #rows;
  #tallCards;
  #events = new AbortController();

  constructor(root) {
    this.#view = root.querySelector(".grid-view");
    if (!this.#view) return;
    this.#scroller = this.#view.querySelector(".grid-scroll");
    this.#table = this.#view.querySelector(".grid");
    this.#rows = [...this.#table.querySelectorAll("tbody tr")].map((row) => ({
      head: row.querySelector("th"),
      isLabelled: row.matches(".hour, .half"),
      start: Date.parse(row.querySelector("time").dateTime),
      end: Date.parse(row.dataset.end),
    }));
    this.#tallCards = [...this.#table.querySelectorAll(".tall > div")];
    this.#addHeads();
    this.#line = this.#addMark("now-line", this.#scroller);
    this.#time = this.#addMark("now-time", this.#view);
    const { signal } = this.#events;
    addEventListener("scroll", () => this.#moveTallCards(), { passive: true, signal });
    addEventListener("resize", () => this.#updateSteps(), { signal });
    this.#updateSteps();
    this.#moveTallCards();
  }

  /** Stop following the page, before another schedule replaces this one. */
  disconnect() {
    this.#events.abort();
  }

  get #isShown() {
    return this.#view && getComputedStyle(this.#table).display === "table";
  }

  #addMark(name, parent) {
    const mark = document.createElement("div");
    mark.className = name;
    mark.hidden = true;
    mark.setAttribute("aria-hidden", "true");
    parent.append(mark);
    return mark;
  }

  /** Add a copy of the rooms' heads, for the eyes and the mouse only: the table has the heads of its cells. */
  #addHeads() {
    const copy = this.#table.cloneNode(false);
    copy.classList.replace("grid", "grid-copy");
    for (const part of ["colgroup", "thead"]) copy.append(this.#table.querySelector(part).cloneNode(true));
    for (const link of copy.querySelectorAll("a")) link.tabIndex = -1;
    const heads = document.createElement("div");
    heads.className = "grid-heads";
    heads.setAttribute("aria-hidden", "true");
    heads.append(copy);
    this.#bar = document.createElement("div");
    this.#bar.className = "grid-bar";
    this.#bar.append(heads, this.#steps());
    this.#view.prepend(this.#bar);
    let copied = 0;
    this.#scroller.addEventListener("scroll", () => {
      heads.scrollLeft = this.#scroller.scrollLeft;
      copied = heads.scrollLeft;
      this.#updateSteps();
    }, { passive: true });
    heads.addEventListener("scroll", () => {
      // An echo of the other event would stop a smooth movement.
      if (Math.abs(heads.scrollLeft - copied) >= 1) this.#scroller.scrollLeft = heads.scrollLeft;
    }, { passive: true });
  }

  #steps() {
    const steps = document.createElement("div");
    steps.className = "grid-steps";
    steps.hidden = true;
    for (const [sign, name, direction] of [["‹", t("Previous rooms"), -1], ["›", t("More rooms"), 1]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.setAttribute("aria-label", name);
      button.addEventListener("click", () => this.#step(direction));
      steps.append(button);
    }
    return steps;
  }

  #step(direction) {
    const isMirrored = getComputedStyle(this.#scroller).direction === "rtl";
    const seen = this.#scroller.clientWidth - this.#table.querySelector("thead td").offsetWidth;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    this.#scroller.scrollBy({ left: direction * (isMirrored ? -1 : 1) * seen, behavior });
  }

  #updateSteps() {
    const { scrollLeft, scrollWidth, clientWidth } = this.#scroller;
    const steps = this.#bar.querySelector(".grid-steps");
    steps.hidden = scrollWidth <= clientWidth + 1;
    const [previous, next] = steps.children;
    previous.disabled = Math.abs(scrollLeft) < 1;
    next.disabled = Math.abs(scrollLeft) + clientWidth >= scrollWidth - 1;
  }

  /** Keep the text of a tall card below the heads while the page scrolls along it. */
  #moveTallCards() {
    if (!this.#tallCards.length || !this.#isShown) return;
    const edge = this.#bar.getBoundingClientRect().bottom;
    const moves = this.#tallCards.map((text) => {
      const card = text.parentElement.getBoundingClientRect();
      return Math.max(0, Math.min(edge - card.top, card.height - text.offsetHeight));
    });
    moves.forEach((move, number) => { this.#tallCards[number].style.insetBlockStart = `${move}px`; });
  }

  /** Move the line of the current time; without a moment of this day it is hidden. */
  moveLine(moment, text) {
    if (!this.#view) return;
    const row = this.#rows.find(({ start, end }) => start <= moment && moment < end);
    this.#line.hidden = this.#time.hidden = !row || !this.#isShown;
    if (this.#line.hidden) return;
    const { head, start, end } = row;
    // In some browsers the offsetTop of a row is relative to its <tbody>; that of a cell is relative to the table.
    const top = head.offsetTop + (head.offsetHeight * (moment - start)) / (end - start);
    const labels = this.#rows.filter(({ isLabelled }) => isLabelled);
    const covered = labels.map((label) => Math.abs(label.head.offsetTop + 8 - top) < 20);
    this.#time.textContent = text;
    this.#line.style.insetBlockStart = this.#time.style.insetBlockStart = `${top}px`;
    this.#line.style.inlineSize = `${this.#table.offsetWidth}px`;
    labels.forEach((label, number) => label.head.classList.toggle("covered", covered[number]));
  }

  /** Scroll the page so that the current time is in the upper third of the window. */
  scrollToNow() {
    if (!this.#line || this.#line.hidden) return false;
    const top = this.#line.getBoundingClientRect().top + scrollY;
    scrollTo({ top: top - innerHeight / 3, behavior: "instant" });
    return true;
  }
}
