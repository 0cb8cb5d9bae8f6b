// Comparing two spans of the flight recorder: where the failures are that one has more than the other.

import {get} from "./api.js";
import {h, show} from "./dom.js";
import {count, share, short} from "./format.js";
import {card, facts, failed, field, loading} from "./parts.js";

const SPANS = [["60", "1 minute"], ["300", "5 minutes"], ["900", "15 minutes"], ["3600", "an hour"]];
const BEFORE = [["0", "just before"], ["3600", "an hour earlier"], ["86400", "a day earlier"], ["604800", "a week earlier"]];
const OF = [["", "failures"], ["true", "slow answers"]];
const NS = 1000000n;

/** A card that asks, and tells below. */
export function comparing() {
  const result = h("div", {class: "stack", "aria-live": "polite"});
  const form = h("form", {class: "filters", onsubmit: async (event) => {
    event.preventDefault();
    show(result, loading("both spans"));
    try {
      show(result, told(await get(`/v1/requests/compare?${spans(new FormData(form))}`)));
    } catch (error) { show(result, failed(error)); }
  }}, choice("What has more", "slow", OF), choice("In the last", "span", SPANS, "300"), choice("Than", "before", BEFORE),
  h("div", {class: "actions"}, h("button", {type: "submit"}, "Compare")));
  return card("Compare two spans", form, result);
}

const choice = (label, name, options, usual) => field(label, h("select", {name}, options.map(([value, text]) => h("option", {value, selected: value === usual}, text))));

function spans(form) {
  const until = BigInt(Date.now()) * NS, length = BigInt(form.get("span")) * 1000n * NS, back = BigInt(form.get("before")) * 1000n * NS;
  const ended = back ? until - back : until - length;
  const wanted = new URLSearchParams({since_ns: until - length, until_ns: until, before_since_ns: ended - length, before_until_ns: ended});
  if (form.get("slow")) wanted.set("slow", "true");
  return wanted;
}

function told(found) {
  const bad = found.of === "slow" ? "slow" : "failed";
  const ranked = (each) => h("li", {}, h("span", {}, where(each.where)), h("meter", {min: "0", max: "1", value: Math.min(1, each.share), "aria-label": "Share of what there is more"}),
    h("b", {}, share(Math.min(1, each.share))));
  const span = (name, each) => [name, `${count(each.requests)} requests, ${short(each.per_second)}/s, ${count(each.bad)} ${bad}${each.complete ? "" : "; only the latest of it"}`];
  return [h("p", {class: "verdict"}, found.words),
    found.causes.length ? h("ol", {class: "ranked"}, found.causes.map(ranked)) : null,
    found.runners_up.length ? [h("h3", {}, "Also looked at"), h("ol", {class: "ranked faint"}, found.runners_up.map(ranked))] : null,
    facts(span("Then", found.now), span("Before", found.before))];
}

const where = (conditions) => Object.entries(conditions).map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(" ") : value}`).join(", ");
