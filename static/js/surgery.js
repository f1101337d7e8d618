// Surgery: hold a gate of the trained network over some steps and see output and loss answer, beside the untouched one.
import { GatesPanel } from "./panels/gates.js";
import { TablePanel } from "./panels/small.js";
import { begin } from "./begin.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { make, pick, say } from "./words.js";

const LANES = [["untouched", "原样", "untouched"], ["operated", "动过手术", "operated"]];

export class Surgery {
  constructor(spec, params) {
    this.spec = spec;
    this.params = params; // () → the params of the run that was trained
    this.timeline = new Timeline();
    const field = (zh, en, input) => make("label", {}, say(zh, en), input);
    const whole = (value) => make("input", { type: "number", min: "1", max: "9999", value });
    this.gate = make("select", {}, ...[["f", "遗忘门 f", "forget f"], ["i", "输入门 i", "input i"], ["g", "候选 g", "candidate g"], ["o", "输出门 o", "output o"]].map(([gate, zh, en]) => make("option", { value: gate }, say(zh, en))));
    this.value = make("input", { type: "number", step: "0.1", min: "-50", max: "50", value: "0" });
    this.from = whole("1");
    this.to = whole("10");
    this.line = make("input", { type: "text", maxlength: "120", placeholder: "f=0@1-10 i=0" });
    this.state = make("p", { class: "note", role: "status" });
    const panel = (lane, zh, en) => new GatesPanel({ id: "surgery", title: say(zh, en), note: "", lane, series: LANES.map(([key, ...words]) => ({ key, title: say(...words) })) }, this.timeline);
    this.panels = [...LANES.map(([lane, zh, en]) => panel(lane, zh, en)), new TablePanel({ id: "surgery-answer", title: say("输出和损失怎样回应", "How output and loss answer"), note: "" }, this.timeline)];
    const form = make("form", { class: "surgery-form" },
      field("门", "Gate", this.gate), field("钳到", "Hold at", this.value), field("从第几步", "From step", this.from), field("到第几步", "To step", this.to),
      make("button", { type: "button", class: "button small", onclick: () => this.#add() }, say("再钳一个", "Add another")),
      field("全部", "All of them", this.line),
      make("button", { class: "button button--primary" }, say("动手术", "Operate")));
    form.addEventListener("submit", (event) => { event.preventDefault(); if (!this.line.value.trim()) this.#add(); this.run(); });
    this.element = make("section", { class: "panel surgery", "aria-label": say("手术台", "Surgery"), hidden: true },
      make("h2", {}, say("手术台：钳住训练好的网络的门", "Surgery: hold the gates of the trained network")),
      make("p", { class: "note" }, say("同一个网络、同一条序列跑两遍：一遍原样，一遍钳住你选的门。", "The same network and sequence twice: once untouched, once with the gates you choose held.")),
      form, this.state, make("div", { class: "surgery-pair" }, ...this.panels.slice(0, 2).map((each) => each.element)), this.panels[2].element);
  }

  offer(hold = "") {
    this.element.hidden = false;
    if (hold) this.line.value = hold;
  }

  #add() {
    const part = `${this.gate.value}=${this.value.value || 0}@${this.from.value || 1}-${this.to.value || 1}`;
    this.line.value = `${this.line.value.trim()} ${part}`.trim();
  }

  async run() {
    this.stream?.close();
    this.state.textContent = say("手术中……", "Operating …");
    const { body, error } = await begin(this.spec.run, { ...this.params(), hold: this.line.value });
    if (error) {
      this.state.textContent = error.message;
      return;
    }
    this.timeline.clear();
    this.stream = new Stream(body.events_url, {
      onevent: (event) => {
        if (event.type === "progress") this.state.textContent = say("网络不在手边，先照样训练一遍……", "The network is not at hand: training it again first …");
        else if (event.type === "failed") this.state.textContent = pick(event.message);
        else if (event.type === "finished") this.state.textContent = say("完成。", "Done.");
        else this.timeline.add(event);
      },
      onnotice: () => {},
      ongone: () => { this.state.textContent = say("那次运行已被清理。", "That run was cleared."); },
    });
  }
}
