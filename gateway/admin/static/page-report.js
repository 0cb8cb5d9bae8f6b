// The post-mortem of an incident: what is known, what people write into it, and who signs it.

import {get, send, text} from "./api.js";
import {fill, say, toast} from "./dialogs.js";
import {h, show} from "./dom.js";
import {count, share, span} from "./format.js";
import {badge, button, card, diff, empty, facts, failed, heading, severity, table, time} from "./parts.js";

const LESSONS = [["well", "What went well"], ["wrong", "What went wrong"], ["lucky", "Where we were lucky"]];
const TYPES = ["prevent", "detect", "mitigate", "process"], STATES = ["open", "done", "declined"];
const HELPED = new Map([[true, ["ok", "helped"]], [false, ["bad", "did not help"]], [null, ["quiet", "not known"]]]);
const SOON = 3000;

export async function open(host, {argument: number, signal}) {
  const path = `/v1/incidents/${number}/report`;
  const look = async () => {
    try {
      show(host, page(await get(path, signal), path, look));
    } catch (error) {
      if (error.status !== 404) throw error;
      show(host, heading(`Post-mortem of incident ${number}`), empty("It is not drafted yet", error.message));
      const timer = setTimeout(() => look().catch((fault) => show(host, failed(fault, look))), SOON);
      signal.addEventListener("abort", () => clearTimeout(timer));
    }
  };
  await look();
}

function page(record, path, look) {
  const closed = record.status === "closed";
  const changed = (edits) => send("PATCH", path, edits, {"If-Match": `"${record.version}"`});
  return [heading(`Post-mortem of incident ${record.id}`, record.title, h("a", {href: `#/incidents/${record.id}`, class: "button"}, "The incident"),
    button("Save as web page", () => saved(path, record, "html")), button("Save as Markdown", () => saved(path, record, "md")),
    closed ? null : button("Sign", sign(path, look), "primary")),
  h("p", {}, severity(record.severity), " ", badge(closed ? "ok" : "warn", record.status), ` ${record.class}. It is about what happened, not about who.`),
  record.missing.length ? h("div", {class: "notice", role: "status"}, h("p", {class: "strong"}, "Before it can be closed"),
    h("ul", {}, record.missing.map((each) => h("li", {}, each)))) : null,
  card("Summary", h("p", {class: "verdict"}, record.summary), closed ? null : button("Rewrite", async () => {
    if (await fill("Summary", "Save", [["summary", "What happened, in a few sentences", record.summary, ""]], changed)) await look();
  })),
  h("div", {class: "columns"}, impact(record.impact), detection(record)),
  cause(record), config(record), actions(record), lessons(record, changed, look, closed), items(record, changed, look),
  card("Reviewed by", record.reviews.length ? h("ul", {}, record.reviews.map((each) => h("li", {}, `${each.function}: ${each.who}, `, time(each.at))))
    : empty("Nobody has signed yet", "Reviewers of at least two functions are needed."))];
}

function impact(found) {
  return card("Impact", facts(["Requests", count(found.requests)], ["Failed", count(found.failed)], ["Refused by safeguards", count(found.refused)],
    ["Answered by a fallback", found.fallback === null ? "not recorded" : count(found.fallback)],
    ["Clients that noticed", found.clients_failed === null ? "not recorded" : `${count(found.clients_failed)} of ${count(found.clients_seen)}`],
    ["Lasted", span(found.seconds)],
    ...found.budgets.map((each) => [`Error budget of ${each.route}`, each.used === null ? "no traffic" : `${share(each.used)} of the month`])));
}

function detection({detection: found, derived}) {
  return card("How it was detected", h("p", {}, found.by_people ? "People said so" : `By ${found.detector} on ${found.target}`,
    found.observed ? `: ${found.observed}` : "", found.threshold ? `, threshold ${found.threshold}` : ""),
  facts(...Object.entries(derived).map(([name, value]) => [name.replace("_", " "), value === null ? "" : span(value)])),
  found.would_have_fired.length ? [h("h3", {}, "What would have fired earlier"), table("What would have fired earlier",
    [["Detector", ""], ["After the onset", "num"], ["False alarms a month", ""]],
    found.would_have_fired.map((each) => [each.params, span(each.seconds), each.false_alarms]))] : null);
}

function cause(record) {
  return card("Root cause", record.root_causes.length ? record.root_causes.map((each) => [h("p", {}, h("span", {class: "strong"}, each.kind), `: ${each.text}`),
    h("ul", {}, each.evidence.map((one) => h("li", {}, one)))]) : empty("The analysis found none"),
  record.trigger ? h("p", {}, `Trigger: ${record.trigger.words}`) : null,
  record.contributing.length ? [h("h3", {}, "What made it worse"), h("ul", {}, record.contributing.map((each) => h("li", {}, each)))] : null);
}

function config({config: found}) {
  return found ? card(`What revision ${found.revision} changed`, h("p", {class: "muted"}, `${found.author || found.who} `, time(found.at)), diff(found.diff)) : null;
}

function actions(record) {
  return card("What was done, and whether it helped", record.actions.length ? table("Actions", [["When", ""], ["What", ""], ["State", ""], ["Helped", ""], ["By which test", ""]],
    record.actions.map((each) => [time(each.at), `${each.kind} ${each.target}`, each.state, badge(...HELPED.get(each.helped)), each.verdict]))
    : empty("The gateway did nothing by itself"));
}

function lessons(record, changed, look, closed) {
  const add = (name, title) => async () => {
    const done = await fill(title, "Add", [["words", "Lesson", "", ""]],
      ({words}) => changed({lessons: {[name]: [...record.lessons[name], words]}}));
    if (done) await look();
  };
  return card("Lessons", LESSONS.map(([name, title]) => [h("h3", {}, title),
    record.lessons[name].length ? h("ul", {}, record.lessons[name].map((each) => h("li", {}, each))) : h("p", {class: "muted"}, "Nothing is written yet."),
    closed ? null : button(`Add: ${title.toLowerCase()}`, add(name, title))]));
}

function items(record, changed, look) {
  const edit = (item) => async () => {
    const done = await fill(item.id ? `Action item ${item.id}` : "A new action item", "Save", [
      ["text", "What is to be done", item.text, ""], ["type", "Type", item.type, TYPES], ["owner", "Owner", item.owner, ""],
      ["due", "Due", item.due, "Such as 2026-05-31"], ["ticket", "Ticket", item.ticket, ""],
      ["verify_by", "Verified by", item.verify_by, "A test, a replay or a drill that shows it"], ["status", "State", item.status, STATES]],
    (fields) => changed({items: [item.id ? {id: item.id, ...fields} : fields]}));
    if (done) {
      toast("Saved");
      await look();
    }
  };
  const blank = {text: "", type: "prevent", owner: "", due: "", ticket: "", verify_by: "", status: "open"};
  return card("Action items", record.items.length ? table("Action items", [["No.", ""], ["Type", ""], ["What", ""], ["Owner", ""], ["Due", ""], ["Verified by", ""], ["State", ""], ["", ""]],
    record.items.map((each) => [String(each.id), each.type, each.text, each.owner || "nobody yet", each.due || "no date yet", each.verify_by,
      badge(each.status === "open" ? "warn" : "ok", each.status), button(`Change item ${each.id}`, edit(each))])) : empty("There is none yet"),
  button("Add an item", edit(blank)));
}

const sign = (path, look) => async () => {
  if (await say("Sign as reviewed", "Sign", `${path}/sign`, "function", "Your function, such as operations, development, product or security.")) await look();
};

async function saved(path, record, form) {
  const address = URL.createObjectURL(new Blob([await text(`${path}?format=${form}`)]));
  h("a", {href: address, download: `post-mortem-${record.id}.${form}`}).click();
  URL.revokeObjectURL(address);
}
