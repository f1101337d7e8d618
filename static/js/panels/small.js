// The panels that are HTML already: seed strip, coloured text, table.
import { make, number, pick, say } from "../words.js";
import { Panel } from "./panel.js";

const LONG = 48; // characters of a cell that is read as text: it gets the room for it

export class SeedsPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.strip = make("div", { class: "strip" });
    this.body.append(this.strip);
  }

  // Title → (seed → its outcome); the rows of a run kept for comparison stand below this one's.
  rows() {
    const rows = new Map();
    const put = (title, event) => {
      if (!rows.has(title)) rows.set(title, new Map());
      rows.get(title).set(event.seed, event);
    };
    for (const event of this.events) put(this.title(event.lane), event);
    for (const event of this.timeline.earlier(this.spec.id)) put(`${this.title(event.lane)} · ${this.timeline.kept.label}`, event);
    return rows;
  }

  static words(cell) {
    if (cell.said) return pick(cell.said);
    return cell.solved ? say(`第 ${cell.step} 步解出`, `solved at ${cell.step}`) : say(`${cell.step} 步内未解`, `not within ${cell.step}`);
  }

  title(key) {
    return this.spec.series.find((series) => series.key === key)?.title ?? key;
  }

  draw() {
    const rows = [...this.rows()];
    this.strip.replaceChildren(...rows.map(([lane, cells]) => make(
      "div",
      { class: "strip-row" },
      make("span", {}, lane),
      make("div", { class: "strip-cells" }, ...[...cells.values()].map((cell) => make("span", { class: `strip-cell strip-cell--${cell.solved ? "solved" : "open"}`, title: `${say("种子", "seed")} ${cell.seed}: ${number(cell.value)}` }, SeedsPanel.words(cell)))),
    )));
    this.readout.textContent = rows.map(([lane, cells]) => `${lane}: ${[...cells.values()].filter((cell) => cell.solved).length} / ${cells.size}`).join(say("；", "; "));
  }

  numbers() {
    const rows = [...this.rows()].flatMap(([lane, cells]) => [...cells.values()].map((cell) => [lane, cell.seed, SeedsPanel.words(cell), number(cell.value)]));
    return { head: [say("模型", "Model"), say("种子", "Seed"), say("结果", "Result"), say("数值", "Value")], rows };
  }
}

export class TextPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.text = make("p", { class: "tokens" });
    this.body.append(this.text);
  }

  draw() {
    const event = this.timeline.now(this.spec.id);
    const now = Math.min(this.timeline.time, event.tokens.length - 1);
    this.text.replaceChildren(...event.tokens.map((word, k) => {
      const span = make("span", { class: `token${k === now ? " token--now" : ""}`, title: number(event.values[k]) }, word === " " ? "␣" : word);
      const share = Math.round(Math.min(1, Math.abs(event.values[k])) * 38);
      span.style.background = `color-mix(in srgb, var(${event.values[k] >= 0 ? "--gate-f" : "--gate-i"}) ${share}%, transparent)`;
      return span;
    }));
    this.readout.textContent = `${pick(event.caption)} · t = ${now + 1} “${event.tokens[now]}”: ${number(event.values[now])}`;
  }

  numbers() {
    const event = this.timeline.now(this.spec.id);
    return { head: ["t", say("词元", "Token"), say("数值", "Value")], rows: event.tokens.map((word, k) => [k + 1, word, number(event.values[k])]) };
  }
}

export class TablePanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.toggle.remove();
    this.body.className = "table-box";
    this.body.tabIndex = 0;
    this.body.setAttribute("role", "region");
    this.body.setAttribute("aria-label", `${spec.title}${say("（表格）", " (table)")}`);
  }

  // Where each table stands for a time step, the one under the cursor; else the newest.
  event() {
    const timed = this.spec.timed && this.events.filter((table) => table.step === this.timeline.time + 1).at(-1);
    return timed || this.timeline.now(this.spec.id) || this.events.at(-1);
  }

  static #cell(text) {
    return make("td", text.length > LONG ? { class: "long" } : {}, text);
  }

  draw() {
    const event = this.event();
    this.body.replaceChildren(make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...event.columns.map((cell) => make("th", { scope: "col" }, pick(cell))))),
      make("tbody", {}, ...event.rows.map((row) => make("tr", {}, ...row.map((cell) => TablePanel.#cell(typeof cell === "number" ? number(cell, 4) : Array.isArray(cell) ? pick(cell) : cell ?? "—"))))),
    ));
    this.readout.textContent = pick(event.caption);
  }

  numbers() {
    const event = this.event();
    return { head: event.columns.map(pick), rows: event.rows.map((row) => row.map((cell) => (Array.isArray(cell) ? pick(cell) : cell))) };
  }
}
