// Play, pause, step, rewind, and the two scrubbers.
import { make, say } from "./words.js";

export class Transport {
  constructor(timeline) {
    this.timeline = timeline;
    const button = (sign, words, act) => make("button", { type: "button", "aria-label": words, title: words, onclick: act }, sign);
    this.play = button("▶", say("播放", "Play"), () => this.toggle());
    this.training = make("input", { type: "range", min: "0", max: "0", value: "0", step: "1", "data-scrub": "training", oninput: () => timeline.goStep(Number(this.training.value)) });
    this.sequence = make("input", { type: "range", min: "0", max: "0", value: "0", step: "1", "data-scrub": "sequence", oninput: () => timeline.goTime(Number(this.sequence.value)) });
    this.trainingText = make("span");
    this.sequenceText = make("span");
    this.element = make(
      "div",
      { class: "transport", role: "group", "aria-label": say("播放控制", "Playback"), hidden: true },
      make("div", { class: "buttons" }, button("|◂", say("回到开头", "Rewind"), () => timeline.rewind()), button("‹", say("后退一步", "Step back"), () => this.step(-1)), this.play, button("›", say("前进一步", "Step on"), () => this.step(1)), button("▸|", say("跟到最新", "Follow the newest"), () => timeline.goStep(Infinity))),
      make("label", {}, this.trainingText, this.training),
      make("label", {}, this.sequenceText, this.sequence),
    );
    timeline.addEventListener("change", () => this.draw());
    document.addEventListener("keydown", (event) => this.#key(event));
    setInterval(() => { if (timeline.playing) timeline.beat(); }, 140);
  }

  toggle() {
    if (this.timeline.playing) this.timeline.pause();
    else this.timeline.play();
  }

  step(by) {
    this.timeline.pause();
    if (this.timeline.steps.length > 1) this.timeline.goStep(this.timeline.place + by);
    else this.timeline.goTime(this.timeline.time + by);
  }

  draw() {
    const { timeline } = this;
    this.element.hidden = timeline.steps.length === 0;
    this.training.max = String(Math.max(0, timeline.steps.length - 1));
    this.training.value = String(timeline.place);
    this.training.disabled = timeline.steps.length < 2;
    this.sequence.max = String(timeline.length - 1);
    this.sequence.value = String(timeline.time);
    this.trainingText.textContent = `${say("训练时间：第", "training time: step")} ${timeline.step} ${say("步", "")}`;
    this.sequenceText.textContent = `${say("序列时间：", "sequence time: ")}t = ${timeline.time + 1} / ${timeline.length}`;
    this.training.setAttribute("aria-valuetext", this.trainingText.textContent);
    this.sequence.setAttribute("aria-valuetext", this.sequenceText.textContent);
    this.play.textContent = timeline.playing ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", timeline.playing ? say("暂停", "Pause") : say("播放", "Play"));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.element.hidden || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.("input,textarea,select");
    if (typing || (event.key === " " && event.target.closest?.("button,a,summary"))) return;
    const { timeline } = this;
    const act = {
      " ": () => this.toggle(),
      ArrowLeft: () => timeline.goTime(timeline.time - 1),
      ArrowRight: () => timeline.goTime(timeline.time + 1),
      ",": () => timeline.goStep(timeline.place - 1),
      ".": () => timeline.goStep(timeline.place + 1),
      Home: () => timeline.rewind(),
      End: () => timeline.goStep(Infinity),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
