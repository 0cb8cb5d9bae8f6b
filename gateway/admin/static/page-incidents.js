// Incidents: those that are open, and all that were.

import {get} from "./api.js";
import {h, show} from "./dom.js";
import {onChange} from "./live.js";
import {badge, button, card, empty, heading, severity, table, time, timeAgo} from "./parts.js";

export async function open(host, {signal}) {
  let current = [], past = [], next = null;
  const look = async () => {
    const [open, all] = await Promise.all([get("/v1/incidents", signal), get("/v1/incidents?all=true&limit=20", signal)]);
    [current, past, next] = [open.incidents, all.incidents, all.next];
    draw();
  };
  const more = async () => {
    const page = await get(`/v1/incidents?all=true&limit=20&before=${next}`, signal);
    [past, next] = [[...past, ...page.incidents], page.next];
    draw();
  };
  const draw = () => {
    show(host, heading("Incidents", "One for each cause: what is wrong, since when, why, and who looks at it."),
      card("Open", current.length ? listed(current) : empty("No incident is open", "As soon as something is wrong it is told here, and to whoever the config says.")),
      card("All", past.length ? [listed(past), next ? button("Show older ones", more) : null] : empty("There was none yet")));
  };
  onChange((kind) => { if (kind === "incidents") look().catch(() => {}); }, signal);
  await look();
}

function listed(incidents) {
  return table("Incidents", [["No.", ""], ["Severity", ""], ["What", ""], ["State", ""], ["Onset", ""], ["Opened", ""], ["Who", ""]],
    incidents.map((each) => [h("a", {href: `#/incidents/${each.id}`}, String(each.id)), severity(each.severity),
      h("span", {}, h("a", {href: `#/incidents/${each.id}`, class: "strong"}, each.title), each.cause ? h("small", {class: "cause"}, each.cause) : null),
      badge(["resolved", "reviewed"].includes(each.state) ? "ok" : "warn", each.merged_into ? `merged into ${each.merged_into}` : each.state),
      time(each.onset), timeAgo(each.opened), each.assignee || each.acknowledged_by || "nobody yet"]),
    incidents.map((each) => String(each.id)));
}
