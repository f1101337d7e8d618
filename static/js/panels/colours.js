// Colour scales as tables of 256 packed pixels: paper → hue, or hue ← paper → hue for signed signals.
import { rgb } from "./panel.js";

const mix = (a, b, share) => a.map((v, k) => Math.round(v + (b[k] - v) * share));
const pack = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;

export function scale(name, lo, hi) {
  const paper = [...rgb("--raised")].slice(0, 3);
  const hue = [...rgb(`--gate-${name}`)].slice(0, 3);
  const ink = [...rgb("--ink")].slice(0, 3);
  const table = new Uint32Array(256);
  const zero = lo < 0 && hi > 0 ? Math.round((-lo / (hi - lo)) * 255) : 0;
  const reach = Math.max(zero, 255 - zero) || 1;
  for (let k = 0; k < 256; k++) {
    const share = Math.abs(k - zero) / reach;
    table[k] = pack(mix(paper, k >= zero ? hue : mix(ink, paper, 0.25), share));
  }
  return table;
}

// Half way from a packed pixel towards crimson: the column of the cursor.
const tint = (pixel) => (255 << 24) | ((((pixel >> 16) & 255) + 60) >> 1 << 16) | ((((pixel >> 8) & 255) + 30) >> 1 << 8) | (((pixel & 255) + 220) >> 1);
const CURSOR = (255 << 24) | (60 << 16) | (30 << 8) | 220;

// A (T, H) tensor onto a canvas of T × H pixels, units downwards, time to the right; `cursor` is {t, unit}.
export function paint(canvas, tensor, pixels, table, cursor = null) {
  const [steps, units] = tensor.shape;
  if (canvas.width !== steps || canvas.height !== units) {
    canvas.width = steps;
    canvas.height = units;
  }
  const image = new ImageData(steps, units);
  const out = new Uint32Array(image.data.buffer);
  for (let t = 0; t < steps; t++) for (let u = 0; u < units; u++) out[u * steps + t] = table[pixels[t * units + u]];
  if (cursor) {
    for (let u = 0; u < units; u++) out[u * steps + cursor.t] = u === cursor.unit ? CURSOR : tint(out[u * steps + cursor.t]);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
