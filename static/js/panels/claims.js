// Claim cards: what is claimed, what was published, what this run measured, and the verdict.
import { make, number, say } from "../words.js";

const VERDICTS = { holds: ["成立", "holds"], fails: ["不成立", "does not hold"], depends: ["看条件", "depends"] };

export class Claims {
  constructor(specs, timeline, context) {
    this.specs = specs;
    this.timeline = timeline;
    this.context = context; // () → {seed, seconds}
    this.element = make("section", { class: "claims", "aria-label": say("说法与判定", "Claims and verdicts") });
    timeline.addEventListener("change", () => requestAnimationFrame(() => this.draw()));
    this.draw();
  }

  draw() {
    const { seed, seconds } = this.context();
    const { kept } = this.timeline;
    const state = JSON.stringify([[...this.timeline.metrics], seed, seconds, kept?.label]);
    if (state === this.state) return;
    this.state = state;
    this.element.replaceChildren(...this.specs.map((claim) => {
      const metric = this.timeline.metrics.get(claim.id);
      const verdict = metric?.verdict;
      const run = metric
        ? `${metric.name} = ${number(metric.value)}${metric.unit ? ` ${metric.unit}` : ""}${metric.seeds ? say(`，${metric.seeds} 个种子中 ${metric.solved} 个`, `, ${metric.solved} of ${metric.seeds} seeds`) : ""}${say(`（种子 ${seed}`, ` (seed ${seed}`)}${seconds ? say(`，${seconds.toFixed(1)} 秒`, `, ${seconds.toFixed(1)} s`) : ""}${say("）", ")")}`
        : say("还没有测到", "not measured yet");
      const other = kept?.metrics.get(claim.id);
      return make(
        "article",
        { class: `claim${verdict ? ` claim--${verdict}` : ""}` },
        make("strong", {}, claim.text),
        " ",
        verdict ? make("span", { class: `verdict verdict--${verdict}` }, say(...VERDICTS[verdict])) : null,
        make("dl", {}, make("dt", {}, say("文献", "Published")), make("dd", {}, `${claim.published} — ${claim.source}`), make("dt", {}, say("这次运行", "This run")), make("dd", {}, run), ...(other ? [make("dt", {}, kept.label), make("dd", {}, `${number(other.value)}${other.verdict ? ` · ${say(...VERDICTS[other.verdict])}` : ""}`)] : [])),
      );
    }));
  }
}
