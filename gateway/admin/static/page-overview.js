// How it is: traffic, what is wrong, what holds requests back, what stands by hand.

import "./chart.js";
import {get} from "./api.js";
import {spark} from "./chart.js";
import {release} from "./dialogs.js";
import {h, show} from "./dom.js";
import {count, milliseconds, percent, plural, share, short, span} from "./format.js";
import {now, onChange, rates} from "./live.js";
import {SAFEGUARD_COLUMNS, badge, button, card, empty, heading, loading, safeguardRow, severity, table,
        targetLink} from "./parts.js";

const SECONDS_LEAST = 60, EVERY = 5000;

export function open(host, {signal}) {
  let faults = [];
  const draw = () => show(host, now.traffic.length ? page(faults) : loading("what is live"));
  const look = async () => { ({faults} = await get("/v1/faults", signal)); };
  const timer = setInterval(() => look().catch(() => {}), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  look().catch(() => {});
  onChange((kind) => { if (kind === "traffic" || kind === "isolations" || kind === "incidents") draw(); }, signal);
  draw();
}

function page(faults) {
  return [title(), faults.length ? h("p", {class: "notice warn"}, `A drill is under way: ${faults[0].words}. `, h("a", {href: "#/drills"}, "See it or stop it")) : null, incidents(), tiles(), charts(), safeguards(), byHand(), busiest(), processes()];
}

function title() {
  const config = now.config, workers = (now.processes || []).filter((each) => each.name !== "control");
  const ready = workers.filter((each) => each.state === "ready").length;
  const state = ready === workers.length && workers.length ? badge("ok", "Serving") : ready ? badge("warn", "Serving in part") : badge("bad", "Not serving");
  const words = [state, ` ${ready} of ${plural(workers.length, "worker")} ready`];
  if (config) words.push(h("span", {}, ", revision "), h("a", {href: "#/config"}, String(config.revision.number)));
  return [heading("Overview", words),
    config?.drift ? h("p", {class: "notice warn"}, "The file on the disk is not what is served. ", h("a", {href: "#/config"}, "See the difference")) : null,
    config?.refused?.length ? h("p", {class: "notice bad"}, `The config on the disk is refused: ${config.refused[0].message}`) : null];
}

function incidents() {
  const open = now.incidents || [];
  if (!open.length) return null;
  return h("section", {class: "alarms", "aria-label": "Open incidents"}, open.slice(0, 5).map((each) =>
    h("a", {class: `alarm ${each.severity}`, href: `#/incidents/${each.id}`, "data-key": String(each.id)}, severity(each.severity),
      h("span", {class: "strong"}, each.title), h("span", {class: "muted"}, `${each.state} · open for `, span((Date.now() - Date.parse(each.opened)) / 1000)),
      each.cause ? h("span", {class: "cause"}, each.cause) : null)),
    open.length > 5 ? h("a", {href: "#/incidents"}, `and ${open.length - 5} more`) : null);
}

function tiles() {
  const past = now.traffic.slice(-60), last = past.at(-1), ten = past.slice(-10);
  const total = (name) => ten.reduce((sum, each) => sum + each[name], 0);
  const tile = (name, value, hint, values, kind) => h("div", {class: "tile"}, h("dt", {}, name), h("dd", {}, value),
    h("dd", {class: "hint"}, hint), values ? h("dd", {class: "line"}, spark(values, kind)) : null);
  return h("dl", {class: "tiles", "aria-label": "Now"},
    tile("Requests/s", short(total("requests") / ten.length), "mean of 10 s", past.map((each) => each.requests), "one"),
    tile("Errors", percent(total("errors"), total("requests")), `${count(total("errors"))} in 10 s`, past.map((each) => each.errors), "bad"),
    tile("Refused", percent(total("refused"), total("requests")), `${count(total("refused"))} by the gateway`, past.map((each) => each.refused), "warn"),
    tile("99th percentile", milliseconds(last.p99), `median ${milliseconds(last.p50)}`, past.map((each) => each.p99), "two"),
    tile("In flight", count(last.in_flight), plural(last.connections, "connection"), past.map((each) => each.in_flight), "one"),
    tile("Loop lag", milliseconds(last.loop_lag_ms), "sheds above 20 ms", past.map((each) => each.loop_lag_ms), "two"));
}

function charts() {
  const last = now.traffic.at(-1), seconds = Math.max(SECONDS_LEAST, now.traffic.length), values = (name) => now.traffic.map((each) => each[name]);
  return h("div", {class: "columns"},
    card("Traffic", h("line-chart", {spec: {label: "Requests per second", unit: "/s", seconds, until: last.at, lines: [
      {name: "requests", kind: "one", values: values("requests"), area: true},
      {name: "errors", kind: "bad", values: values("errors")}, {name: "refused", kind: "warn", values: values("refused")}]}})),
    card("Latency", h("line-chart", {spec: {label: "Latency in milliseconds", unit: "ms", seconds, until: last.at, lines: [
      {name: "p50", kind: "one", values: values("p50")}, {name: "p95", kind: "two", values: values("p95")},
      {name: "p99", kind: "warn", values: values("p99")}]}})));
}

function safeguards() {
  const acting = now.safeguards || [];
  return card("Safeguards in force", acting.length
    ? table("Safeguards in force", [["Target", ""], ...SAFEGUARD_COLUMNS], acting.map((each) => [targetLink(each.target), ...safeguardRow(each)]))
    : empty("Nothing is held back", "Every limit, breaker and bulkhead lets requests pass."));
}

function byHand() {
  const standing = now.isolations?.standing || [];
  const row = (each) => [targetLink(each.target), each.kind === "isolation" ? badge("bad", "isolated") : badge("warn", `forced ${each.state}`),
    each.reason, `${each.who} ${each.actor}`.trim(), h("span", {}, span((Date.parse(each.expires) - Date.now()) / 1000)),
    each.kind === "isolation" ? button("Release", () => release(each), "small") : ""];
  return card("By hand", now.isolations?.fault ? h("p", {class: "notice bad"}, now.isolations.fault) : null, standing.length
    ? table("By hand", [["Target", ""], ["State", ""], ["Reason", ""], ["Who", ""], ["Ends in", "num"], ["", "num"]], standing.map(row),
      standing.map((each) => String(each.id)))
    : empty("Nothing is isolated", h("span", {}, "Isolate a route or an upstream from ", h("a", {href: "#/targets"}, "its page"), ".")));
}

function busiest() {
  const routes = Object.keys(now.targets.targets).filter((each) => each.startsWith("route:")).slice(0, 8);
  return card("Busiest routes", routes.length
    ? table("Busiest routes", [["Route", ""], ["Requests/s", "num"], ["Share", "num"], ["Errors", "num"], ["Refused", "num"], ["Mean", "num"]],
      routes.map((target) => {
        const seen = rates(target), all = routes.reduce((sum, each) => sum + rates(each).requests, 0);
        return [target === "route:-" ? "no route matched" : targetLink(target), short(seen.perSecond), share(all ? seen.requests / all : 0),
          percent(seen.errors, seen.requests), percent(seen.refused, seen.requests), milliseconds(seen.latency)];
      }), routes)
    : empty("No request in the last ten seconds", "As soon as there is traffic its routes are listed here."));
}

function processes() {
  const listed = now.processes || [];
  return card("Processes", table("Processes", [["Process", ""], ["State", ""], ["Pid", "num"], ["Restarts", "num"]],
    listed.map((each) => [each.name, badge(each.state === "ready" ? "ok" : "warn", each.state), String(each.pid), String(each.restarts)])));
}
