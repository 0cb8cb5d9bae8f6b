// Drills: what can be broken on purpose, what is broken now, what came of it, and the drills that were run.

import {get, send} from "./api.js";
import {fill, say, toast} from "./dialogs.js";
import {h, show} from "./dom.js";
import {count, span} from "./format.js";
import {now, onChange} from "./live.js";
import {badge, button, card, empty, heading, table, targetLink, time} from "./parts.js";

const KINDS = [
  ["status", "Its answer is an error", "status", "Status", "503"], ["delay", "Its answer comes later", "delay", "Later by", "2s"],
  ["abort", "It resets the connection"], ["blackhole", "It takes the request and says nothing"],
  ["slow body", "Its body comes at a few bytes a second", "rate", "Bytes a second", "100"]];
const STEPS = [["detect", "detected"], ["isolate", "isolated"], ["mitigate", "mitigated"], ["analyse", "analysed"], ["recover", "resolved"]];
const EVERY = 2000;

/** The drill that was begun here: {fault, place, words, limit, began, ended, incident}; times in seconds of the gateway's clock. */
let current = null;
const clock = () => now.traffic.at(-1)?.at ?? Date.now() / 1000;

export async function open(host, {signal}) {
  const look = async () => {
    const [faults, runs, targets] = await Promise.all([get("/v1/faults", signal), get("/v1/drills?limit=20", signal), get("/v1/targets", signal)]);
    if (current) await follow(faults.faults, signal);
    show(host, page(faults, runs.drills, targets, look));
  };
  const timer = setInterval(() => look().catch(() => {}), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  onChange((kind) => { if (kind === "incidents") look().catch(() => {}); }, signal);
  await look();
}

async function follow(standing, signal) {
  if (!current.ended && !standing.some((each) => each.id === current.fault)) current.ended = clock();
  const {incidents} = await get("/v1/incidents?all=true&limit=50", signal);
  current.incident = incidents.find((each) => each.id === current.incident?.id) || incidents.findLast((each) =>
    Date.parse(each.times.detected) / 1000 >= current.began - 1 && each.scope.some((target) => target.includes(current.place)));
}

function page(faults, runs, targets, look) {
  return [
    heading("Drills", "Break something on purpose, and see that it is found, contained and cured."),
    faults.enabled ? [standing(faults.faults, look), current ? outcome(look) : null, begin(targets, look)] : disabled(), past(runs)];
}

function disabled() {
  return card("Drills are disabled", empty("Nothing can be broken on purpose here",
    ["Write ", h("code", {}, "drills: enabled"), " into the ", h("a", {href: "#/config"}, "config"), " and apply it. Take it out again afterwards: what is applied without it ends every fault."]));
}

function standing(faults, look) {
  const stop = (each) => async () => {
    if (await say(`Stop fault ${each.id}`, "Stop", `/v1/faults/${each.id}`, "reason", "Why; it goes into the audit.", "DELETE")) await look();
  };
  return card("Broken now", faults.length ? table("Broken now", [["No.", ""], ["Fault", ""], ["Ends in", "num"], ["", "num"]],
    faults.map((each) => [String(each.id), h("span", {class: "strong"}, each.words), span(each.seconds_left),
      h("button", {type: "button", class: "small", "aria-label": `Stop fault ${each.id}`, onclick: stop(each)}, "Stop")]), faults.map((each) => String(each.id)))
    : empty("Nothing is broken on purpose"));
}

function begin(targets, look) {
  const places = [...targets.upstreams.flatMap((each) => [each.target, ...(each.endpoints.length > 1 ? each.endpoints.map((one) => one.target) : [])]),
                  ...targets.routes.filter((each) => each.upstream).map((each) => each.target)];
  if (!places.length) return card("Begin a drill", empty("There is no upstream", "A fault takes the place of an upstream's answer."));
  return card("Begin a drill", h("p", {class: "muted"}, "It acts where an endpoint would fail, on real requests, and ends by itself. ",
    h("code", {}, "gateway drill"), " in a terminal runs whole scenarios with traffic of their own, and judges them."),
  h("ul", {class: "choices"}, KINDS.map(([kind, words, ...amount]) => h("li", {}, h("div", {}, h("p", {class: "strong"}, kind), h("p", {class: "muted"}, words)),
    h("button", {type: "button", class: "small", "aria-label": `Begin ${kind}`, onclick: () => inject(kind, words, amount, places, look)}, "Begin")))));
}

async function inject(kind, words, [name, label, usual], places, look) {
  const made = await fill(`Drill: ${kind}`, "Break it", [["place", "Where", places[0], places], ...(name ? [[name, label, usual, ""]] : []),
    ["share", "Share of its requests", "100%", "Such as 10%: fewer clients notice."], ["for", "Ends after", "1m", ["30s", "1m", "5m", "10m"]],
    ["limit", "To be noticed within", "15s", ["5s", "15s", "30s", "60s"]], ["reason", "Reason", "", "Whoever sees it happen must know why."]],
  async (fields) => {
    const [where, scope] = located(fields.place);
    const body = {kind, ...scope, share: fields.share, for: fields.for, reason: fields.reason};
    if (name) body[name] = /^\d+$/.test(fields[name]) ? Number(fields[name]) : fields[name];
    const fault = await send("POST", "/v1/faults", body);
    current = {fault: fault.id, kind, place: where, about: `${kind}: ${words.toLowerCase()}`, words: fault.words, limit: parseInt(fields.limit, 10), began: clock()};
    return fault;
  });
  if (made) await look();
}

/** What an incident's scope would say, and the scope of the fault. */
function located(target) {
  const [kind, name] = [target.slice(0, target.indexOf(":")), target.slice(target.indexOf(":") + 1)];
  if (kind !== "endpoint") return [name, {[kind]: name}];
  const at = name.indexOf("/");
  return [name.slice(at + 1), {upstream: name.slice(0, at), endpoint: name.slice(at + 1)}];
}

function seconds() {
  const times = current.incident?.times || {};
  return STEPS.map(([step, state]) => {
    const since = step === "recover" ? current.ended : current.began;
    return [step, times[state] && since ? Math.max(0, Date.parse(times[state]) / 1000 - since) : null];
  });
}

function outcome(look) {
  const found = current.incident, told = seconds(), noticed = told[0][1], over = Boolean(found?.times.resolved && current.ended);
  const verdict = noticed === null ? badge("quiet", current.ended ? "it was not noticed" : "not noticed yet")
    : badge(noticed <= current.limit ? "ok" : "bad", noticed <= current.limit ? "noticed in time" : "noticed too late");
  const keep = async () => {
    const checks = told.map(([step, took]) => ({step, seconds: took, limit: step === "detect" ? current.limit : null,
                                                passed: step !== "detect" || (took !== null && took <= current.limit)}));
    try {
      await send("POST", "/v1/drills", {scenario: `by hand: ${current.kind}`, about: current.about, place: current.place, incident: found?.id ?? null,
                                        fault: found?.fault || "", checks, passed: checks[0].passed});
      current = null;
      toast("The result is kept");
      await look();
    } catch (error) { toast(error.message, "bad"); }
  };
  return card("What came of it", h("p", {}, h("span", {class: "strong"}, current.words), " ", verdict),
    h("ol", {class: "steps", "aria-label": "How far it is"}, told.map(([step, took]) => h("li", {class: took === null ? "" : "done"},
      h("span", {class: "strong"}, `${took === null ? "" : "✓ "}${step}`),
      h("small", {}, took === null ? "not yet" : `after ${took.toFixed(0)} s${step === "recover" ? " without it" : ""}`)))),
    found ? h("p", {}, h("a", {href: `#/incidents/${found.id}`}, `Incident ${found.id}: ${found.title}`))
      : h("p", {class: "muted"}, "No incident yet. Without requests nothing fails: it needs traffic."),
    current.ended ? h("div", {class: "actions"}, button("Keep the result", keep, over ? "primary" : ""), button("Forget it", () => { current = null; look(); })) : null);
}

function past(runs) {
  const passed = (each) => badge(each.passed ? "ok" : "bad", each.passed ? "passed" : "failed");
  const took = (each) => each.checks.filter((one) => one.seconds !== null).map((one) => `${one.step} ${one.seconds.toFixed(0)} s${one.limit ? ` of ${one.limit.toFixed(0)}` : ""}`).join(", ");
  return card("Drills that were run", runs.length ? table("Drills that were run",
    [["No.", ""], ["When", ""], ["Scenario", ""], ["Place", ""], ["Result", ""], ["It took", ""], ["Incident", ""], ["Who", ""]],
    runs.map((each) => [String(each.id), time(each.at), h("span", {}, h("span", {class: "strong"}, each.scenario), h("small", {}, each.about)), where(each.place), passed(each),
      h("span", {}, took(each) || "–", each.traffic.asked ? h("small", {}, `${count(each.traffic.failed)} of ${count(each.traffic.asked)} requests failed`) : null),
      each.incident ? h("a", {href: `#/incidents/${each.incident}`}, String(each.incident)) : "none", each.who]), runs.map((each) => String(each.id)))
    : empty("None was run yet", h("span", {}, "In a terminal: ", h("code", {}, "gateway drill endpoint-failure --traffic 80 --listener http://127.0.0.1:8080/"))));
}

const where = (place) => (/^(route|upstream|endpoint) [^ ;,]+$/.test(place) && !place.startsWith("endpoint") ? targetLink(place.replace(" ", ":")) : place);
