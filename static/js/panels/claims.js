// Claim cards: what is claimed, what was published, what this run measured, and the verdict.
import { make, number, say } from "../words.js";

// Units that a language has a word of its own for.
const UNITS = { characters: ["个字符", "characters"], USD: ["美元", "USD"], ms: ["毫秒", "ms"], "×": ["倍", ""] };
const VERDICTS = { holds: ["成立", "holds"], fails: ["不成立", "does not hold"], depends: ["看条件", "depends"] };

export class Claims {
  constructor(specs, timeline, context) {
    this.specs = specs;
    this.timeline = timeline;
    this.context = context; // () → {seed, seeds, seconds}
    this.element = make("section", { class: "claims", "aria-label": say("说法与判定", "Claims and verdicts") });
    timeline.addEventListener("change", () => requestAnimationFrame(() => this.draw()));
    this.draw();
  }

  static value({ value, unit }) {
    return `${number(value)} ${unit ? say(...(UNITS[unit] ?? [unit, unit])) : ""}`.trim();
  }

  draw() {
    const { seed, seeds, seconds } = this.context();
    const { kept } = this.timeline;
    const state = JSON.stringify([[...this.timeline.metrics], seed, seeds, seconds, kept?.label]);
    if (state === this.state) return;
    this.state = state;
    this.element.replaceChildren(...this.specs.map((claim) => {
      const metric = this.timeline.metrics.get(claim.id);
      const verdict = metric?.verdict;
      const tally = metric?.seeds ? `${say("；", "; ")}${claim.tally.replace("{solved}", metric.solved).replace("{seeds}", metric.seeds)}` : "";
      const from = seeds > 1 ? say(`从种子 ${seed} 起`, `from seed ${seed}`) : say(`种子 ${seed}`, `seed ${seed}`);
      const took = seconds ? say(`，${seconds.toFixed(1)} 秒`, `, ${seconds.toFixed(1)} s`) : "";
      const run = metric
        ? `${claim.measured}${claim.measured.endsWith("）") ? "" : " "}${Claims.value(metric)}${tally}${say(`（${from}${took}）`, ` (${from}${took})`)}`
        : say("还没有测到", "not measured yet");
      const other = kept?.metrics.get(claim.id);
      return make(
        "article",
        { class: `claim${verdict ? ` claim--${verdict}` : ""}` },
        make("strong", {}, claim.text),
        " ",
        verdict ? make("span", { class: `verdict verdict--${verdict}` }, say(...VERDICTS[verdict])) : null,
        make("dl", {}, make("dt", {}, say("文献", "Published")), make("dd", {}, `${claim.published} — ${claim.source}`), make("dt", {}, say("这次运行", "This run")), make("dd", { title: metric?.name }, run), ...(other ? [make("dt", {}, kept.label), make("dd", {}, `${Claims.value(other)}${other.verdict ? ` · ${say(...VERDICTS[other.verdict])}` : ""}`)] : [])),
      );
    }));
  }
}
