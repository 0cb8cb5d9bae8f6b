// Log review on the flight recorder: filters, what is most frequent among what was found, each request in full.

import {get} from "./api.js";
import {comparing} from "./comparing.js";
import {flag} from "./dialogs.js";
import {h, show} from "./dom.js";
import {count, milliseconds, share} from "./format.js";
import {button, card, empty, facts, failed, field, heading, loading, targetLink, time} from "./parts.js";
import {decided, requestsTable, status} from "./requests-table.js";

const FIELDS = [["route", "Route"], ["upstream", "Upstream"], ["endpoint", "Endpoint"], ["status", "Status", "5xx"], ["method", "Method"], ["path", "Path begins"],
                ["client", "Client"], ["decision", "Decision", "limited"], ["request_id", "Request id"]];
const SPANS = [["1m", "1 minute"], ["5m", "5 minutes"], ["15m", "15 minutes"], ["1h", "an hour"], ["24h", "a day"]];
const FACETS = ["route", "status", "decision", "client", "endpoint", "agent"];
const LIMIT = 50;

export async function open(host, {query, signal}) {
  const results = h("div", {}, loading("requests"));
  const form = filters(query);
  show(host, heading("Requests", "The flight recorder has a record of every request; everything refused or failed is kept.",
    h("a", {class: "button", href: "#/explain"}, "Explain a request")), form);
  host.append(results, comparing());
  await look(results, query, signal);
}

/** The form writes the address, so that what is looked at can be shared and gone back to. */
function filters(query) {
  const form = h("form", {class: "filters", role: "search", onsubmit: (event) => {
    event.preventDefault();
    const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    if (`#/requests?${wanted}` === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
    location.hash = `#/requests?${wanted}`;
  }}, FIELDS.map(([name, label, example]) => field(label, h("input", {name, value: query.get(name) || "", placeholder: example ? `such as ${example}` : "", autocomplete: "off"}))),
  field("Not older than", h("select", {name: "since"}, SPANS.map(([value, text]) => h("option", {value, selected: value === (query.get("since") || "5m")}, text)))),
  h("div", {class: "actions"}, h("button", {type: "submit", class: "primary"}, "Look"), h("a", {class: "button", href: "#/requests"}, "Clear")));
  return form;
}

async function look(host, query, signal) {
  const wanted = new URLSearchParams(query);
  if (!wanted.get("since")) wanted.set("since", "5m");
  wanted.set("limit", LIMIT);
  let found = [];
  const draw = (answer) => {
    found = [...found, ...answer.requests];
    show(host, page(found, answer, query, async () => {
      wanted.set("before_ns", answer.next);
      draw(await get(`/v1/requests?${wanted}`, signal));
    }));
  };
  try {
    draw(await get(`/v1/requests?${wanted}`, signal));
  } catch (error) {
    show(host, failed(error));
  }
}

function page(found, answer, query, more) {
  if (!found.length) return card("Found", empty("No request matches", "Take a filter away, or look further back."), lookedAt(answer.looked_at));
  return [
    card(`Most frequent among these ${found.length}`, h("div", {class: "facets"}, FACETS.map((name) => facet(name, found, query)))),
    card("Found", requestsTable(found, (each) => details(each)), answer.next ? button("Show older ones", more) : null, lookedAt(answer.looked_at))];
}

function facet(name, found, query) {
  const counts = new Map();
  for (const each of found) counts.set(String(each[name] || "none"), (counts.get(String(each[name] || "none")) || 0) + each.weight);
  const total = found.reduce((sum, each) => sum + each.weight, 0);
  const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 4);
  return h("div", {}, h("h3", {}, name), h("ol", {class: "ranked"}, top.map(([value, many]) => h("li", {},
    value === "none" || name === "agent" ? h("span", {}, value) : h("a", {href: `#/requests?${narrowed(query, name, value)}`}, value),
    h("meter", {min: "0", max: "1", value: many / total, "aria-label": `Share of ${name} ${value}`}), h("b", {}, share(many / total))))));
}

function narrowed(query, name, value) {
  const wanted = new URLSearchParams(query);
  wanted.set(name, value);
  return wanted;
}

function lookedAt(looked) {
  const words = [`Searched ${count(looked.records)} records, ${share(looked.share_kept)} of the requests of their time`];
  if (!looked.complete) words.push("there are more than were searched: narrow it down");
  if (looked.recorder.lost) words.push(`${count(looked.recorder.lost)} were lost since control began`);
  if (looked.recorder.fault) words.push(`the recorder cannot write: ${looked.recorder.fault}`);
  return h("p", {class: "muted"}, `${words.join("; ")}.`);
}

function details(each) {
  return button("Details", () => opened(each), "small");
}

function opened(each) {
  const dialog = h("dialog", {class: "wide", "aria-labelledby": "request-title"}, h("h2", {id: "request-title"}, `${each.method} ${each.path}`),
    facts(["When", time(each.at)], ["Status", status(each.status)], ["Decided", decided(each)],
      ["Observed", each.decision === "none" ? "" : count(each.observed)], ["Threshold", each.decision === "none" ? "" : count(each.threshold)],
      ["Route", each.route ? targetLink(`route:${each.route}`) : "none"], ["Upstream", each.upstream], ["Endpoint", each.endpoint],
      ["Client", each.client], ["Host", each.host], ["Agent", each.agent], ["Took", milliseconds(each.total_ms)],
      ["First byte", each.ttfb_ms === null ? "" : milliseconds(each.ttfb_ms)], ["The gateway itself", milliseconds(each.own_ms)],
      ["Tries", String(each.attempts)], ["Bytes in, out", `${count(each.bytes_in)}, ${count(each.bytes_out)}`],
      ["Protocol", `${each.protocol}${each.tls ? " over TLS" : ""}`], ["Revision", h("a", {href: `#/config/${each.revision}`}, String(each.revision))],
      ["Version", each.version], ["Stands for", each.weight === 1 ? "" : `${each.weight} requests`], ["Request id", each.request_id]),
    h("div", {class: "actions end"}, each.request_id ? h("a", {class: "button", href: `#/explain?id=${encodeURIComponent(each.request_id)}`}, "Explain") : null, each.route ? button("Flag", () => { dialog.close(); flag(`route:${each.route}`, `${each.method} ${each.path} ${each.status}`); }) : null,
      button("Close", () => dialog.close(), "primary")));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target.closest("a")) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}
