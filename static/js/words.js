// The page's language, and a number as people read it.
export const lang = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
export const say = (zh, en) => (lang === "zh" ? zh : en);
export const pick = (words) => (words ? (Array.isArray(words) ? words[lang === "zh" ? 0 : 1] : words[lang] ?? "") : "");

export function number(value, digits = 3) {
  if (value === null || value === undefined) return "—";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) >= 1e5 && Math.abs(value) < 1e9) return value.toLocaleString("en").replace("-", "−");
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) {
    const [mantissa, exponent] = value.toExponential(2).split("e");
    return `${mantissa.replace("-", "−")} × ${power(Number(exponent))}`;
  }
  return (Number.isInteger(value) ? String(value) : value.toFixed(digits)).replace("-", "−");
}

const RAISED = { "-": "⁻", "−": "⁻", ".": "·", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// 10 to the power of `exponent`, written with raised digits.
export const power = (exponent, digits = 1) => `10${[...(Number.isInteger(exponent) ? String(exponent) : exponent.toFixed(digits))].map((sign) => RAISED[sign] ?? sign).join("")}`;

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
