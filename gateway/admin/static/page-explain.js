// Why a request was, or would be, answered as it is: its route, each safeguard that it meets, the line of the config.

import {get} from "./api.js";
import {h, show} from "./dom.js";
import {badge, card, empty, facts, failed, field, heading, table, targetLink, time} from "./parts.js";
import {decided, status} from "./requests-table.js";

const FIELDS = [["path", "Path", "/orders/7"], ["method", "Method", "GET"], ["host", "Host", ""], ["client", "Client", "192.0.2.7"], ["header", "Header", "x-beta: 1"]];

export async function open(host, {query, signal}) {
  const answer = h("div", {});
  show(host, h("p", {class: "crumbs"}, h("a", {href: "#/requests"}, "Requests")),
    heading("Explain a request", "A recorded one by its id, or one that may be made up: nothing is sent."), form(query));
  host.append(answer);
  const asked = address(query);
  if (!asked) return;
  try {
    show(answer, told(await get(asked, signal)));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    show(answer, failed(error));
  }
}

function address(query) {
  if (query.get("id")) return `/v1/explain/${encodeURIComponent(query.get("id").trim().replaceAll("-", "").toLowerCase())}`;
  return query.get("path") ? `/v1/explain?${query}` : "";
}

function form(query) {
  const made = h("form", {class: "filters", role: "search", onsubmit: (event) => {
    event.preventDefault();
    const wanted = new URLSearchParams([...new FormData(made)].filter(([, value]) => value));
    if (`#/explain?${wanted}` === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
    location.hash = `#/explain?${wanted}`;
  }}, field("Request id", h("input", {name: "id", value: query.get("id") || "", autocomplete: "off", placeholder: "of a recorded one"})),
  FIELDS.map(([name, label, example]) => field(label, h("input", {name, value: query.get(name) || "", placeholder: example ? `such as ${example}` : "", autocomplete: "off"}))),
  h("div", {class: "actions"}, h("button", {type: "submit", class: "primary"}, "Explain")));
  return made;
}

function told(found) {
  const {request, record, route} = found;
  return [
    record ? card("What was recorded", facts(["When", time(record.at)], ["Status", status(record.status)], ["Decided", decided(record)],
      ["Observed", record.safeguard === "none" ? "" : String(record.observed)], ["Threshold", record.safeguard === "none" ? "" : String(record.threshold)],
      ["Revision", h("a", {href: `#/config/${record.revision}`}, String(record.revision))])) : null,
    card(`${record ? "The same request now" : "Now"}: ${request.method} ${request.path}`, h("p", {class: "verdict"}, found.verdict),
      facts(["Route", route ? targetLink(`route:${route.name}`) : "none"], ["Goes to", route?.to], ["Because", route?.why],
        ["Config", route ? place(route.config) : ""], ["Revision", String(found.revision)])),
    card("Safeguards that it meets", found.safeguards.length ? table("Safeguards that it meets",
      [["", ""], ["Target", ""], ["Safeguard", ""], ["State", ""], ["Seen", ""], ["Threshold", ""], ["Window", ""], ["So it", ""], ["Config", ""]],
      found.safeguards.map((each) => [stops(each), targetLink(each.target), h("span", {}, h("span", {class: "strong"}, each.safeguard), each.mode === "enforce" ? null : h("small", {}, each.mode)), each.state, each.observed,
        each.threshold, each.window, each.decision, place(each.config)])) : empty("It meets none")),
    found.others.length ? card("Why no other route", h("ul", {}, found.others.map((each) => h("li", {}, targetLink(`route:${each.name}`), `: ${each.why} `, place(each.config))))) : null];
}

function stops(each) {
  if (!each.acting) return badge("ok", "passes");
  if (each.target.startsWith("endpoint:")) return badge("warn", "is left out");
  return each.mode === "enforce" ? badge("bad", "stops it") : badge("warn", "notes it");
}

const place = (config) => (config ? h("code", {title: config.text}, `${config.file}:${config.line}`) : "");
