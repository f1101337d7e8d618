// An 8 × 8 pad to draw a digit on: the text field keeps it as 64 hex digits, so it travels in the link.
import { make, say } from "./words.js";

const SIDE = 8;

export function pad(input) {
  const cells = Array.from({ length: SIDE * SIDE }, (_, k) => parseInt(input.value[k] ?? "0", 16) || 0);
  const canvas = make("canvas", { width: String(SIDE), height: String(SIDE), class: "pad", role: "img", tabindex: "0", "aria-label": say("画一个数字；或在下面的框里填 64 个十六进制数", "Draw a digit, or write 64 hex digits below") });
  const context = canvas.getContext("2d");
  const show = () => {
    for (let k = 0; k < cells.length; k++) {
      const light = 255 - cells[k] * 17;
      context.fillStyle = `rgb(${light} ${light} ${light})`;
      context.fillRect(k % SIDE, Math.floor(k / SIDE), 1, 1);
    }
    input.value = cells.some(Boolean) ? cells.map((cell) => cell.toString(16)).join("") : "";
  };
  const ink = (x, y, amount) => {
    if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) cells[y * SIDE + x] = Math.min(15, cells[y * SIDE + x] + amount);
  };
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    const box = canvas.getBoundingClientRect();
    const [x, y] = [Math.floor(((event.clientX - box.left) / box.width) * SIDE), Math.floor(((event.clientY - box.top) / box.height) * SIDE)];
    ink(x, y, 8);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) ink(x + dx, y + dy, 1);
    show();
  });
  const clear = make("button", { type: "button", class: "button small", onclick: () => { cells.fill(0); show(); } }, say("擦掉", "Clear"));
  input.before(canvas, clear);
  show();
}
