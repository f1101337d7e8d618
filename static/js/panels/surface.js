// A loss surface as a turning wire model, with the paths that training took over it; drag or arrow keys turn it.
import { at } from "../decode.js";
import { make, number, pick, say } from "../words.js";
import { fit, Panel, token } from "./panel.js";

const HUES = ["--gate-f", "--gate-i", "--gate-g", "--gate-o"];

export class SurfacePanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.turn = -0.7;
    this.tilt = 0.95;
    this.canvas = make("canvas", { tabindex: "0", role: "img" });
    this.legend = make("p", { class: "legend" });
    this.body.className = "surface";
    this.body.append(this.canvas, this.legend);
    this.canvas.addEventListener("pointerdown", (event) => { this.held = [event.clientX, event.clientY]; this.canvas.setPointerCapture(event.pointerId); });
    this.canvas.addEventListener("pointerup", () => { this.held = null; });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.held) return;
      this.#rotate((event.clientX - this.held[0]) * 0.01, (event.clientY - this.held[1]) * 0.01);
      this.held = [event.clientX, event.clientY];
    });
    this.canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.#rotate(...by);
    });
  }

  #rotate(turn, tilt) {
    this.turn += turn;
    this.tilt = Math.max(0.15, Math.min(1.5, this.tilt + tilt));
    this.later();
  }

  surface() {
    return this.events.find((event) => event.type === "heatmap");
  }

  trails() {
    const trails = new Map(this.spec.series.map((series) => [series.key, { title: series.title, points: [] }]));
    for (const event of this.events) {
      if (event.type !== "trail" || event.step > this.timeline.step) continue;
      if (!trails.has(event.lane)) trails.set(event.lane, { title: event.lane, points: [] });
      trails.get(event.lane).points.push(event);
    }
    return [...trails.values()].filter((trail) => trail.points.length);
  }

  picture() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    return { width, height, draw: (context) => this.#paint(context, width, height) };
  }

  draw() {
    if (!this.surface()) return;
    this.#paint(fit(this.canvas), this.canvas.clientWidth, this.canvas.clientHeight);
    const trails = this.trails();
    this.legend.replaceChildren(...trails.map((trail, k) => {
      const swatch = make("i");
      swatch.style.borderTopColor = token(HUES[k % HUES.length]);
      return make("span", {}, swatch, trail.title);
    }));
    const said = trails.map((trail) => { const end = trail.points.at(-1); return `${trail.title}: ${say("第", "step")} ${end.step}${say(" 步", "")}, (${number(end.x)}, ${number(end.y)}), ${say("损失", "loss")} ${number(end.z)}`; }).join(say("；", "; "));
    this.readout.textContent = said;
    this.canvas.setAttribute("aria-label", `${this.spec.title}. ${said}. ${say("拖动或用方向键转动", "Drag or use the arrow keys to turn it")}`);
  }

  // The surface's rows are y, its columns x, both labelled with their values.
  #paint(context, width, height) {
    const { values, rows, columns } = this.surface();
    const [xs, ys] = [columns.map(Number), rows.map(Number)];
    const span = (all) => [all[0], all.at(-1) - all[0] || 1];
    const [[x0, dx], [y0, dy]] = [span(xs), span(ys)];
    const dz = values.hi - values.lo || 1;
    const [cosT, sinT, cosP, sinP] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    const size = Math.min(width, height * 1.7) * 0.5;
    const near = (share) => Math.max(-0.62, Math.min(0.62, share)); // what leaves the page ends just beyond its edge
    const place = (x, y, z) => {
      const [a, b, c] = [near((x - x0) / dx - 0.5), near((y - y0) / dy - 0.5), Math.max(-0.1, Math.min(1.1, (z - values.lo) / dz)) - 0.5];
      const [u, v] = [a * cosT - b * sinT, a * sinT + b * cosT];
      return [width / 2 + u * size, height / 2 + v * cosP * size - c * sinP * size * 0.7, v];
    };
    const faces = [];
    const step = Math.max(1, Math.ceil(Math.max(xs.length, ys.length) / 48));
    for (let r = 0; r + step < ys.length; r += step) for (let c = 0; c + step < xs.length; c += step) {
      const corners = [[r, c], [r, c + step], [r + step, c + step], [r + step, c]].map(([i, j]) => place(xs[j], ys[i], at(values, i, j)));
      faces.push({ corners, depth: corners.reduce((sum, corner) => sum + corner[2], 0), share: (at(values, r, c) - values.lo) / dz });
    }
    faces.sort((a, b) => a.depth - b.depth);
    const hue = token("--gate-h");
    context.strokeStyle = token("--line");
    for (const { corners, share } of faces) {
      context.beginPath();
      corners.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](x, y));
      context.closePath();
      context.globalAlpha = 0.15 + 0.75 * share;
      context.fillStyle = hue;
      context.fill();
      context.globalAlpha = 1;
      context.stroke();
    }
    this.trails().forEach((trail, k) => {
      context.strokeStyle = context.fillStyle = token(HUES[k % HUES.length]);
      context.lineWidth = 2.5;
      context.beginPath();
      const out = trail.points.findIndex(({ x, y }) => Math.abs((x - x0) / dx - 0.5) > 0.6 || Math.abs((y - y0) / dy - 0.5) > 0.6);
      const kept = out < 0 ? trail.points : trail.points.slice(0, out + 1);
      const spots = kept.map((point) => place(point.x, point.y, point.z ?? values.hi));
      spots.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
      context.stroke();
      context.lineWidth = 1;
      const [x, y] = spots.at(-1);
      context.beginPath();
      context.arc(x, y, 4, 0, 7);
      context.fill();
    });
    context.fillStyle = token("--ink-2");
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    for (const [words, x, y] of [[this.spec.x, x0 + dx / 2, y0 + dy * 1.12], [this.spec.y, x0 + dx * 1.12, y0 + dy / 2]]) {
      const [px, py] = place(x, y, values.lo);
      context.fillText(pick(words) || words, px, py);
    }
  }

  numbers() {
    return { head: [say("路径", "path"), say("步", "step"), this.spec.x, this.spec.y, say("损失", "loss")], rows: this.trails().flatMap((trail) => trail.points.map((point) => [trail.title, point.step, number(point.x), number(point.y), number(point.z)])) };
  }
}
