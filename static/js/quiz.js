// What a quiz page does beyond its forms: order by buttons, digits choose, hints are noticed,
// focus goes to the result, the answer opens when everything is answered.

const zh = document.documentElement.lang.startsWith("zh");

function orderList(list) {
  if (!list.querySelector("select") || list.dataset.ready) return;
  list.dataset.ready = "1";
  for (const row of list.children) {
    const select = row.querySelector("select");
    select.closest("label").hidden = true;
    const buttons = document.createElement("span");
    buttons.className = "order-buttons";
    for (const [step, sign, word] of [[-1, "↑", zh ? "上移" : "Move up"], [1, "↓", zh ? "下移" : "Move down"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button--quiet";
      button.textContent = sign;
      button.setAttribute("aria-label", `${word}${zh ? "：" : ": "}${row.querySelector(".option-text").textContent.trim()}`);
      button.addEventListener("click", () => move(list, row, step, button));
      buttons.append(button);
    }
    row.append(buttons);
  }
}

function move(list, row, step, button) {
  const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (step < 0) list.insertBefore(row, other);
  else list.insertBefore(other, row);
  [...list.children].forEach((each, place) => { each.querySelector("select").value = String(place + 1); });
  button.focus();
}

function timer(area) {
  if (area.dataset.ready) return;
  area.dataset.ready = "1";
  const shown = area.closest("form").querySelector("[data-timer]");
  let began = 0;
  area.addEventListener("input", () => {
    if (began) return;
    began = performance.now();
    shown.hidden = false;
    const tick = () => {
      if (!area.isConnected) return clearInterval(clock);
      const seconds = Math.floor((performance.now() - began) / 1000);
      shown.textContent = zh ? `已用 ${seconds} 秒` : `${seconds} s`;
    };
    const clock = setInterval(tick, 1000);
    tick();
  });
}

// A page that is the same for everybody carries no idempotency keys: each visit makes its own.
function key(input) {
  if (input.value) return;
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  input.value = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

function prepare(root) {
  root.querySelectorAll("input[name=key]").forEach(key);
  root.querySelectorAll("[data-order]").forEach(orderList);
  root.querySelectorAll("[data-timed]").forEach(timer);
}

document.addEventListener("toggle", (event) => {
  const hint = event.target;
  if (!(hint instanceof HTMLDetailsElement) || !hint.classList.contains("hint") || !hint.open) return;
  const used = hint.closest("form")?.querySelector("input[name=hint_used]");
  if (used) used.value = "1";
}, true);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
  const at = document.activeElement;
  if (at instanceof HTMLTextAreaElement || (at instanceof HTMLInputElement && !["radio", "checkbox"].includes(at.type))) return;
  const item = at?.closest(".item") ?? document.querySelector(".item:not([data-marked])");
  const input = item?.querySelectorAll(".options input:not([disabled])")[Number(event.key) - 1];
  if (!input) return;
  event.preventDefault();
  if (input.type === "checkbox") input.checked = !input.checked;
  else input.checked = true;
  input.focus();
});

// Enter in a choice submits its form, as in a text field.
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  if (event.key === "Enter" && at instanceof HTMLInputElement && ["radio", "checkbox"].includes(at.type) && at.form?.matches(".item-form")) {
    event.preventDefault();
    at.form.requestSubmit();
  }
});

document.addEventListener("htmx:after:swap", () => {
  prepare(document);
  const focus = document.querySelector(".item[data-marked] .score:not([data-seen])");
  document.querySelectorAll(".item[data-marked] .score").forEach((score) => { score.dataset.seen = "1"; });
  focus?.focus({ preventScroll: false });
  const answer = document.getElementById("answer");
  if (answer && !document.querySelector(".item:not([data-marked])")) answer.open = true;
});

document.querySelectorAll(".item[data-marked] .score").forEach((score) => { score.dataset.seen = "1"; });
prepare(document);
