// One route, upstream or endpoint: a quarter of an hour, its safeguards and why, its latest requests.

import "./chart.js";
import {get} from "./api.js";
import {h, show} from "./dom.js";
import {milliseconds, percent, short} from "./format.js";
import {now, onChange, rates} from "./live.js";
import {hand} from "./page-targets.js";
import {SAFEGUARD_COLUMNS, badge, card, empty, facts, heading, safeguardRow, table, targetLink} from "./parts.js";
import {requestsTable} from "./requests-table.js";

const EVERY = 2000, SECONDS = 900;

export async function open(host, {argument: target, signal}) {
  const look = async () => {
    const [found, history, requests] = await Promise.all([
      get("/v1/targets", signal), get(`/v1/traffic?target=${encodeURIComponent(target)}&seconds=${SECONDS}`, signal).catch(() => null),
      get(`/v1/requests?since=15m&limit=10&${filter(target)}`, signal)]);
    show(host, page(target, described(found, target), history, requests));
  };
  const timer = setInterval(() => look().catch(() => {}), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  onChange((kind) => { if (kind === "isolations") look().catch(() => {}); }, signal);
  await look();
}

function filter(target) {
  const [kind, name] = [target.slice(0, target.indexOf(":")), target.slice(target.indexOf(":") + 1)];
  return `${kind}=${encodeURIComponent(kind === "endpoint" ? name.slice(name.indexOf("/") + 1) : name)}`;
}

function described(found, target) {
  const all = [...found.routes, ...found.upstreams, ...found.upstreams.flatMap((each) => each.endpoints)];
  return all.find((each) => each.target === target) || {target, safeguards: [], gone: true};
}

function page(target, about, history, requests) {
  const seen = rates(target);
  const isolated = (now.isolations?.standing || []).find((each) => each.kind === "isolation" && each.target === target);
  return [
    h("p", {class: "crumbs"}, h("a", {href: "#/targets"}, "Routes & upstreams")),
    heading(target, isolated ? [badge("bad", "isolated"), ` by ${isolated.who} ${isolated.actor}: ${isolated.reason}`]
      : about.gone ? "Not in the config that is served." : about.to || "", about.gone ? null : hand(target)),
    facts(["Path", about.match?.path], ["Hosts", about.match?.hosts.join(", ")], ["Methods", about.match?.methods.join(", ")],
      ["Upstream", about.upstream ? targetLink(`upstream:${about.upstream}`) : ""], ["Priority", about.priority],
      ["Fallback", about.fallback?.join(", then ")], ["Balance", about.balance?.replace("_", " ")],
      ["Requests/s", seen ? short(seen.perSecond) : "0"], ["Errors", seen ? percent(seen.errors, seen.requests) : "–"],
      ["Mean latency", seen ? milliseconds(seen.latency) : "–"]),
    card("The last quarter of an hour", history ? chart(history) : empty("Nothing was counted yet", "The history begins with the first request.")),
    card("Safeguards", about.safeguards.length ? table("Safeguards", SAFEGUARD_COLUMNS, about.safeguards.map(safeguardRow))
      : empty("No safeguard", "The config gives this target none.")),
    about.endpoints ? card("Endpoints", h("ul", {class: "plain"}, about.endpoints.map((each) => h("li", {}, targetLink(each.target), " ",
      each.safeguards.some((one) => one.acting) ? badge("bad", each.safeguards.find((one) => one.acting).decision) : badge("ok", "in"))))) : null,
    card("Latest requests", requests.requests.length ? requestsTable(requests.requests) : empty("No request in the last quarter of an hour"),
      h("p", {}, h("a", {href: `#/requests?${filter(target)}`}, "Look through them")))];
}

function chart(history) {
  return h("line-chart", {spec: {label: "Requests per second", unit: "/s", seconds: Math.max(120, history.seconds), until: history.until, height: 200, lines: [
    {name: "requests", kind: "one", values: history.requests, area: true}, {name: "errors", kind: "bad", values: history.errors},
    {name: "refused", kind: "warn", values: history.refused}]}});
}
