// The config: what is served, a new one compared and applied, every revision, and the way back.

import {get, getTagged, send} from "./api.js";
import {confirm, toast} from "./dialogs.js";
import {h, show} from "./dom.js";
import {onChange} from "./live.js";
import {badge, button, card, diff, empty, facts, heading, table, time} from "./parts.js";

export async function open(host, {signal}) {
  const top = h("div", {class: "page"}), editor = h("div", {}), log = h("div", {});
  host.replaceChildren(top, editor, log);
  const look = async () => {
    const [[config, tag], listed] = await Promise.all([getTagged("/v1/config"), get("/v1/revisions?limit=20", signal)]);
    show(top, head(config));
    show(log, revisions(listed.revisions, listed.next, config.revision.number, tag));
    return [config, tag];
  };
  const [config, tag] = await look();
  const served = await get(`/v1/revisions/${config.revision.number}`, signal);
  editor.replaceChildren(edit(served, tag));
  onChange((kind) => { if (kind === "config") look().catch(() => {}); }, signal);
}

function head({revision, drift, refused, store_fault: fault, probation}) {
  return [heading("Config", [`Revision ${revision.number} is served, since `, time(revision.at), "."]),
    probation ? watched(probation) : null,
    drift ? h("p", {class: "notice warn"}, "The file on the disk is another config than the one that is served; it is not taken until it changes again.") : null,
    refused.length ? h("div", {class: "notice bad"}, h("p", {class: "strong"}, "The file on the disk is refused"), problems(refused)) : null,
    fault ? h("p", {class: "notice bad"}, fault) : null,
    facts(["How", revision.how], ["Who", `${revision.who} ${revision.note}`.trim()], ["Commit", revision.commit.slice(0, 12)], ["Author", revision.author],
      ["Content", revision.content.slice(0, 12)])];
}

const percent = (share) => `${Math.round(100 * share)} %`;

function watched(found) {
  const {old, new: fresh} = found;
  return h("div", {class: `notice ${found.mode === "enforce" ? "info" : "warn"}`}, h("p", {class: "strong"},
    `On probation${found.mode === "enforce" ? "" : " in shadow mode"}: step ${found.step} of ${found.steps.length}, ${percent(found.share)} of the clients`),
  h("p", {}, `${found.verdict}${found.proven ? "" : " (not proven)"}`),
  h("p", {class: "muted"}, `${fresh.requests} tries under it, ${old.requests} under revision ${found.beside}; at most ${found.seconds_left} s left of this step.`),
  found.undivided ? h("p", {}, found.undivided) : null, found.fault ? h("p", {}, found.fault) : null);
}

const problems = (listed) => h("ul", {}, listed.map((each) => h("li", {}, `${each.file ? `${each.file}:` : ""}${each.line}:${each.column} ${each.message}`)));

function edit(served, tag) {
  const area = h("textarea", {id: "config-text", rows: "18", spellcheck: "false", autocomplete: "off", "aria-describedby": "config-hint"});
  area.value = served.text;
  const result = h("div", {class: "stack", "aria-live": "polite"});
  const documents = () => ({"gateway.yaml": area.value});
  const compare = async () => {
    try {
      const found = await send("POST", "/v1/config/diff", {documents: documents()});
      const draw = (replayed, objected) => show(result, h("h3", {}, "What applying it would change"), found.changes.length ? h("ul", {class: "mono"}, found.changes.map((each) => h("li", {}, each)))
        : empty("It would do the same"), diff(found.text), found.text ? [h("h3", {}, "Requests of the last hour, replayed under it"), replayed,
        h("div", {class: "actions"}, button(objected ? "Apply all the same" : "Apply", () => apply(objected), objected ? "danger" : "primary"))] : null);
      draw(h("p", {class: "muted", role: "status"}, "They are replayed…"), false);
      if (found.text) draw(...await replay(documents()));
    } catch (error) { refuse(error); }
  };
  const apply = (objected) => confirm("Apply this config", `Every worker prepares it first; it is served by all of them, or by none.${objected ? " The replay of recorded requests objects to it." : ""}`, "Apply", async () => {
    const made = await send("POST", "/v1/config", {documents: documents()}, {"If-Match": tag});
    tag = `"${made.number}"`;
    toast(`Revision ${made.number} is served`);
    show(result);
    return made;
  }, objected ? "danger" : "primary");
  const refuse = (error) => show(result, h("div", {class: "notice bad", role: "alert"}, h("p", {class: "strong"}, "It is refused; what is served goes on"),
    error.problems?.length ? problems(error.problems) : h("p", {}, error.message)));
  return card("Change it", served.text ? [h("label", {for: "config-text", class: "strong"}, "The config as text"),
    h("p", {id: "config-hint", class: "muted"}, "Nothing is touched before it is applied. Where a config file is watched, put the change there too, or it is drift."),
    area, h("div", {class: "actions"}, button("Compare with what is served", compare)), result]
    : empty("There is no text", "This gateway was started with --upstream, without a config file."));
}

/** What the replay says, and whether a person has to approve. */
async function replay(documents) {
  const report = await send("POST", "/v1/config/replay", {documents}).catch((error) => ({fault: error.message}));
  if (report.fault) return [h("p", {class: "notice warn"}, `Not replayed: ${report.fault}`), false];
  if (!report.requests) return [h("p", {class: "muted"}, "No request was recorded: nothing to replay."), false];
  const lines = report.lines.filter((each) => !each.startsWith("needs approval"));
  return [[report.objections.length ? h("div", {class: "notice bad", role: "alert"}, h("p", {class: "strong"}, "A person has to approve it"),
    h("ul", {}, report.objections.slice(0, 10).map((each) => h("li", {}, each)))) : null,
  h("ul", {}, lines.map((each) => h("li", {}, each)))], report.objections.length > 0];
}

function revisions(listed, next, current, tag) {
  const back = (each) => confirm(`Roll back to revision ${each.number}`, `Serve again what revision ${each.number} said, as a new revision. Requests in flight are not touched.`,
    "Roll back", async () => {
      const made = await send("POST", "/v1/config/rollback", {to: each.number}, {"If-Match": tag});
      toast(`Revision ${made.number} serves revision ${each.number} again`);
      return made;
    });
  return card("Revisions", table("Revisions", [["No.", ""], ["State", ""], ["Probation", ""], ["When", ""], ["How", ""], ["Who", ""], ["Commit", ""], ["", "num"]],
    listed.map((each) => [h("a", {href: `#/config/${each.number}`}, String(each.number)), badge(each.state === "active" ? "ok" : "quiet", each.state),
      each.probation ? h("span", {title: each.probation.verdict}, `${each.probation.state}${each.probation.proven ? "" : ", not proven"}`) : "", time(each.at),
      each.base ? `${each.how} to ${each.base}` : each.how, `${each.who} ${each.note}`.trim(), h("code", {}, each.commit.slice(0, 12)),
      each.number === current ? "" : h("button", {type: "button", class: "small", "aria-label": `Roll back to revision ${each.number}`, onclick: () => back(each)}, "Roll back")]),
    listed.map((each) => String(each.number))),
  next ? h("p", {class: "muted"}, "Older ones: gateway config log --limit 1000") : null);
}
