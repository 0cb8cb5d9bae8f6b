// One incident as a story: how far it is, what is wrong, why, what was done, and who looks at it.

import "./chart.js";
import {get, send} from "./api.js";
import {fill, say, toast} from "./dialogs.js";
import {h, show} from "./dom.js";
import {share, short, span} from "./format.js";
import {onChange} from "./live.js";
import {badge, button, card, diff, empty, facts, heading, severity, table, targetLink, time} from "./parts.js";

const STEPS = ["detected", "isolated", "mitigated", "analysed", "resolved", "reviewed"];
const SECONDS = 900, EVERY = 5000;

export async function open(host, {argument: number, signal}) {
  const look = async () => {
    const found = await get(`/v1/incidents/${number}`, signal);
    const target = found.scope.find((each) => /^(route|upstream|endpoint):/.test(each));
    const history = target && await get(`/v1/traffic?target=${encodeURIComponent(target)}&seconds=${SECONDS}`, signal).catch(() => null);
    const {proposals} = await get(`/v1/incidents/${number}/proposals`, signal);
    show(host, page(found, target, history, look), proposed(found, proposals, look));
  };
  const timer = setInterval(() => look().catch(() => {}), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  onChange((kind) => { if (kind === "incidents") look().catch(() => {}); }, signal);
  await look();
}

function page(found, target, history, look) {
  return [
    h("p", {class: "crumbs"}, h("a", {href: "#/incidents"}, "Incidents")),
    heading(`Incident ${found.id}: ${found.title}`, [severity(found.severity), ` on ${found.scope.join(", ")}`], people(found, look)),
    steps(found),
    facts(["Began", time(found.onset)], ["Noticed after", span((Date.parse(found.opened) - Date.parse(found.onset)) / 1000)],
      ["Relapses", found.relapses ? String(found.relapses) : ""], ["Acknowledged by", found.acknowledged_by], ["Assigned to", found.assignee],
      ["Goes on as", found.merged_into ? h("a", {href: `#/incidents/${found.merged_into}`}, `incident ${found.merged_into}`) : ""]),
    h("div", {class: "columns"}, cause(found), card(target ? `What happened on ${target}` : "What happened", history ? chart(history, found)
      : empty("No history of its targets", "It is kept for a quarter of an hour."))),
    signals(found), actions(found, look), timeline(found, look)];
}

function steps(found) {
  const at = STEPS.indexOf(found.state);
  return h("ol", {class: "steps", "aria-label": "How far it is"}, STEPS.map((step, index) => {
    const reached = found.times[step], here = index === at;
    return h("li", {class: here ? "here" : reached ? "done" : "", "aria-current": here ? "step" : false},
      h("span", {class: "strong"}, `${reached ? "✓ " : ""}${step}`), h("small", {}, reached ? time(reached) : index < at ? "left out" : "not yet"));
  }));
}

function cause(found) {
  const finding = found.finding;
  if (!finding.words) return card("The cause", empty("Not known yet", "A few seconds after it was opened the flight recorder is searched for it."));
  return card("The cause", h("p", {class: "verdict"}, finding.words), facts(["Kind of fault", found.fault], ["How sure", finding.confidence],
    ["Explains", finding.share_explained === undefined ? "" : share(Math.min(1, finding.share_explained))]),
  finding.reasons?.length ? [h("h3", {}, "Why"), h("ul", {}, finding.reasons.map((each) => h("li", {}, each)))] : null,
  finding.causes?.length ? [h("h3", {}, "Where the failures are"), h("ol", {class: "ranked"}, finding.causes.map(ranked))] : null,
  finding.runners_up?.length ? [h("h3", {}, "Also looked at"), h("ol", {class: "ranked faint"}, finding.runners_up.map(ranked))] : null,
  finding.changes?.length ? [h("h3", {}, "What changed before"), h("ul", {}, finding.changes.map((each) => h("li", {}, each.words,
    each.veto && !each.words.includes(each.veto) ? h("span", {class: "muted"}, ` – not this: ${each.veto}`) : "")))] : null,
  finding.evidence ? h("p", {class: "muted"}, evidence(finding.evidence)) : null);
}

function ranked(each) {
  return h("li", {}, h("span", {}, where(each.where)), h("meter", {min: "0", max: "1", "aria-label": "Share of the failures above the usual", value: Math.min(1, each.share)}),
    h("b", {}, share(Math.min(1, each.share))));
}

const where = (conditions) => Object.entries(conditions).map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(" ") : value}`).join(", ") || String(conditions);
const evidence = (each) => `Read ${short(each.records)} requests of ${short(each.seconds)} s, beside ${short(each.records_before)} of the ${short(each.seconds_before)} s before${each.lost ? `; ${each.lost} were lost` : ""}.`;

function chart(history, found) {
  const mark = {at: Date.parse(found.onset) / 1000, text: "onset"};
  const window = Math.min(SECONDS, Math.max(120, Math.round(history.until - mark.at) + 60));
  const over = found.times.resolved ? [{at: Date.parse(found.times.resolved) / 1000, text: "resolved"}] : [];
  return h("line-chart", {spec: {label: `Requests per second on ${history.target}`, unit: "/s", seconds: window, until: history.until, height: 220,
    marks: [mark, ...over], lines: [{name: "requests", kind: "one", values: history.requests.slice(-window), area: true},
      {name: "errors", kind: "bad", values: history.errors.slice(-window)}, {name: "refused", kind: "warn", values: history.refused.slice(-window)}]}});
}

function signals(found) {
  return card("Signals", table("Signals", [["What", ""], ["Target", ""], ["Seen", ""], ["Threshold", ""], ["Since", ""]],
    found.signals.map((each) => [h("span", {class: "strong"}, each.kind), targetLink(each.target), each.observed, each.threshold, time(each.onset)])));
}

/** What the gateway does by itself, how that was measured, and the hand that overrules it. */
function actions(found, look) {
  if (!found.actions.length) return null;
  return card("What the gateway does", table("What the gateway does",
    [["Action", ""], ["State", ""], ["Touches", "num"], ["Before and after", ""], ["Ends", ""], ["", ""]],
    found.actions.map((each) => [[h("span", {class: "strong"}, each.kind), " ", targetLink(each.target), h("small", {}, each.reason)],
      badge(each.in_force ? "warn" : each.helped ? "ok" : "quiet", each.state), each.touches === null ? "" : share(each.touches),
      [each.verdict || "not measured yet", each.measured ? h("small", {}, each.measured) : null], each.expires ? time(each.expires) : "",
      h("span", {class: "actions"}, each.can.map((verb) => overrule(found, each, verb, look)))]),
    found.actions.map((each) => String(each.id))));
}

function overrule(found, action, verb, look) {
  return button(verb, async () => {
    const path = `/v1/incidents/${found.id}/actions/${action.id}/${verb}`;
    if (await say(`${verb} ${action.kind} ${action.target}`, verb, path, "reason", "Why; it goes into the timeline.")) await look();
  }, "small");
}

function timeline(found, look) {
  return card("Timeline", h("ol", {class: "timeline"}, found.timeline.map((each) => h("li", {class: each.who === "gateway" ? "" : "person"},
    time(each.at), h("span", {}, badge(each.who === "gateway" ? "quiet" : "info", each.kind), ` ${each.words}`),
    each.who === "gateway" ? null : h("small", {class: "muted"}, each.who)))),
  button("Add a comment", async () => { if (await say("Comment", "Add", `/v1/incidents/${found.id}/comment`)) await look(); }));
}

/** While it is open: what would put it right; then what would keep it from coming back. People decide. */
function proposed(found, proposals, look) {
  if (!proposals.length) return null;
  const over = ["resolved", "reviewed"].includes(found.state);
  return card(over ? "What would keep it from coming back" : "What would put it right", h("ul", {class: "plain"}, proposals.map((each) => h("li", {"data-key": String(each.id)},
    badge(each.state === "proposed" ? "warn" : each.state === "accepted" ? "ok" : "quiet", each.state), " ",
    h("span", {class: "strong"}, `${each.kind}: ${each.title}`), h("p", {class: "muted"}, `${each.why}. Checked: ${each.proof.join("; ")}.`),
    each.reason ? h("p", {}, `${each.who}: ${each.reason}`) : null,
    each.replay.length ? h("details", {}, h("summary", {}, `Replayed on recorded requests: ${each.replay.at(-1)}`), h("pre", {tabindex: "0"}, each.replay.join("\n"))) : null,
    h("details", {}, h("summary", {}, "In full"), each.diff ? diff(each.diff) : h("pre", {tabindex: "0"}, each.body)),
    each.state === "proposed" ? h("div", {class: "actions"}, button(`Accept proposal ${each.id}`, decide(each, "accept", look), "primary"),
      button(`Decline proposal ${each.id}`, decide(each, "decline", look))) : null))));
}

const decide = (each, verb, look) => async () => {
  const done = await fill(`${verb === "accept" ? "Accept" : "Decline"}: ${each.title}`, verb === "accept" ? "Accept" : "Decline",
    [["reason", "Reason", "", verb === "accept" ? "May be empty; it goes into the change log." : "Whoever meets the next such incident will ask."]],
    (fields) => send("POST", `/v1/incidents/${each.incident}/proposals/${each.id}/${verb}`, fields));
  if (done) {
    toast([`Proposal ${each.id} is ${done.state}`, done.done].filter(Boolean).join(": "));
    await look();
  }
};

/** Where its post-mortem is, or will be. */
function report(found) {
  if (!["resolved", "reviewed"].includes(found.state) || found.merged_into) return null;
  return h("a", {href: `#/incidents/${found.id}/report`, class: "button"}, "Post-mortem");
}

function people(found, look) {
  const path = `/v1/incidents/${found.id}`, isOpen = !["resolved", "reviewed"].includes(found.state);
  const deed = (name, done) => async () => {
    try {
      await send("POST", `${path}/${name}`);
      toast(done);
      await look();
    } catch (error) { toast(error.message, "bad"); }
  };
  const said = (title, name, field = "words") => async () => { if (await say(title, title, `${path}/${name}`, field)) await look(); };
  return [
    report(found),
    isOpen && !found.acknowledged_by ? button("Acknowledge", deed("ack", "Acknowledged: repeated alerts end"), "primary") : null,
    isOpen ? button("Assign", said("Assign", "assign", "to")) : null,
    isOpen ? button("Resolve", said("Resolve", "resolve")) : button("Reopen", said("Reopen", "reopen")),
    found.state === "resolved" && !found.merged_into ? button("Mark as reviewed", deed("review", "Reviewed"), "primary") : null].filter(Boolean);
}
