// Two runs on one axis: keep this one, change a parameter, run again. The kept one travels in the link.
import { make, say } from "./words.js";

export class Comparison {
  constructor(timeline, params, defaults, called) {
    this.timeline = timeline;
    this.params = params; // () → the params of the run that is shown
    this.defaults = defaults;
    this.called = called; // (name, value) → both in words
    this.button = make("button", { type: "button", class: "button small", "data-keep": true, onclick: () => (timeline.kept ? this.drop() : this.keep()) });
    this.element = make("span", { hidden: true }, this.button);
    this.#name();
  }

  offer() {
    this.element.hidden = false;
  }

  keep() {
    this.kept = this.params();
    this.timeline.keep(this.#label());
    this.offer();
    this.#name();
  }

  drop() {
    this.kept = null;
    this.timeline.drop();
    this.#name();
  }

  #name() {
    this.button.textContent = this.timeline.kept ? say("不再对照", "Stop comparing") : say("留下，和下一次对照", "Keep to compare with the next");
  }

  // What sets the kept run apart from the defaults; the seed where nothing does.
  #label() {
    const odd = Object.entries(this.kept).filter(([name, value]) => name !== "hold" && value !== this.defaults[name]).map(([name, value]) => this.called(name, value));
    return odd.length ? odd.join(say("，", ", ")) : say(`默认，种子 ${this.kept.seed}`, `defaults, seed ${this.kept.seed}`);
  }

  // The address of a run with these params, with the kept run's beside them.
  query(params) {
    const asked = new URLSearchParams(params);
    asked.delete("hold");
    if (this.kept) {
      const other = new URLSearchParams(this.kept);
      other.delete("hold");
      asked.set("compare", other.toString());
    }
    return asked;
  }
}
