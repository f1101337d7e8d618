// The few calls of a 2D context that our panels use, written down as SVG.
const safe = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const ANCHORS = { left: "start", right: "end", center: "middle" };
const BASELINES = { top: "hanging", middle: "central", bottom: "auto", alphabetic: "auto" };
const ruler = document.createElement("canvas").getContext("2d");
const n = (value) => Math.round(value * 100) / 100;

export class SvgContext {
  constructor(width, height, paper) {
    this.size = [width, height];
    this.parts = [`<rect width="${width}" height="${height}" fill="${safe(paper)}"/>`];
    this.path = "";
    this.dash = [];
    Object.assign(this, { lineWidth: 1, globalAlpha: 1, strokeStyle: "#000", fillStyle: "#000", font: "11px sans-serif", textAlign: "left", textBaseline: "alphabetic", imageSmoothingEnabled: true });
  }

  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${n(x)} ${n(y)}`; }
  lineTo(x, y) { this.path += `L${n(x)} ${n(y)}`; }
  closePath() { this.path += "Z"; }
  arc(x, y, r) { this.path += `M${n(x - r)} ${n(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`; }
  setLineDash(dash) { this.dash = dash; }
  stroke() { this.parts.push(`<path d="${this.path}" fill="none" stroke="${safe(this.strokeStyle)}" stroke-width="${this.lineWidth}" opacity="${this.globalAlpha}"${this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : ""}/>`); }
  fill() { this.parts.push(`<path d="${this.path}" fill="${safe(this.fillStyle)}" opacity="${this.globalAlpha}"/>`); }
  fillRect(x, y, width, height) { this.parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${safe(this.fillStyle)}" opacity="${this.globalAlpha}"/>`); }
  strokeRect(x, y, width, height) { this.parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="none" stroke="${safe(this.strokeStyle)}"/>`); }
  measureText(text) { ruler.font = this.font; return ruler.measureText(text); }
  fillText(text, x, y, most = Infinity) { this.parts.push(`<text${this.measureText(text).width > most ? ` textLength="${n(most)}" lengthAdjust="spacingAndGlyphs"` : ""} x="${n(x)}" y="${n(y)}" fill="${safe(this.fillStyle)}" font-size="${parseFloat(this.font)}" font-family="sans-serif" text-anchor="${ANCHORS[this.textAlign]}" dominant-baseline="${BASELINES[this.textBaseline]}">${safe(text)}</text>`); }
  drawImage(canvas, x, y, width, height) { this.parts.push(`<image x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${canvas.toDataURL()}"/>`); }

  text() {
    const [width, height] = this.size;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${this.parts.join("\n")}</svg>`;
  }
}
