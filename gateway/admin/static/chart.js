// Charts in SVG that can be read without colour: each line has its own dashes and its name at its end.

import {h, show, svg} from "./dom.js";
import {short, span} from "./format.js";

const DASHES = ["", "6 4", "1.5 4", "10 3 2 3"];
const LEFT = 44, RIGHT = 76, TOP = 12, BOTTOM = 22;

/** <line-chart>: `spec` is {label, unit, height, seconds, until, lines: [{name, kind, values, area}], marks: [{at, text}]}.
 *  Values are a second apart, the last one at `until`; null is a gap. */
class LineChart extends HTMLElement {
  set spec(spec) {
    this._spec = spec;
    if (this.isConnected) this.draw();
  }

  get spec() { return this._spec; }

  connectedCallback() {
    this._resized = new ResizeObserver(() => this.draw());
    this._resized.observe(this);
  }

  disconnectedCallback() { this._resized.disconnect(); }

  draw() {
    const spec = this._spec;
    if (!spec || !this.clientWidth) return;
    show(this, picture(spec, this.clientWidth, spec.height || 180), legend(spec));
  }
}
customElements.define("line-chart", LineChart);

function legend(spec) {
  return h("ul", {class: "legend"}, spec.lines.map((line, index) => h("li", {},
    svg("svg", {width: 28, height: 8, "aria-hidden": "true"},
      svg("line", {x1: 0, x2: 28, y1: 4, y2: 4, class: `stroke ${line.kind}`, "stroke-dasharray": DASHES[index]})),
    h("span", {}, line.name), h("b", {}, `${short(last(line.values))}${spec.unit ? ` ${spec.unit}` : ""}`))));
}

const last = (values) => values.findLast((each) => each !== null && each !== undefined) ?? null;

function picture(spec, width, height) {
  const top = nice(Math.max(0, ...spec.lines.flatMap((line) => line.values.map((each) => each ?? 0))));
  const scale = {
    x: (back) => width - RIGHT - (back / spec.seconds) * (width - LEFT - RIGHT),
    y: (value) => height - BOTTOM - (value / top) * (height - TOP - BOTTOM)};
  return svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words(spec)},
    grid(scale, top, width), times(scale, spec, height),
    (spec.marks || []).map((mark) => vertical(scale, mark, spec, height)),
    spec.lines.map((line, index) => drawn(line, index, scale)), ends(spec.lines, scale, width));
}

/** The next round number: what is drawn should fill the height. */
function nice(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= value);
}

function grid(scale, top, width) {
  return [0, 0.5, 1].map((share) => svg("g", {},
    svg("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: scale.y(share * top), y2: scale.y(share * top)}),
    svg("text", {class: "tick", x: LEFT - 8, y: scale.y(share * top) + 4, "text-anchor": "end"}, short(share * top))));
}

function times(scale, spec, height) {
  const at = [0, 0.5, 1].map((share) => Math.round(share * spec.seconds));
  return at.map((back) => svg("text", {class: "tick", x: scale.x(back), y: height - 4,
    "text-anchor": back === 0 ? "end" : back === spec.seconds ? "start" : "middle"}, back ? `−${span(back)}` : "now"));
}

function vertical(scale, mark, spec, height) {
  const back = spec.until - mark.at;
  if (back < 0 || back > spec.seconds) return null;
  return svg("g", {}, svg("line", {class: "mark", x1: scale.x(back), x2: scale.x(back), y1: TOP, y2: height - BOTTOM}),
    svg("text", {class: "tick strong", x: scale.x(back) + 4, y: TOP + 8}, mark.text));
}

function drawn(line, index, scale) {
  const points = line.values.map((value, at) => value === null || value === undefined ? null
    : `${scale.x(line.values.length - 1 - at).toFixed(1)},${scale.y(value).toFixed(1)}`);
  const runs = points.reduce((all, point) => {
    if (point === null) all.push([]);
    else all.at(-1).push(point);
    return all;
  }, [[]]).filter((run) => run.length);
  return [line.area ? runs.map((run) => svg("path", {class: `area ${line.kind}`, d: closed(run, scale)})) : null,
    runs.map((run) => svg("path", {class: `stroke ${line.kind}`, "stroke-dasharray": DASHES[index], d: `M${run.join("L")}`}))];
}

function closed(run, scale) {
  const [first, end] = [run[0], run.at(-1)].map((point) => point.split(",")[0]);
  return `M${first},${scale.y(0)}L${run.join("L")}L${end},${scale.y(0)}Z`;
}

/** The names at the lines' ends, moved apart where they would cover each other. */
function ends(lines, scale, width) {
  const placed = lines.map((line) => ({name: line.name, y: scale.y(last(line.values) ?? 0)})).sort((a, b) => a.y - b.y);
  placed.forEach((each, index) => {
    if (index) each.y = Math.max(each.y, placed[index - 1].y + 14);
  });
  const over = Math.max(0, (placed.at(-1)?.y ?? 0) - scale.y(0));
  return placed.map((each) => svg("text", {class: "tick strong", x: width - RIGHT + 6, y: each.y - over + 4}, each.name));
}

function words(spec) {
  const told = spec.lines.map((line) => {
    const values = line.values.filter((each) => each !== null && each !== undefined);
    return values.length ? `${line.name}: now ${short(values.at(-1))}, at most ${short(Math.max(...values))}` : `${line.name}: nothing yet`;
  });
  return `${spec.label}, the last ${Math.round(spec.seconds / 60)} minutes. ${told.join("; ")}.`;
}

/** A line without words, beside a number that says it. */
export function spark(values, kind = "one") {
  const width = 96, height = 24, top = Math.max(1e-9, ...values.map((each) => each ?? 0));
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(height - 2 - ((value ?? 0) / top) * (height - 4)).toFixed(1)}`);
  return svg("svg", {class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    points.length > 1 ? svg("path", {class: `stroke ${kind}`, d: `M${points.join("L")}`}) : null);
}
