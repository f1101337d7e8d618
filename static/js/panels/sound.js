// Something to listen to, played on a press and never by itself.
import { make, pick, say } from "../words.js";
import { Panel } from "./panel.js";

export class SoundPanel extends Panel {
  constructor(spec, timeline) {
    super(spec, timeline);
    this.toggle.remove();
    this.saving.remove();
    this.list = make("div", { class: "presets" });
    this.body.append(this.list);
  }

  draw() {
    if (this.list.childElementCount === this.events.length) return;
    this.list.replaceChildren(...this.events.map((event, k) => make("button", { type: "button", class: "button small", onclick: () => this.#play(event) }, `▶ ${pick(event.caption) || say(`声音 ${k + 1}`, `sound ${k + 1}`)}`)));
  }

  #play(event) {
    const text = atob(event.data);
    const samples = new Float32Array(text.length / 2);
    for (let k = 0; k < samples.length; k++) {
      const word = text.charCodeAt(2 * k) | (text.charCodeAt(2 * k + 1) << 8);
      samples[k] = (word >= 32768 ? word - 65536 : word) / 32768;
    }
    this.context ??= new AudioContext();
    const buffer = this.context.createBuffer(1, samples.length, event.rate);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.start();
  }

  numbers() {
    return { head: [], rows: [] };
  }
}
