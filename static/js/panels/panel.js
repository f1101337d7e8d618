// What all panels share: frame, note, readout, table view, drawing on the next animation frame.
import { make, say } from "../words.js";

const MOST_ROWS = 500; // a table of more helps nobody; the saved file has them all

export class Panel {
  constructor(spec, timeline) {
    this.spec = spec;
    this.timeline = timeline;
    this.tabled = false;
    this.toggle = make("button", { type: "button", class: "button small", "aria-pressed": "false", onclick: () => this.#switch() }, say("表格", "Table"));
    this.choices = make("div", { class: "save-choices", hidden: true }, ...["png", "svg", "csv"].map((kind) => make("button", { type: "button", class: "button small", onclick: () => this.#save(kind) }, kind.toUpperCase())));
    this.opener = make("button", { type: "button", class: "button small", "aria-expanded": "false", onclick: () => this.#offer(this.choices.hidden) }, say("保存", "Save"));
    this.saving = make("div", { class: "save" }, this.opener, this.choices);
    this.body = make("div", { class: "panel-body" });
    this.table = make("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": `${spec.title}${say("（表格）", " (table)")}`, hidden: true });
    this.readout = make("p", { class: "readout" });
    this.element = make(
      "section",
      { class: `panel panel--${spec.kind}`, "aria-label": spec.title, "data-panel": spec.id },
      make("header", {}, make("h2", {}, spec.title), make("div", { class: "panel-tools" }, this.toggle, this.saving)),
      spec.note ? make("p", { class: "note" }, spec.note) : null,
      this.body,
      this.table,
      this.readout,
    );
    this.element.hidden = true;
    this.queued = false;
    this.later = () => this.#later();
    timeline.addEventListener("change", this.later);
    document.addEventListener("mendao:theme", this.later);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.later);
    new ResizeObserver(this.later).observe(this.element);
  }

  #offer(open) {
    this.choices.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
  }

  async #save(kind) {
    this.#offer(false);
    const { savePanel } = await import("../save.js");
    await savePanel(this, kind);
  }

  // What the panel shows now as {width, height, draw(context)}; panels that are HTML have no picture.
  picture() {
    return null;
  }

  get events() {
    return this.timeline.all(this.spec.id);
  }

  #later() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.element.hidden = this.events.length === 0;
      if (this.element.hidden) return;
      if (this.tabled) this.#fill();
      else this.draw();
    });
  }

  #switch() {
    this.tabled = !this.tabled;
    this.toggle.setAttribute("aria-pressed", String(this.tabled));
    this.toggle.textContent = this.tabled ? say("图", "Picture") : say("表格", "Table");
    this.body.hidden = this.tabled;
    this.table.hidden = !this.tabled;
    this.#later();
  }

  #fill() {
    const { head, rows } = this.numbers();
    this.table.replaceChildren(
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", { scope: "col" }, cell)))),
        make("tbody", {}, ...rows.slice(0, MOST_ROWS).map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, String(cell ?? "—")))))),
      ),
    );
  }
}

export function fit(canvas) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

export function token(name) {
  const probe = token.probe ?? (token.probe = document.body.appendChild(make("span", { hidden: true })));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

export function rgb(name) {
  const canvas = rgb.canvas ?? (rgb.canvas = make("canvas", { width: 1, height: 1 }));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = token(name);
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}
