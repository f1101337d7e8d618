// Lines over x, linear or log₁₀; the baseline is always drawn, dashed and named.
import { make, number, power, say } from "../words.js";
import { fit, Panel, token } from "./panel.js";

const HUES = ["--gate-i", "--gate-f", "--gate-g", "--gate-o", "--gate-h", "--gate-c", "--ink"];

function ticks(lo, hi, count = 5) {
  const raw = (hi - lo) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const found = [];
  for (let v = Math.ceil(lo / step) * step; v <= hi + step * 1e-6; v += step) found.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return found;
}

export class CurvesPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.canvas = make("canvas", { tabindex: "0", role: "img" });
    this.legend = make("p", { class: "legend" });
    this.body.className = "curves";
    this.body.append(this.canvas, this.legend);
    this.canvas.addEventListener("pointermove", (event) => this.#hover(event));
    this.canvas.addEventListener("pointerleave", () => { this.hover = null; this.later(); });
  }

  // This run's lines and, faint and named after it, those of the run kept for comparison.
  lines() {
    const { kept } = this.timeline;
    return [...this.#group(this.events, "", false), ...this.#group(this.timeline.earlier(this.spec.id), kept ? ` · ${kept.label}` : "", true)];
  }

  #group(events, suffix, kept) {
    const lines = new Map(this.spec.series.map((series) => [series.key, { ...series, points: [] }]));
    for (const event of events) {
      if (!lines.has(event.series)) lines.set(event.series, { key: event.series, title: event.series, baseline: false, points: [] });
      lines.get(event.series).points.push([event.x, event.y]);
    }
    let hue = 0;
    for (const line of lines.values()) {
      line.colour = token(line.baseline ? "--ink-2" : HUES[hue++ % HUES.length]);
      line.title += suffix;
      line.kept = kept;
    }
    return [...lines.values()].filter((line) => line.points.length && !(kept && line.baseline));
  }

  picture() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight, draw: (context) => this.#paint(context, this.lines(), this.canvas.clientWidth, this.canvas.clientHeight) };
  }

  draw() {
    const lines = this.lines();
    this.#paint(fit(this.canvas), lines, this.canvas.clientWidth, this.canvas.clientHeight);
    this.legend.replaceChildren(...lines.map((line) => {
      const swatch = make("i", { class: line.baseline ? "dashed" : line.kept ? "kept" : "" });
      swatch.style.borderTopColor = line.colour;
      return make("span", {}, swatch, line.title + (line.baseline ? say("（基线）", " (baseline)") : ""));
    }));
    const said = lines.map((line) => `${line.title} ${this.#shown(this.#at(line))}`).join(say("；", "; "));
    this.canvas.setAttribute("aria-label", `${this.spec.title}. ${said}`);
    this.readout.textContent = `${this.hover === null || this.hover === undefined ? say("最新：", "latest: ") : `x = ${number(this.hover, 1)}: `}${said}`;
  }

  #paint(context, lines, width, height) {
    const points = lines.flatMap((line) => line.points.filter(([, y]) => y !== null));
    if (!points.length) return;
    let [x0, x1] = [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))];
    let [y0, y1] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
    if (x0 === x1) x1 = x0 + 1;
    const room = (y1 - y0) * 0.06 || Math.abs(y1) * 0.1 || 1;
    [y0, y1] = [y0 - room, y1 + room];
    const left = 52, right = 12, top = 10, bottom = 34;
    this.X = (x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
    const Y = (y) => top + (1 - (y - y0) / (y1 - y0)) * (height - top - bottom);
    this.back = (px) => x0 + ((px - left) / (width - left - right)) * (x1 - x0);
    context.font = "11px system-ui, sans-serif";
    context.strokeStyle = token("--line");
    context.fillStyle = token("--ink-2");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const v of ticks(y0, y1)) {
      context.beginPath();
      context.moveTo(left, Y(v));
      context.lineTo(width - right, Y(v));
      context.stroke();
      context.fillText(this.spec.log ? power(v) : number(v, 2), left - 5, Y(v));
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const v of ticks(x0, x1, Math.max(2, Math.floor(width / 110)))) context.fillText(number(v, 1), this.X(v), height - bottom + 5);
    // A long name on a narrow screen keeps within the canvas, and is set narrower rather than cut.
    const half = Math.min(context.measureText(this.spec.x).width, width - 4) / 2;
    const middle = Math.min(Math.max((left + width - right) / 2, half + 2), width - half - 2);
    context.fillText(this.spec.x, middle, height - 14, width - 4);
    for (const line of lines) this.#line(context, line, Y, top);
    if (this.hover !== null && this.hover !== undefined) {
      context.strokeStyle = token("--ink-2");
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(this.X(this.hover), top);
      context.lineTo(this.X(this.hover), height - bottom);
      context.stroke();
      context.setLineDash([]);
    }
  }

  #line(context, line, Y, top) {
    context.strokeStyle = context.fillStyle = line.colour;
    context.lineWidth = line.baseline || line.kept ? 1.5 : 2;
    context.globalAlpha = line.kept ? 0.55 : 1;
    context.setLineDash(line.baseline ? [6, 4] : line.kept ? [2, 2] : []);
    context.beginPath();
    let pen = false;
    for (const [x, y] of line.points) {
      if (y === null) {
        pen = false;
        context.fillText("×", this.X(x), top + 2); // not finite
        continue;
      }
      if (pen) context.lineTo(this.X(x), Y(y));
      else context.moveTo(this.X(x), Y(y));
      pen = true;
    }
    if (this.spec.points && !line.baseline) return this.#dots(context, line, Y);
    if (line.points.length === 1) context.arc(this.X(line.points[0][0]), Y(line.points[0][1]), 3, 0, 7);
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
    context.globalAlpha = 1;
  }

  // Trials that stand for themselves: a line between two of them would say nothing.
  #dots(context, line, Y) {
    for (const [x, y] of line.points) if (y !== null) {
      context.beginPath();
      context.arc(this.X(x), Y(y), 3.5, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  #at(line) {
    if (this.hover === null || this.hover === undefined) return line.points.at(-1)[1];
    let best = line.points[0];
    for (const point of line.points) if (Math.abs(point[0] - this.hover) < Math.abs(best[0] - this.hover)) best = point;
    return best[1];
  }

  #shown(y) {
    if (y === null) return say("非有限", "not finite");
    return this.spec.log ? power(y) : number(y);
  }

  #hover(event) {
    if (!this.back) return;
    this.hover = this.back(event.clientX - this.canvas.getBoundingClientRect().left);
    this.later();
  }

  numbers() {
    const lines = this.lines();
    const xs = [...new Set(lines.flatMap((line) => line.points.map((p) => p[0])))].sort((a, b) => a - b);
    const found = lines.map((line) => new Map(line.points));
    return { head: [this.spec.x || "x", ...lines.map((line) => line.title)], rows: xs.map((x) => [number(x, 2), ...found.map((line) => (line.has(x) ? this.#shown(line.get(x)) : ""))]) };
  }
}
