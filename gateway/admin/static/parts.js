// Pieces that every page is made of.

import {h} from "./dom.js";
import {ago, clock} from "./format.js";

const SHAPES = {ok: "●", bad: "▲", warn: "◆", quiet: "○", info: "■"};
const SEVERITIES = {critical: "bad", major: "bad", minor: "warn", notice: "info"};

/** A state in words, with a shape beside its colour. */
export const badge = (kind, text) => h("span", {class: `badge ${kind}`}, h("i", {"aria-hidden": "true"}, SHAPES[kind]), text);
export const severity = (word) => badge(SEVERITIES[word] || "quiet", word);

export const time = (text) => h("time", {datetime: text, title: text}, clock(text));
export const timeAgo = (text) => h("time", {datetime: text, title: text}, ago(text));

export function heading(title, lead, ...actions) {
  return h("div", {class: "heading"}, h("div", {}, h("h1", {}, title), lead ? h("p", {class: "lead"}, lead) : null),
    actions.length ? h("div", {class: "actions"}, actions) : null);
}

export function card(title, ...content) {
  return h("section", {class: "card"}, h("h2", {}, title), content);
}

/** `columns`: [name, "num" | ""]; each row a list of cells; `keys`: of the rows, so that each stays itself. */
export function table(label, columns, rows, keys = []) {
  return h("div", {class: "scroll", role: "region", "aria-label": label, tabindex: "0"}, h("table", {},
    h("thead", {}, h("tr", {}, columns.map(([name, kind]) => h("th", {scope: "col", class: kind}, name)))),
    h("tbody", {}, rows.map((cells, at) => h("tr", {"data-key": keys[at]},
      cells.map((cell, column) => h("td", {class: columns[column][1]}, cell)))))));
}

export const empty = (title, words) => h("div", {class: "empty"}, h("p", {class: "strong"}, title), words ? h("p", {}, words) : null);
export const loading = (what) => h("div", {class: "loading", role: "status"}, h("span", {class: "bar", "aria-hidden": "true"}), `Loading ${what}`);

export function failed(error, again) {
  return h("div", {class: "notice bad", role: "alert"}, h("p", {class: "strong"}, "That did not work"),
    h("p", {}, error instanceof TypeError ? "The gateway does not answer. It may be restarting." : error.message),
    again ? h("button", {type: "button", onclick: again}, "Try again") : null);
}

export const button = (text, onclick, kind = "") => h("button", {type: "button", class: kind, onclick}, text);

export function field(label, control, hint) {
  return h("label", {class: "field"}, h("span", {}, label), control, hint ? h("small", {}, hint) : null);
}

/** Facts as a list of names and values; what is empty is left out. */
export function facts(...pairs) {
  return h("dl", {class: "facts"}, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** It may break after a slash, and nowhere else: an address stays whole. */
export function targetLink(target) {
  const words = target.split("/").flatMap((part, at) => (at ? ["/", h("wbr"), part] : [part]));
  return /^(route|upstream|endpoint):/.test(target) && target !== "route:-"
    ? h("a", {href: `#/targets/${encodeURIComponent(target)}`}, words) : h("span", {}, words);
}

/** A safeguard: what it is, its state, and why. */
export function safeguardRow(each) {
  const kind = each.acting ? (each.mode === "shadow" ? "warn" : "bad") : "ok";
  return [h("span", {class: "strong"}, each.safeguard), badge(kind, each.state),
    each.mode === "enforce" ? "enforces" : each.mode === "shadow" ? "only watches (shadow)" : each.mode,
    each.observed, each.threshold, each.decision];
}
export const SAFEGUARD_COLUMNS = [["Safeguard", ""], ["State", ""], ["Mode", ""], ["Seen", ""], ["Threshold", ""], ["So it", ""]];

/** A unified diff; its signs say what its colours say. */
export function diff(text) {
  if (!text) return empty("Nothing differs", "The text is the same.");
  return h("pre", {class: "diff", tabindex: "0", "aria-label": "Differences"}, text.split("\n").map((line) => {
    const kind = /^(\+\+\+|---|@@)/.test(line) ? "where" : line[0] === "+" ? "added" : line[0] === "-" ? "gone" : "";
    return h("span", {class: kind}, `${line}\n`);
  }));
}
