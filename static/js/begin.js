// Ask the server for a run. {body} where it was begun, {error, wait} where it was refused or not reached.
import { lang, say } from "./words.js";

export async function begin(url, params) {
  let answer;
  try {
    answer = await fetch(`${url}?lang=${lang}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ params }) });
  } catch {
    return { error: { message: say("连不上服务器。", "The server cannot be reached.") } };
  }
  const body = await answer.json();
  return answer.status === 201 ? { body } : { error: body.error, wait: answer.headers.get("Retry-After") };
}
