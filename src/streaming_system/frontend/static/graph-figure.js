// One graph: the drawing (uPlot), the legend and the table.

import { t } from "./i18n.js";

const COLOURS = 12;
const LABEL_ROWS = 3;
const MAX_LABEL_CHARS = 28;
const DIGITS = { "Mbit/s": 1, "%": 2 };
const DAY = 86400000;
// The tracker's titles and units of graphs, translated.
const TITLES = {
  "Overall Bitrate": t("Overall Bitrate"),
  "Overall Clients": t("Overall Clients"),
  "Viewers by players": t("Viewers by players"),
  Rebuffering: t("Rebuffering"),
};
const UNITS = { viewers: t("viewers"), "Mbit/s": t("Mbit/s") };

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export class GraphFigure {
  /** @param link returns the address of a room's graphs; null on the page of one room. */
  constructor({ number, language, order, link }) {
    this.order = order;
    this.link = link;
    this.language = language;
    this.clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.seconds = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    this.day = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short" });
    this.title = make("span");
    this.unit = make("span", { class: "unit" });
    const head = make("h2", { id: `graph-${number}` }, this.title, " ", this.unit);
    this.plot = make("div", { class: "plot", "aria-hidden": "true" });
    this.empty = make("p", { class: "quiet empty", hidden: "" }, t("Nothing was streamed in this period."));
    this.when = make("p", { class: "when" });
    this.legend = make("ul", { class: "legend" });
    this.rows = make("tbody");
    this.heads = make("tr");
    const table = make("table", { "aria-labelledby": `graph-${number}` }, make("thead", {}, this.heads), this.rows);
    this.element = make("figure", { class: "graph", "aria-labelledby": `graph-${number}` },
      make("figcaption", {}, head), this.plot, this.empty, this.when, this.legend,
      make("details", {}, make("summary", {}, t("As a table")), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": `graph-${number}` }, table)));
    new ResizeObserver(() => this.resize()).observe(this.plot);
  }

  show(graph, annotations, span) {
    const labels = graph.series.map((series) => series.label).join(" ");
    const changed = this.labels !== labels;
    this.labels = labels;
    this.graph = graph;
    this.annotations = annotations;
    this.span = span;
    this.numbers = new Intl.NumberFormat(this.language, { maximumFractionDigits: DIGITS[graph.unit] ?? 0, minimumFractionDigits: DIGITS[graph.unit] ?? 0 });
    setText(this.title, TITLES[graph.title] ?? graph.title);
    setText(this.unit, UNITS[graph.unit] ?? graph.unit);
    const isEmpty = graph.series.length === 0;
    this.empty.hidden = !isEmpty;
    this.plot.hidden = this.when.hidden = this.legend.hidden = isEmpty;
    this.element.querySelector("details").hidden = isEmpty;
    if (changed) this.buildLegend();
    if (isEmpty) return;
    if (changed || !this.drawing) this.redraw();
    else this.drawing.setData(this.data());
    this.updateLegend();
    this.fillTable();
  }

  /** Return the times and the values of each series. In a stacked graph the values are cumulative, the first series on top. */
  data() {
    const series = this.graph.series.map(({ data }) => data.map(([, y]) => y));
    if (this.graph.stacked) {
      for (let place = series.length - 2; place >= 0; place -= 1) {
        series[place] = series[place].map((y, point) => y + series[place + 1][point]);
      }
    }
    return [this.graph.series[0].data.map(([x]) => x), ...series];
  }

  redraw() {
    if (!this.graph?.series.length) return;
    this.drawing?.destroy();
    const style = getComputedStyle(this.plot);
    this.text = style.color;
    this.ink = getComputedStyle(this.element).color;
    this.line = style.borderBlockEndColor;
    this.surface = style.backgroundColor;
    // uPlot only accepts whole pixels.
    this.size = Math.round(parseFloat(style.fontSize));
    this.font = `${this.size}px ${style.fontFamily}`;
    const axis = { stroke: this.text, font: this.font, grid: { stroke: this.line, width: 1 }, ticks: { stroke: this.line, width: 1 } };
    const swatches = [...this.legend.querySelectorAll(".swatch")].map((swatch) => getComputedStyle(swatch).color);
    const { stacked } = this.graph;
    this.drawing = new uPlot({
      ...this.extent(),
      ms: 1,
      legend: { show: false },
      // Grid lines are drawn over the areas of stacked graphs, so that their height is readable.
      drawOrder: stacked ? ["series", "axes"] : ["axes", "series"],
      cursor: { y: false, points: { show: !stacked }, drag: { x: false, y: false }, sync: { key: "graphs" } },
      scales: { x: { range: () => [this.span.begin, this.span.end] }, y: { range: (drawing, min, max) => [0, this.yLimit(max)] } },
      axes: [
        { ...axis, space: this.size * 6, size: this.size * 3.8, lineGap: 1.4, values: (drawing, splits, number, space, step) => this.times(splits, step) },
        { ...axis, size: this.size * 5.2, space: this.size * 3, values: (drawing, splits) => splits.map((y) => y.toLocaleString(this.language, { notation: y >= 1e6 ? "compact" : "standard", maximumFractionDigits: 2 })) },
      ],
      series: [{}, ...swatches.map((colour) => ({ stroke: colour, width: stacked ? 1 : 2, fill: stacked ? colour : undefined, points: { show: false } }))],
      hooks: { setCursor: [() => this.updateLegend()], draw: [(drawing) => this.annotate(drawing)] },
    }, this.data(), this.plot);
  }

  extent() {
    return { width: Math.max(this.plot.clientWidth, 100), height: Math.max(this.plot.clientHeight, 100) };
  }

  resize() {
    if (this.drawing && this.plot.clientWidth) this.drawing.setSize(this.extent());
  }

  /** Return the top of the y axis: a round number above all values. It stays while it fits, to avoid jumps. */
  yLimit(max) {
    if (!(max > 0)) return this.currentLimit ?? 1;
    if (!this.currentLimit || max > this.currentLimit || max < this.currentLimit / 3) {
      const power = 10 ** Math.floor(Math.log10(max * 1.08));
      this.currentLimit = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= max * 1.08);
    }
    return this.currentLimit;
  }

  times(splits, step) {
    let before = null;
    return splits.map((x) => {
      const day = this.day.format(x);
      if (step >= DAY) return day;
      const time = (step < 60000 ? this.seconds : this.clock).format(x);
      const text = day === before ? time : `${time}\n${day}`;
      before = day;
      return text;
    });
  }

  annotate(drawing) {
    const { ctx: canvas, bbox } = drawing;
    const scale = uPlot.pxRatio;
    const height = this.size * 1.4 * scale;
    const rowEnds = Array(LABEL_ROWS).fill(bbox.left);
    canvas.save();
    canvas.font = `${this.size * scale}px ${this.font.slice(this.font.indexOf(" ") + 1)}`;
    canvas.textBaseline = "middle";
    canvas.textAlign = "start";
    const shown = this.annotations.map(({ x, label }) => [Math.round(drawing.valToPos(x, "x", true)), label])
      .filter(([place]) => place >= bbox.left && place <= bbox.left + bbox.width);
    // Two strokes per line, because the areas below may have any colour.
    for (const [colour, width, dashes] of [[this.surface, 2, []], [this.ink, 1, [4 * scale, 3 * scale]]]) {
      canvas.strokeStyle = colour;
      canvas.lineWidth = width * scale;
      canvas.setLineDash(dashes);
      canvas.beginPath();
      for (const [place] of shown) {
        canvas.moveTo(place, bbox.top);
        canvas.lineTo(place, bbox.top + bbox.height);
      }
      canvas.stroke();
    }
    for (const [place, label] of shown) {
      const text = label.length > MAX_LABEL_CHARS ? `${label.slice(0, MAX_LABEL_CHARS - 1)}…` : label;
      const width = canvas.measureText(text).width + 10 * scale;
      // Near the right edge the label is left of its line.
      const left = place + width > bbox.left + bbox.width ? place - width : place;
      const row = rowEnds.findIndex((end) => end <= left);
      // Labels without room are only in the list below the graphs.
      if (row < 0) continue;
      rowEnds[row] = left + width;
      canvas.fillStyle = this.surface;
      canvas.fillRect(left + scale, bbox.top + row * height, width - 2 * scale, height);
      canvas.fillStyle = this.ink;
      canvas.fillText(text, left + 5 * scale, bbox.top + (row + 0.5) * height);
    }
    canvas.restore();
  }

  buildLegend() {
    this.values = this.graph.series.map(() => make("span", { class: "number" }));
    this.legend.replaceChildren(...this.graph.series.map((series, place) => {
      const known = this.order.indexOf(series.label);
      const colour = (known < 0 ? place : known) % COLOURS;
      const name = this.link
        ? make("a", { href: this.link(series.label) }, series.title)
        : make("span", {}, series.title);
      return make("li", {}, make("span", { class: `swatch colour-${colour}` }), name, this.values[place]);
    }));
  }

  /** Show the values at the pointer, or else the newest values, in the legend. */
  updateLegend() {
    const { series } = this.graph;
    const last = series[0].data.length - 1;
    const point = Math.min(this.drawing?.cursor.idx ?? last, last);
    const [x] = series[0].data[point];
    const isNow = point === last && this.span.end - x < 2 * this.graph.step * 1000;
    setText(this.when, isNow ? t("Now") : `${this.day.format(x)}, ${(this.graph.step < 60 ? this.seconds : this.clock).format(x)}`);
    series.forEach(({ data }, place) => setText(this.values[place], this.formatValue(data[point][1])));
    if (this.link) this.legend.querySelectorAll("a").forEach((link, place) => { link.href = this.link(series[place].label); });
  }

  fillTable() {
    const { series, stacked } = this.graph;
    const lines = series.map(({ title, data }) => ({ title, values: data.map(([, y]) => y) }));
    if (stacked && lines.length > 1) {
      lines.unshift({ title: t("Together"), values: lines[0].values.map((y, point) => lines.reduce((sum, { values }) => sum + values[point], 0)) });
    }
    const heads = ["", t("Now"), t("Most"), t("Mean")];
    this.heads.replaceChildren(...heads.map((text) => make("th", { scope: "col", class: text ? "number" : "" }, text || t("Line"))));
    this.rows.replaceChildren(...lines.map(({ title, values }) => {
      const known = values.filter((y) => y !== null);
      const mean = known.length ? known.reduce((sum, y) => sum + y, 0) / known.length : null;
      const most = known.length ? Math.max(...known) : null;
      return make("tr", {}, make("th", { scope: "row" }, title), ...[values.at(-1), most, mean].map((y) => make("td", { class: "number" }, this.formatValue(y))));
    }));
  }

  formatValue(y) {
    return y === null ? "–" : this.numbers.format(y);
  }
}
