// What is live: the latest event of each kind, five minutes of traffic, and who wants to know.

import {events} from "./api.js";

const KEPT = 300;
const listeners = new Set();

export const now = {connected: null, traffic: [], targets: {seconds: 10, targets: {}}, incidents: null, isolations: null,
                    safeguards: null, processes: null, config: null};

/** Call `hear(kind)` on each event until the page is left. */
export function onChange(hear, signal) {
  listeners.add(hear);
  signal.addEventListener("abort", () => listeners.delete(hear));
}

export function start() {
  events((kind, data) => {
    if (kind === "traffic") now.traffic = [...now.traffic, data].slice(-KEPT);
    else now[kind] = data;
    tell(kind);
  }, (connected) => {
    now.connected = connected;
    tell("connection");
  });
}

function tell(kind) {
  for (const hear of listeners) hear(kind);
}

/** Rates of a target in the last ten seconds. */
export function rates(target) {
  const found = now.targets.targets[target];
  if (!found) return null;
  return {perSecond: found.requests / now.targets.seconds, requests: found.requests, errors: found.errors,
          refused: found.refused, latency: found.requests ? found.latency_ms / found.requests : null};
}
