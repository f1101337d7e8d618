// A matrix with its labels: rows downwards, columns to the right; a cursor by pointer or arrow keys tells the cell.
import { at } from "../decode.js";
import { make, number, pick, say } from "../words.js";
import { fit, Panel, token } from "./panel.js";

const named = (label) => (Array.isArray(label) ? pick(label) : label);
const LINE = 15; // pixels between labels that can be told apart
const EDGES = { top: 2, bottom: 22 };

// Pixels that row labels take at the left, and that a column needs for its own.
function room({ rows, columns }) {
  const longest = Math.max(...rows.map((label) => String(named(label)).length * (/[㐀-鿿]/.test(named(label)) ? 12 : 6.5)));
  return [longest + 12, Math.max(...columns.map((label) => String(named(label)).length)) * 7 + 8];
}

// The text, or as much of its beginning as fits.
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text.length;
  while (kept > 1 && context.measureText(`${text.slice(0, kept)}…`).width > width) kept--;
  return `${text.slice(0, kept).trimEnd()}…`;
}

export class HeatmapPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.cell = [0, 0];
    this.body.className = "matrix";
    this.body.append(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  now() {
    return this.timeline.now(this.spec.id);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, wide, high } = this.frame ?? {};
    const matrix = this.now();
    if (!matrix || !wide) return;
    this.#go(Math.floor((event.clientY - box.top - top) / high), Math.floor((event.clientX - box.left - left) / wide));
  }

  #key(event) {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this.#go(this.cell[0] + by[0], this.cell[1] + by[1]);
  }

  #go(row, column) {
    const [rows, columns] = this.now().values.shape;
    this.cell = [Math.max(0, Math.min(rows - 1, row)), Math.max(0, Math.min(columns - 1, column))];
    this.later();
  }

  draw() {
    const matrix = this.now();
    const [rows, columns] = matrix.values.shape;
    const high = Math.max(LINE, Math.min(56, 260 / rows));
    const [left, column] = room(matrix);
    this.canvas.style.height = `${Math.max(90, Math.min(420, rows * high + EDGES.top + EDGES.bottom))}px`;
    this.canvas.style.maxWidth = `${left + columns * Math.max(1.4 * high, column)}px`; // a picture keeps its shape
    this.#paint(fit(this.canvas), this.canvas.clientWidth, this.canvas.clientHeight, true);
    const [r, c] = [Math.min(this.cell[0], rows - 1), Math.min(this.cell[1], columns - 1)];
    const said = `${named(matrix.rows[r])} × ${named(matrix.columns[c])}: ${number(at(matrix.values, r, c))}`;
    this.readout.textContent = `${matrix.step ? `${say("训练步", "training step")} ${matrix.step} · ` : ""}${said}`;
    this.canvas.setAttribute("aria-label", `${this.spec.title}. ${rows} × ${columns}, ${number(matrix.values.lo, 2)} … ${number(matrix.values.hi, 2)}. ${said}`);
  }

  picture() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    return { width, height, draw: (context) => this.#paint(context, width, height, false) };
  }

  #paint(context, width, height, cursor) {
    const matrix = this.now();
    const { values } = matrix;
    const [rows, columns] = values.shape;
    context.font = "11px system-ui, sans-serif";
    const [labels, column] = room(matrix);
    const left = Math.min(width * 0.4, labels);
    const { top, bottom } = EDGES;
    const [wide, high] = [(width - left) / columns, (height - top - bottom) / rows];
    this.frame = { left, top, wide, high };
    const [hue, minus, ink] = [token("--gate-h"), token("--gate-f"), token("--ink-2")];
    const zero = values.lo < 0 && values.hi > 0 ? 0 : values.lo;
    const reach = Math.max(values.hi - zero, zero - values.lo) || 1;
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      const value = at(values, r, c);
      context.globalAlpha = Math.min(1, Math.abs(value - zero) / reach);
      context.fillStyle = value >= zero ? hue : minus;
      context.fillRect(left + c * wide, top + r * high, wide + 0.5, high + 0.5);
    }
    context.globalAlpha = 1;
    context.strokeStyle = token("--line");
    context.strokeRect(left, top, width - left - 1, height - top - bottom);
    context.fillStyle = ink;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const skip = Math.max(1, Math.ceil(LINE / high));
    for (let r = 0; r < rows; r += skip) context.fillText(fitted(context, String(named(matrix.rows[r])), left - 7), left - 5, top + (r + 0.5) * high);
    context.textAlign = "center";
    const step = Math.max(1, Math.ceil(column / wide));
    for (let c = 0; c < columns; c += step) context.fillText(named(matrix.columns[c]), left + (c + 0.5) * wide, height - bottom / 2);
    if (!cursor) return;
    context.strokeStyle = token("--ink");
    context.lineWidth = 2;
    context.strokeRect(left + Math.min(this.cell[1], columns - 1) * wide, top + Math.min(this.cell[0], rows - 1) * high, wide, high);
    context.lineWidth = 1;
  }

  numbers() {
    const matrix = this.now();
    return { head: ["", ...matrix.columns.map(named)], rows: matrix.rows.map((label, r) => [named(label), ...matrix.columns.map((_, c) => number(at(matrix.values, r, c)))]) };
  }
}
