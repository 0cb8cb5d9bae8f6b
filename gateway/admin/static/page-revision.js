// One revision: what it changed, and its text.

import {get} from "./api.js";
import {h, show} from "./dom.js";
import {card, diff, empty, facts, heading, time} from "./parts.js";

export async function open(host, {argument: number, signal}) {
  const found = await get(`/v1/revisions/${number}`, signal);
  show(host, h("p", {class: "crumbs"}, h("a", {href: "#/config"}, "Config")),
    heading(`Revision ${found.number}`, ["Applied at ", time(found.at)]),
    facts(["How", found.base ? `${found.how} to ${found.base}` : found.how], ["Who", `${found.who} ${found.note}`.trim()],
      ["Commit", found.commit], ["Author", found.author], ["Content", found.content.slice(0, 12)], ["Plan", found.digest.slice(0, 12)]),
    card("What it changed", diff(found.diff)),
    card("Its text", found.text ? h("pre", {class: "text", tabindex: "0", "aria-label": "Config"}, found.text)
      : empty("There is no text", "It was made from --upstream.")));
}
