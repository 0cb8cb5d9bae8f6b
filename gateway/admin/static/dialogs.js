// What is asked before something is done, and what is said afterwards.

import {get, keepToken, send} from "./api.js";
import {h, show} from "./dom.js";
import {count, share} from "./format.js";
import {button, field} from "./parts.js";

export function toast(words, kind = "ok") {
  const note = h("div", {class: `toast ${kind}`}, words);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 10000 : 5000);
}

/** A dialog with a form. Resolves to what `done` returns once it succeeds, or null when it is left. */
function ask(title, content, action, done, kind = "primary") {
  return new Promise((resolve) => {
    const fault = h("p", {class: "notice bad", role: "alert", hidden: true});
    const go = h("button", {type: "submit", class: kind}, action);
    const leave = () => { dialog.close(); };
    const form = h("form", {method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      go.disabled = true;
      try {
        resolve(await done(new FormData(form)));
        dialog.close();
      } catch (error) {
        show(fault, error.message);
        fault.hidden = false;
        go.disabled = false;
      }
    }}, h("h2", {id: "dialog-title"}, title), content, fault, h("div", {class: "actions end"}, button("Cancel", leave), go));
    const dialog = h("dialog", {"aria-labelledby": "dialog-title"}, form);
    dialog.addEventListener("close", () => { dialog.remove(); resolve(null); });
    document.body.append(dialog);
    dialog.showModal();
    form.querySelector("input:not([type=hidden]), textarea, select")?.focus();
  });
}

const LENGTHS = [["5m", "5 minutes"], ["30m", "30 minutes"], ["2h", "2 hours"], ["24h", "a day"]];

/** Isolate a target: with a reason, an end, and how much of the traffic it will touch. */
export function isolate(target) {
  const touches = h("p", {class: "notice", role: "status"}, "Counting what this will touch…");
  get(`/v1/reach?target=${encodeURIComponent(target)}`).then(({touches: reach}) => show(touches, reached(reach)),
    (error) => show(touches, error.message));
  return ask(`Isolate ${target}`, [touches,
    field("Reason", h("input", {name: "reason", required: true, maxlength: "500", autocomplete: "off"}),
      "Whoever looks at it next must know why."),
    field("For", h("select", {name: "ttl"}, LENGTHS.map(([value, text]) => h("option", {value, selected: value === "30m"}, text))),
      "Then it ends by itself."),
    h("label", {class: "check"}, h("input", {type: "checkbox", name: "keep_open"}), "Leave its open tunnels alone")],
  "Isolate", async (form) => {
    const made = await send("POST", "/v1/isolations", {target, reason: form.get("reason"), ttl: form.get("ttl"),
                                                       keep_open: form.has("keep_open")});
    toast(`${target} is isolated`);
    return made;
  }, "danger");
}

function reached({requests, total, share: part}) {
  if (requests === null) return "How many requests that touches is not known.";
  if (!total) return "There was no request in the last minute.";
  return [h("strong", {}, `${share(part)} of all traffic`),
    ` will be refused, or answered by a fallback: ${count(requests)} of ${count(total)} requests in the last minute.`];
}

export async function release(each) {
  return ask(`Release ${each.target}`, [h("p", {}, `Isolated because: ${each.reason}`),
    field("Reason", h("input", {name: "reason", maxlength: "500", autocomplete: "off"}), "May be empty; it goes into the audit.")],
  "Release", async (form) => {
    const ended = await send("DELETE", `/v1/isolations/${each.id}`, {reason: form.get("reason")});
    toast(`${each.target} is released`);
    return ended;
  });
}

/** One line of words, sent to `path`. */
export function say(title, action, path, name = "words", hint = "", method = "POST") {
  return ask(title, field("Words", h("input", {name, required: true, maxlength: "500", autocomplete: "off"}), hint), action,
    (form) => send(method, path, {[name]: form.get(name)}));
}

/** Several fields, each [name, label, value, hint or list of choices]; `done` is given what was filled in. */
export function fill(title, action, fields, done) {
  return ask(title, fields.map(([name, label, value, more]) => field(label, Array.isArray(more)
    ? h("select", {name}, more.map((each) => h("option", {value: each, selected: each === value}, each)))
    : h("input", {name, value, maxlength: "2000", autocomplete: "off"}), Array.isArray(more) ? "" : more)), action,
  (form) => done(Object.fromEntries(form)));
}

export function confirm(title, words, action, done, kind) {
  return ask(title, h("p", {}, words), action, done, kind);
}

/** Flag a recorded request for others: a report that opens an incident. */
export function flag(target, words) {
  return ask(`Flag ${target}`, [h("p", {}, "Opens an incident, or joins one that is open. It never causes an action by itself."),
    field("What looks wrong", h("input", {name: "words", required: true, maxlength: "500", value: words, autocomplete: "off"}))],
  "Flag", async (form) => {
    const made = await send("POST", "/v1/reports", {target, kind: "log review", words: form.get("words")});
    toast("Flagged: an incident opens within a second");
    return made;
  });
}

let asking = null;

/** The token, where the gateway wants one; one dialog however many ask. */
export function login(why) {
  asking ??= ask("Log in", [h("p", {}, why),
    field("Token", h("input", {name: "token", type: "password", required: true, autocomplete: "off"}),
      "Made with `gateway token add`. It is kept until this tab is closed.")],
  "Log in", async (form) => {
    keepToken(form.get("token").trim());
    return true;
  }).finally(() => { asking = null; });
  return asking;
}
