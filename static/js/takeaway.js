// What can be taken home from a run: the script, the trace, the command line.
import { make, say } from "./words.js";

const quoted = (value) => (/^[\w.:-]+$/.test(String(value)) ? String(value) : `'${String(value).replaceAll("'", "'\\''")}'`);

export function takeaway(spec, params, runId) {
  const set = Object.entries(params).filter(([, value]) => value !== "");
  const command = `python -m app demo ${spec.demo} ${set.map(([name, value]) => `--${name} ${quoted(value)}`).join(" ")}`;
  const link = (href, zh, en) => make("a", { class: "button small", href, download: "" }, say(zh, en));
  return make("section", { class: "panel takeaway", "aria-label": say("带走", "Take away") },
    make("h2", {}, say("带走", "Take away")),
    make("div", { class: "presets" },
      spec.script ? link(`${spec.script}?${new URLSearchParams(set)}`, "自足的 PyTorch 脚本", "Self-contained PyTorch script") : null,
      spec.data ? link(spec.data, "脚本要读的数据", "The data that it reads") : null,
      runId ? link(`/api/runs/${runId}/trace.npz`, "所有门 .npz", "All gates .npz") : null,
      runId ? link(`/api/runs/${runId}/trace.csv`, "所有门 .csv", "All gates .csv") : null),
    make("p", { class: "note" }, say("在命令行里跑同一次：", "The same run on the command line:")),
    make("pre", { class: "command", tabindex: "0" }, command));
}
