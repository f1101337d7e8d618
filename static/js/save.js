// A panel as a file: PNG as drawn, SVG with real lines and text, CSV of the numbers behind it.
import { SvgContext } from "./svg.js";
import { make, say } from "./words.js";

export function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const cell = (value) => (/[",\n]/.test(String(value ?? "")) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));

export const csv = ({ head, rows }) => [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");

export async function savePanel(panel, kind) {
  const name = `mendao-${panel.spec.id}.${kind}`;
  if (kind === "csv") return download(new Blob(["\ufeff", csv(panel.numbers())], { type: "text/csv" }), name);
  const picture = panel.picture();
  if (!picture) {
    panel.readout.textContent = say("这一块是文字，请存成 CSV。", "This panel is text: save it as CSV.");
    return undefined;
  }
  const { width, height, draw } = picture;
  const paper = getComputedStyle(document.documentElement).getPropertyValue("--raised") ? getComputedStyle(panel.element).backgroundColor : "#fff";
  if (kind === "svg") {
    const context = new SvgContext(width, height, paper);
    draw(context);
    return download(new Blob([context.text()], { type: "image/svg+xml" }), name);
  }
  const canvas = make("canvas", { width: String(width * 2), height: String(height * 2) });
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  draw(context);
  return canvas.toBlob((blob) => download(blob, name));
}
