// Every page: theme, key help, and the custom elements where they stand.
import { say } from "./words.js";

const root = document.documentElement;
const THEMES = ["auto", "light", "dark"];

const button = document.querySelector("[data-theme-switch]");
if (button) {
  button.hidden = false;
  const name = () => root.dataset.theme ?? "auto";
  const label = () => button.setAttribute("aria-label", `${say("切换深浅色，现在：", "Switch theme, now: ")}${{ auto: say("跟随系统", "system"), light: say("浅色", "light"), dark: say("深色", "dark") }[name()]}`);
  label();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(name()) + 1) % THEMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try { localStorage.setItem("mendao-theme", next); } catch { /* not kept, still switched */ }
    label();
    document.dispatchEvent(new CustomEvent("mendao:theme"));
  });
}

const keys = document.getElementById("keys");
const open = document.querySelector("[data-keys]");
if (keys && open) {
  open.hidden = false;
  open.addEventListener("click", () => keys.showModal());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=radio],[type=checkbox],[type=range]),textarea,select");
    if (event.key === "?" && !typing && !keys.open) keys.showModal();
  });
}

// The language switch keeps the place: the same query, the same anchor.
document.querySelector("[data-language]")?.addEventListener("click", (event) => {
  const link = event.currentTarget;
  const target = new URL(link.href);
  target.search = location.search;
  target.hash = location.hash;
  link.href = target.href;
});

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

if (document.querySelector("mendao-picture")) import("./picture.js");
