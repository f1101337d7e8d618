// Everything received, and two positions in it: training time × sequence time.
export class Timeline extends EventTarget {
  constructor() {
    super();
    this.kept = null; // a run laid aside, to compare with
    this.clear();
  }

  clear() {
    this.events = new Map(); // panel → its events in order
    this.metrics = new Map(); // claim → its metric
    this.steps = []; // training steps at which something was shown
    this.place = 0; // index into steps
    this.time = 0; // sequence time, from 0
    this.length = 1; // of the longest sequence shown
    this.following = true; // keep to the newest step
    this.playing = false;
    this.changed();
  }

  // Lay what was received aside, to be drawn beside the next run.
  keep(label) {
    this.kept = { label, events: this.events, metrics: this.metrics };
    this.changed();
  }

  drop() {
    this.kept = null;
    this.changed();
  }

  earlier(panel) {
    return this.kept?.events.get(panel) ?? [];
  }

  add(event) {
    if (event.type === "metric" && event.claim) this.metrics.set(event.claim, event);
    if (event.panel) {
      if (!this.events.has(event.panel)) this.events.set(event.panel, []);
      this.events.get(event.panel).push(event);
    }
    if (event.step !== undefined && event.type !== "seed") this.#step(event.step);
    if (event.tokens && event.tokens.length > this.length) this.length = event.tokens.length;
    this.changed();
  }

  #step(step) {
    const last = this.steps.at(-1);
    if (last === step) return;
    if (last === undefined || step > last) this.steps.push(step);
    else if (!this.steps.includes(step)) {
      this.steps.push(step);
      this.steps.sort((a, b) => a - b);
    }
    if (this.following) this.place = this.steps.length - 1;
  }

  get step() {
    return this.steps[this.place] ?? 0;
  }

  all(panel) {
    return this.events.get(panel) ?? [];
  }

  // The newest event of a panel not after the chosen training step (one without a step is of the whole run); `fits` narrows it.
  now(panel, fits = () => true) {
    let found = null;
    for (const event of this.all(panel)) if ((event.step ?? 0) <= this.step && fits(event)) found = event;
    return found ?? this.all(panel).find(fits) ?? null;
  }

  goStep(place) {
    this.place = Math.max(0, Math.min(this.steps.length - 1, place));
    this.following = this.place === this.steps.length - 1;
    this.changed();
  }

  goTime(time) {
    this.time = Math.max(0, Math.min(this.length - 1, time));
    this.changed();
  }

  // One beat of playing: along training time where there is any, else along the sequence.
  beat() {
    if (this.steps.length > 1) {
      if (this.place < this.steps.length - 1) this.goStep(this.place + 1);
      else if (!this.live) this.pause();
    } else if (this.time < this.length - 1) this.goTime(this.time + 1);
    else this.pause();
  }

  play() {
    if (this.steps.length > 1 && this.place === this.steps.length - 1 && !this.live) this.place = 0;
    if (this.steps.length <= 1 && this.time === this.length - 1) this.time = 0;
    this.playing = true;
    this.changed();
  }

  pause() {
    this.playing = false;
    this.changed();
  }

  rewind() {
    this.playing = false;
    this.time = 0;
    this.goStep(0);
    this.following = false;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
