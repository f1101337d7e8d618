// <mendao-picture>: a recorded run's gates, moving through training; still where motion is unwanted.
import { bytes } from "./decode.js";
import { paint, scale } from "./panels/colours.js";
import { make, say } from "./words.js";

const SHOWN = [["f", "遗忘门 f", "forget gate f"], ["c", "细胞状态 c", "cell state c"], ["i", "输入门 i", "input gate i"], ["h", "隐藏状态 h", "hidden state h"]];
const still = matchMedia("(prefers-reduced-motion: reduce)");

class MendaoPicture extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.src) return;
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.load();
    }).observe(this);
  }

  async load() {
    const answer = await fetch(this.dataset.src);
    const { events } = await answer.json();
    const gates = events.filter((event) => event.type === "gates");
    this.frames = gates.filter((event) => event.lane === gates[0].lane);
    if (!this.frames.length) return;
    this.small = "lazy" in this.dataset;
    const shown = this.small ? SHOWN.slice(0, 2) : SHOWN;
    this.maps = shown.map(([gate, zh, en]) => ({ gate, canvas: make("canvas", { role: "img", "aria-label": say(zh, en) }), title: make("span", { class: `gate-${gate}` }, say(zh, en)) }));
    this.caption = make("span");
    const pause = make("button", { type: "button", class: "button small", onclick: () => { this.going = !this.going; pause.textContent = this.going ? say("暂停", "Pause") : say("播放", "Play"); } }, say("暂停", "Pause"));
    this.replaceChildren(make("div", { class: "maps" }, ...this.maps.map((map) => make("figure", {}, map.canvas, make("figcaption", {}, map.title)))));
    if (!this.small && this.frames.length > 1) this.append(make("p", { class: "note" }, this.caption, " ", pause));
    this.place = still.matches || this.small ? this.frames.length - 1 : 0;
    this.going = !still.matches && !this.small;
    if (!this.going) pause.textContent = say("播放", "Play");
    this.draw();
    document.addEventListener("mendao:theme", () => this.draw());
    if (!this.small) setInterval(() => { if (this.going && !document.hidden) { this.place = (this.place + 1) % this.frames.length; this.draw(); } }, 260);
  }

  draw() {
    const frame = this.frames[this.place];
    for (const { gate, canvas } of this.maps) paint(canvas, frame[gate], bytes(frame[gate]), scale(gate, frame[gate].lo, frame[gate].hi));
    this.caption.textContent = say(`录下的训练 · 第 ${frame.step} 步 · 纵轴是单元，横轴是时间`, `recorded training · step ${frame.step} · units down, time across`);
  }
}

customElements.define("mendao-picture", MendaoPicture);
