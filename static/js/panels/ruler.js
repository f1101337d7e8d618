// The memory ruler: what ∏f lets through from each step to the end, beside the measured ∂h_T/∂h_t, in decades.
import { at } from "../decode.js";
import { make, power, say } from "../words.js";
import { fit, token } from "./panel.js";

export class Ruler {
  constructor(go) {
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.text = make("p", { class: "readout" });
    this.element = make("figure", { class: "ruler", hidden: true }, make("figcaption", {}, say("记忆标尺：从这一步到最后，还剩多少", "Memory ruler: what is left from this step to the last")), this.canvas, this.text);
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      if (this.steps) go(Math.max(0, Math.min(this.steps - 1, Math.floor(((event.clientX - box.left) / box.width) * this.steps))));
    });
  }

  show(ruler, t) {
    this.element.hidden = !ruler;
    if (!ruler) return;
    const steps = (this.steps = ruler.shape[1]);
    const context = fit(this.canvas);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const X = (k) => ((k + 0.5) / steps) * width;
    const Y = (v) => 4 + ((ruler.hi - v) / (ruler.hi - ruler.lo)) * (height - 8);
    context.strokeStyle = token("--line");
    context.fillStyle = token("--ink-2");
    context.font = "10px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const v of [0, -4, -8, -12]) {
      context.beginPath();
      context.moveTo(0, Y(v));
      context.lineTo(width, Y(v));
      context.stroke();
      context.fillText(power(v), 2, Y(v) - 6);
    }
    for (const [row, colour, dash] of [[0, token("--gate-f"), [5, 3]], [1, token("--ink"), []]]) {
      context.strokeStyle = colour;
      context.lineWidth = 1.75;
      context.setLineDash(dash);
      context.beginPath();
      for (let k = 0; k < steps; k++) context[k ? "lineTo" : "moveTo"](X(k), Y(at(ruler, row, k)));
      context.stroke();
    }
    context.setLineDash([2, 2]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(X(t), 0);
    context.lineTo(X(t), height);
    context.stroke();
    context.setLineDash([]);
    const said = `t = ${t + 1}: ∏f ≈ ${power(at(ruler, 0, t))}${say("（虚线）", " (dashed)")} · ‖∂h_T/∂h_t‖ ≈ ${power(at(ruler, 1, t))}${say("（实线）", " (solid)")}`;
    this.text.textContent = said;
    this.canvas.setAttribute("aria-label", `${say("记忆标尺", "Memory ruler")}. ${said}`);
  }
}
