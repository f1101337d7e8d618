// <mendao-run>: the form, the run it starts, the stream it reads, the panels that show it.
import { begin } from "./begin.js";
import { Comparison } from "./comparison.js";
import { Claims } from "./panels/claims.js";
import { CurvesPanel } from "./panels/curves.js";
import { GatesPanel } from "./panels/gates.js";
import { HeatmapPanel } from "./panels/heatmap.js";
import { SeedsPanel, TablePanel, TextPanel } from "./panels/small.js";
import { SoundPanel } from "./panels/sound.js";
import { SurfacePanel } from "./panels/surface.js";
import { Stream } from "./stream.js";
import { Surgery } from "./surgery.js";
import { takeaway } from "./takeaway.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";
import { make, pick, say } from "./words.js";

const KINDS = { gates: GatesPanel, curves: CurvesPanel, seeds: SeedsPanel, text: TextPanel, table: TablePanel, heatmap: HeatmapPanel, surface: SurfacePanel, sound: SoundPanel };

class MendaoRun extends HTMLElement {
  connectedCallback() {
    this.spec = JSON.parse(this.dataset.spec);
    this.form = this.querySelector("form");
    this.stage = this.querySelector("[data-stage]");
    this.timeline = new Timeline();
    this.params = this.spec.params;
    this.state = make("span", { role: "status", "aria-live": "polite" });
    this.bar = make("progress", { max: "1", value: "0", hidden: true, "aria-label": say("进度", "Progress") });
    this.mark = make("span", { class: "recorded-mark", hidden: true }, say("录像：默认参数的一次运行", "recorded: a run of the defaults"));
    this.claims = new Claims(this.spec.claims, this.timeline, () => ({ seed: this.params.seed ?? 0, seeds: this.params.seeds ?? 1, seconds: this.seconds }));
    this.transport = new Transport(this.timeline);
    this.panels = this.spec.panels.map((panel) => new KINDS[panel.kind](panel, this.timeline));
    this.comparison = new Comparison(this.timeline, () => this.params, this.spec.params, (name, value) => this.called(name, value));
    this.surgery = "hold" in this.spec.params ? new Surgery(this.spec, () => this.params) : null;
    this.home = make("div");
    this.stage.append(
      make("div", { class: "run-state" }, this.state, this.bar, this.mark, this.comparison.element), this.transport.element, this.claims.element,
      ...this.panels.map((panel) => panel.element), ...(this.surgery ? [this.surgery.element] : []), this.home,
    );
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.run(); });
    this.button("cancel").addEventListener("click", () => this.cancel());
    this.button("share").addEventListener("click", () => this.share());
    this.button("share").hidden = false;
    const pads = this.form.querySelectorAll("[data-widget=draw]");
    if (pads.length) import("./draw.js").then(({ pad }) => pads.forEach(pad));
    if (matchMedia("(max-width: 60rem)").matches) this.querySelector(".run-fields").open = false;
    this.#open();
  }

  // What the address asks for: a run going on, a comparison, a run pressed before this script was there.
  async #open() {
    const asked = new URLSearchParams(location.search);
    const running = /run=([0-9a-f]{24})/.exec(location.hash)?.[1];
    if (asked.has("compare") && !running) {
      await this.run(Object.fromEntries(new URLSearchParams(asked.get("compare"))), false);
      await this.over;
      this.comparison.keep();
      this.run();
    } else if (asked.has("run")) this.run();
    else if (running) this.watch(running, `/api/runs/${running}/events`);
    else if (this.dataset.recorded) this.recorded();
    else this.say(say("按“运行”开始。", "Press Run to begin."));
  }

  button(name) {
    return this.querySelector(`[data-${name}]`);
  }

  say(text) {
    this.state.textContent = text;
  }

  // A param with a value, in the words of the form.
  called(name, value) {
    const field = this.form.elements[name];
    const choice = [...(field?.options ?? [])].find((option) => option.value === String(value));
    return `${field?.labels?.[0]?.textContent ?? name} = ${choice?.text ?? (typeof value === "number" ? String(value).replace("-", "−") : value)}`;
  }

  // Field values in the types of the params they stand for.
  typed(values) {
    const params = {};
    for (const [name, value] of Object.entries(values)) {
      const known = this.spec.params[name];
      if (known === undefined || name === "hold") continue;
      params[name] = typeof known === "number" ? (value.trim() === "" ? null : Number(value)) : typeof known === "boolean" ? value === "true" : value;
    }
    return params;
  }

  read() {
    return this.typed(Object.fromEntries(new FormData(this.form)));
  }

  async recorded() {
    this.say(say("按“运行”，看一次现场训练。", "Press Run for a live run."));
    try {
      const { events } = await (await fetch(this.dataset.recorded)).json();
      if (this.stream) return;
      this.mark.hidden = false;
      for (const event of events) this.timeline.add(event);
    } catch { /* a picture less */ }
  }

  async run(values = null, named = true) {
    this.stop();
    this.params = values ? this.typed(values) : this.read();
    this.clearErrors();
    this.say(say("正在启动……", "Starting …"));
    const { body, error, wait } = await begin(this.spec.run, this.params);
    if (error) {
      this.refused(error, wait);
      return;
    }
    if (named) history.replaceState(null, "", `${location.pathname}?${this.comparison.query(this.params)}#run=${body.run_id}`);
    if (body.position > 0) this.say(this.queued(body.position));
    this.watch(body.run_id, body.events_url);
  }

  refused(error, wait) {
    this.say(`${error.message}${wait ? say(` ${wait} 秒后再试。`, ` Try again in ${wait} s.`) : ""}`);
    this.querySelector(".run-fields").open = true;
    const field = error.field && this.form.querySelector(`[data-field="${CSS.escape(error.field.split(".").at(-1))}"]`);
    if (!field) return;
    field.append(make("p", { class: "error", role: "alert" }, error.message));
    const input = field.querySelector("input,select,textarea");
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  clearErrors() {
    for (const error of this.form.querySelectorAll(".error")) error.remove();
    for (const input of this.form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }

  watch(runId, url) {
    this.runId = runId;
    this.seconds = 0;
    this.waiting = !this.mark.hidden; // the recorded run stays, marked, until the live one draws
    if (!this.waiting) this.timeline.clear();
    this.timeline.live = true;
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.button("cancel").hidden = false;
    this.home.replaceChildren();
    this.over = new Promise((resolve) => { this.finish = resolve; });
    this.stream = new Stream(url, {
      onevent: (event) => this.take(event),
      onnotice: (kind, data) => this.notice(kind, data),
      ongone: () => this.gone(),
    });
  }

  take(event) {
    this.seconds = event.t ?? this.seconds;
    if (event.type === "started") {
      this.params = event.params;
      this.say(say("运行中", "Running"));
    } else if (event.type === "progress") {
      this.bar.value = event.done / event.total;
      this.say(`${say("运行中", "Running")} ${event.done} / ${event.total}${event.note ? ` · ${pick(event.note)}` : ""}`);
    } else if (event.type === "finished") this.finished();
    else if (event.type === "failed") this.ended(pick(event.message));
    else {
      if (this.waiting) this.drawn();
      this.timeline.add(event);
      return;
    }
    this.timeline.changed();
  }

  // The live run takes the recorded one's place.
  drawn() {
    this.waiting = false;
    this.mark.hidden = true;
    this.timeline.clear();
    this.timeline.live = true;
  }

  finished() {
    this.ended(say(`完成，用时 ${this.seconds.toFixed(1)} 秒。`, `Finished in ${this.seconds.toFixed(1)} s.`));
    this.surgery?.offer(new URLSearchParams(location.search).get("hold") ?? "");
    this.comparison.offer();
    this.home.replaceChildren(takeaway(this.spec, this.params, this.runId));
  }

  queued(position) {
    return say(`排队中，第 ${position} 位`, `Waiting, place ${position} in the queue`);
  }

  notice(kind, data) {
    if (kind === "queue" && data.position > 0) this.say(this.queued(data.position));
    else if (kind === "engine") this.say({ warming: say("引擎预热中……", "The engine is warming up …"), restarting: say("引擎重启，从断点接着看……", "The engine restarts; the run goes on …"), ready: say("引擎就绪", "The engine is ready") }[data.state]);
    else if (kind === "restart") this.say(say(`重跑与之前在第 ${data.from} 个事件处不同`, `The repeated run differs from event ${data.from} on`));
  }

  ended(text) {
    this.timeline.live = false;
    this.bar.hidden = true;
    this.button("cancel").hidden = true;
    this.say(text);
    this.finish?.();
  }

  gone() {
    // A reload after the server let the run go: the same params give the same run.
    history.replaceState(null, "", location.pathname + location.search);
    this.ended(say("那次运行已被清理，按“运行”重来一次。", "That run was cleared; press Run to repeat it."));
    if (this.dataset.recorded && !this.waiting) this.recorded(); // unless it is still there
  }

  stop() {
    this.stream?.close();
    this.stream = null;
  }

  async cancel() {
    await fetch(`/api/runs/${this.runId}`, { method: "DELETE" });
  }

  async share() {
    const asked = this.comparison.query(this.read());
    if (this.surgery?.line.value) asked.set("hold", this.surgery.line.value);
    const url = `${location.origin}${location.pathname}?${asked}`;
    try {
      await navigator.clipboard.writeText(url);
      this.say(say("链接已复制，含全部参数和种子。", "Link copied, with every parameter and the seed."));
    } catch {
      history.replaceState(null, "", url);
      this.say(say("链接在地址栏里，含全部参数和种子。", "The link is in the address bar, with every parameter and the seed."));
    }
  }
}

customElements.define("mendao-run", MendaoRun);
