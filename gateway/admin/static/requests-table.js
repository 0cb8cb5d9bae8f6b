// Recorded requests as a table.

import {h} from "./dom.js";
import {milliseconds} from "./format.js";
import {badge, table, targetLink, time} from "./parts.js";

const COLUMNS = [["Time", ""], ["Route", ""], ["Request", ""], ["Status", ""], ["Took", "num"], ["Client", ""], ["Decided", ""]];

export function requestsTable(requests, actions = null) {
  const columns = actions ? [...COLUMNS, ["", "num"]] : COLUMNS;
  return table("Requests", columns, requests.map((each) => [time(each.at), each.route ? targetLink(`route:${each.route}`) : "–",
    h("span", {class: "request"}, h("b", {}, each.method), " ", h("code", {}, each.path)), status(each.status), milliseconds(each.total_ms),
    h("code", {}, each.client), decided(each), ...(actions ? [actions(each)] : [])]),
  requests.map((each) => `${each.at_ns} ${each.request_id}`));
}

export function status(code) {
  if (!code) return badge("quiet", "none");
  return badge(code >= 500 ? "bad" : code >= 400 ? "warn" : "ok", String(code));
}

export function decided(each) {
  if (each.decision === "none") return "–";
  const by = each.limit || (each.safeguard === "none" ? "" : each.safeguard.replaceAll("_", " "));
  return `${each.decision}${by ? ` by ${by}` : ""}${each.shadow ? " (shadow)" : ""}`;
}
