// Six maps, units × time, one colour scale each; a cursor tells unit, step, value and the equation with its
// numbers; below them the memory ruler, on the same time axis.
import { at, bytes } from "../decode.js";
import { make, number, say } from "../words.js";
import { paint, scale } from "./colours.js";
import { Panel, token } from "./panel.js";
import { Ruler } from "./ruler.js";

const NAMES = {
  i: ["输入门 i", "input gate i"], f: ["遗忘门 f", "forget gate f"], g: ["候选 g", "candidate g"],
  o: ["输出门 o", "output gate o"], c: ["细胞状态 c", "cell state c"], h: ["隐藏状态 h", "hidden state h"],
};

const KEPT = "\u0000kept"; // the lane of the run kept for comparison

export class GatesPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.unit = 0;
    this.gate = "c";
    this.lane = spec.lane ?? null; // null follows whichever model was shown last
    this.lanes = make("div", { class: "presets", role: "group", "aria-label": say("模型", "Model"), hidden: true });
    this.grid = make("div", { class: "gates-grid" });
    this.maps = {};
    for (const gate of Object.keys(NAMES)) this.#map(gate);
    this.ruler = new Ruler((t) => timeline.goTime(t));
    this.equation = make("p", { class: "equation" });
    this.body.append(this.lanes, this.grid, this.ruler.element, this.equation);
  }

  get events() {
    const all = super.events;
    return this.spec.lane ? all.filter((event) => event.lane === this.spec.lane) : all;
  }

  #map(gate) {
    const canvas = make("canvas", { tabindex: "0", role: "img", width: 1, height: 1 });
    const range = make("span", { class: "scale" });
    const title = make("h3", {}, make("span", { class: `gate-${gate}` }, say(...NAMES[gate])), range);
    canvas.addEventListener("pointermove", (event) => this.#point(gate, event));
    canvas.addEventListener("pointerdown", (event) => this.#point(gate, event));
    canvas.addEventListener("focus", () => { this.gate = gate; this.later(); });
    canvas.addEventListener("keydown", (event) => this.#key(gate, event));
    this.maps[gate] = { canvas, range };
    this.grid.append(make("div", { class: "gate-map" }, title, canvas));
  }

  frame() {
    if (this.lane === KEPT) return this.timeline.earlier(this.spec.id).filter((event) => event.step <= this.timeline.step).at(-1) ?? this.timeline.earlier(this.spec.id)[0] ?? null;
    return this.timeline.now(this.spec.id, (event) => this.lane === null || event.lane === this.lane);
  }

  #point(gate, event) {
    const frame = this.frame();
    if (!frame) return;
    const box = event.target.getBoundingClientRect();
    const [steps, units] = frame[gate].shape;
    this.gate = gate;
    this.unit = Math.max(0, Math.min(units - 1, Math.floor(((event.clientY - box.top) / box.height) * units)));
    this.timeline.goTime(Math.max(0, Math.min(steps - 1, Math.floor(((event.clientX - box.left) / box.width) * steps))));
  }

  #key(gate, event) {
    const frame = this.frame();
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!frame || !move) return;
    event.preventDefault();
    this.gate = gate;
    this.unit = Math.max(0, Math.min(frame[gate].shape[1] - 1, this.unit + move));
    this.later();
  }

  #chooseLane() {
    const lanes = [null, ...new Set(this.events.map((event) => event.lane))];
    const { kept } = this.timeline;
    if (kept) lanes.push(KEPT);
    else if (this.lane === KEPT) this.lane = null;
    this.lanes.hidden = lanes.length < 3 || Boolean(this.spec.lane);
    const names = lanes.join("|") + (kept?.label ?? "");
    if (this.lanes.hidden || this.named === names) return;
    this.named = names;
    this.lanes.replaceChildren(...lanes.map((lane) => make("button", {
      type: "button", class: "button small", "aria-pressed": String(lane === this.lane),
      onclick: (event) => {
        this.lane = lane;
        for (const other of this.lanes.children) other.setAttribute("aria-pressed", String(other === event.target));
        this.later();
      },
    }, lane === KEPT ? kept.label : this.title(lane) || say("最近显示的", "latest shown"))));
  }

  draw() {
    this.#chooseLane();
    const frame = this.frame();
    if (!frame) return;
    const [steps, units] = frame.c.shape;
    this.unit = Math.min(this.unit, units - 1);
    const t = Math.min(this.timeline.time, steps - 1);
    for (const [gate, { canvas, range }] of Object.entries(this.maps)) {
      const tensor = frame[gate];
      paint(canvas, tensor, bytes(tensor), scale(gate, tensor.lo, tensor.hi), { t, unit: this.unit });
      range.textContent = `${number(tensor.lo, 2)} … ${number(tensor.hi, 2)}`;
      canvas.setAttribute("aria-label", `${say(...NAMES[gate])}: ${this.#value(frame, gate, t)}. ${say(`${units} 个单元 × ${steps} 步，训练步 ${frame.step}`, `${units} units × ${steps} steps, training step ${frame.step}`)}`);
    }
    this.ruler.show(frame.ruler, t);
    this.equation.textContent = this.#equations(frame, t);
    const held = frame.clamped?.length ? say(`，钳住：${frame.clamped.join("、")}`, `, held: ${frame.clamped.join(", ")}`) : "";
    this.readout.textContent = `${frame.lane ? `${this.title(frame.lane)} · ` : ""}${say("训练步", "training step")} ${frame.step} · ${this.#value(frame, this.gate, t)}${held}`;
  }

  // A lane's title in this language, where the panel names it.
  title(lane) {
    return this.spec.series?.find((series) => series.key === lane)?.title ?? lane;
  }

  #value(frame, gate, t) {
    const word = frame.tokens[t] ?? "";
    return `${say("单元", "unit")} ${this.unit} · t = ${t + 1}${word ? ` (${word})` : ""} · ${gate} ≈ ${number(at(frame[gate], t, this.unit))}`;
  }

  #equations(frame, t) {
    const v = (gate, time = t) => at(frame[gate], time, this.unit);
    const n = (gate, time = t) => number(v(gate, time));
    const before = t > 0 ? n("c", t - 1) : "c₀";
    return `c_t = f·c_(t−1) + i·g ≈ ${n("f")} × ${before} + ${n("i")} × ${n("g")} = ${n("c")}\nh_t = o·tanh(c_t) ≈ ${n("o")} × ${number(Math.tanh(v("c")))} = ${n("h")}   ${say("（图中为 8 位精度）", "(8 bit, as drawn)")}`;
  }

  // Each map as it stands on the page, with its title; the maps stay pixels, since that is what they are.
  picture() {
    const width = this.grid.clientWidth;
    const columns = 3, gap = 14, high = 130;
    const wide = (width - gap * (columns - 1)) / columns;
    return {
      width,
      height: 2 * (high + 34),
      draw: (context) => {
        context.font = "12px system-ui, sans-serif";
        context.imageSmoothingEnabled = false;
        Object.entries(this.maps).forEach(([gate, { canvas }], k) => {
          const [x, y] = [(k % columns) * (wide + gap), Math.floor(k / columns) * (high + 34)];
          context.fillStyle = token(`--gate-${gate}`);
          context.textAlign = "left";
          context.textBaseline = "top";
          context.fillText(say(...NAMES[gate]), x, y + 4);
          context.drawImage(canvas, x, y + 22, wide, high);
        });
      },
    };
  }

  numbers() {
    const frame = this.frame();
    const t = Math.min(this.timeline.time, frame.c.shape[0] - 1);
    const rows = Array.from({ length: frame.c.shape[1] }, (_, u) => [u, ...Object.keys(NAMES).map((gate) => number(at(frame[gate], t, u)))]);
    return { head: [`${say("单元，", "unit, ")}t = ${t + 1}`, ...Object.keys(NAMES)], rows };
  }
}
