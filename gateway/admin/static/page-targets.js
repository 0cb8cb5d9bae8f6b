// Routes and upstreams: what each does now, every safeguard with its state and why, and the hand that isolates.

import {get} from "./api.js";
import {isolate, release} from "./dialogs.js";
import {h, show} from "./dom.js";
import {milliseconds, percent, short} from "./format.js";
import {now, onChange, rates} from "./live.js";
import {badge, card, empty, heading, targetLink} from "./parts.js";

const EVERY = 2000;

export async function open(host, {signal}) {
  let found = await get("/v1/targets", signal), wanted = "";
  const draw = () => show(host, page(found, wanted, (text) => { wanted = text; draw(); }));
  const look = async () => {
    found = await get("/v1/targets", signal).catch(() => found);
    draw();
  };
  const timer = setInterval(look, EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  onChange((kind) => { if (kind === "isolations") look(); else if (kind === "traffic") draw(); }, signal);
  draw();
}

function page(found, wanted, want) {
  const matches = (each) => `${each.target} ${each.match?.path || ""} ${each.upstream || ""}`.toLowerCase().includes(wanted.toLowerCase());
  const routes = found.routes.filter(matches), upstreams = found.upstreams.filter(matches);
  return [
    heading("Routes & upstreams", "Every safeguard with its state, and why."),
    h("label", {class: "field filter"}, h("span", {}, "Filter"),
      h("input", {type: "search", placeholder: "name or path", oninput: (event) => want(event.target.value)})),
    card("Routes", routes.length ? h("ul", {class: "targets"}, routes.map(route)) : nothing("route", wanted)),
    card("Upstreams", upstreams.length ? h("ul", {class: "targets"}, upstreams.map(upstream)) : nothing("upstream", wanted))];
}

const nothing = (noun, wanted) => (wanted ? empty(`No ${noun} matches “${wanted}”`) : empty(`There is no ${noun}`, "The config has none."));

function route(each) {
  const {match} = each;
  const asked = [match.methods.join(", "), match.hosts.join(", "), match.path].filter(Boolean).join(" ");
  return item(each, h("span", {class: "muted"}, h("code", {}, asked), ` → ${each.to}`), []);
}

function upstream(each) {
  return item(each, h("span", {class: "muted"}, `${each.balance.replace("_", " ")} over ${each.endpoints.length === 1 ? "1 endpoint" : `${each.endpoints.length} endpoints`}`),
    each.endpoints.map((one) => item(one, one.version ? h("span", {class: "muted"}, one.version) : null, [])));
}

function item(each, about, below) {
  const seen = rates(each.target);
  return h("li", {"data-key": each.target}, h("div", {class: "target"},
    h("div", {class: "target-name"}, targetLink(each.target), about),
    h("dl", {class: "figures"}, figure("Requests/s", seen ? short(seen.perSecond) : "0"),
      figure("Errors", seen ? percent(seen.errors, seen.requests) : "–"), figure("Mean", seen ? milliseconds(seen.latency) : "–")),
    h("div", {class: "chips"}, chips(each.safeguards)), hand(each.target)),
  below.length ? h("ul", {class: "targets inner"}, below) : null);
}

const figure = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/** Those that act, and how many do not. */
function chips(safeguards) {
  const acting = safeguards.filter((each) => each.acting), quiet = safeguards.length - acting.length;
  const told = acting.map((each) => h("span", {title: `${each.observed}; threshold ${each.threshold}`},
    badge(each.mode === "shadow" ? "warn" : "bad", `${each.safeguard}: ${each.decision}`)));
  if (!safeguards.length) return badge("quiet", "no safeguard");
  if (quiet) told.push(badge("ok", `${quiet} ${quiet === 1 ? "safeguard lets" : "safeguards let"} pass`));
  return told;
}

export function hand(target) {
  const standing = (now.isolations?.standing || []).find((each) => each.kind === "isolation" && each.target === target);
  return standing ? h("button", {type: "button", class: "small", "aria-label": `Release ${target}`, onclick: () => release(standing)}, "Release")
    : h("button", {type: "button", class: "small", "aria-label": `Isolate ${target}`, onclick: () => isolate(target)}, "Isolate");
}
