// Numbers and times as people read them.

const PLAIN = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

export const count = (value) => PLAIN.format(value);

/** Three digits that say enough: 0.12, 4.5, 320, 12.3k, 1.2M. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (value >= size) return `${digits(value / (unit === "k" ? 1e3 : size))}${unit}`;
  }
  return digits(value);
}

function digits(value) {
  if (value === 0) return "0";
  if (value >= 100) return PLAIN.format(value);
  if (Number.isInteger(value)) return String(value);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const percent = (part, whole) => (whole ? share(part / whole) : "–");

export function share(value) {
  if (value === null || value === undefined) return "–";
  const of100 = 100 * value;
  if (of100 === 0) return "0 %";
  if (of100 < 0.01) return "< 0.01 %";
  return `${of100 >= 10 ? of100.toFixed(0) : Number(of100.toFixed(2))} %`;
}

export const milliseconds = (value) => (value === null || value === undefined ? "–" : `${short(value)} ms`);

/** `2h 5m`, `5m 3s`, `3s`: the two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "m"],
                 [whole % 60, "s"]].filter(([size]) => size);
  return parts.slice(0, 2).map(([size, unit]) => `${size}${unit}`).join(" ") || "0s";
}

export const secondsSince = (text) => (Date.now() - Date.parse(text)) / 1000;

export function ago(text) {
  const seconds = secondsSince(text);
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/** The clock time of a UTC text, in the reader's zone; with the date where it is another day. */
export function clock(text) {
  const at = new Date(text);
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString("en-CA")} ${time}`;
}

export const plural = (many, noun) => `${count(many)} ${noun}${many === 1 ? "" : "s"}`;
