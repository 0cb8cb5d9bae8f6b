// Asking the gateway: plain requests, and its stream of events. The token, where one is needed, lives as long as the tab.

const TOKEN = "gateway-token";
let askForToken = async () => false;

export const whoAsks = (ask) => { askForToken = ask; };
export const keepToken = (text) => sessionStorage.setItem(TOKEN, text);

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `the gateway answered ${status}`);
    this.status = status;
    this.problems = document.problems || [];
  }
}

function headers(more = {}) {
  const token = sessionStorage.getItem(TOKEN);
  return token ? {Authorization: `Bearer ${token}`, ...more} : more;
}

/** The answer's document. Throws Problem, or TypeError where nobody answers. */
export async function get(path, signal) {
  return (await asked(path, {signal})).json();
}

/** The same with the answer's ETag. */
export async function getTagged(path) {
  const answer = await asked(path, {});
  return [await answer.json(), answer.headers.get("ETag")];
}

/** The answer as text, such as a report that is kept as a file. */
export async function text(path) {
  return (await asked(path, {})).text();
}

export async function send(method, path, body = {}, more = {}) {
  const answer = await asked(path, {
    method, body: JSON.stringify(body), headers: {"Content-Type": "application/json", ...more}});
  return answer.json();
}

async function asked(path, options) {
  const answer = await fetch(path, {...options, headers: headers(options.headers)});
  if (answer.ok) return answer;
  if (answer.status === 401 && await askForToken(await detail(answer))) return asked(path, options);
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}

const detail = async (answer) => (await answer.clone().json().catch(() => ({}))).detail || "";

/** Server-sent events for ever: `tell(kind, data)`, `state(isConnected)`. fetch, as an EventSource can send no token. */
export async function events(tell, state) {
  let last = "";
  for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
    try {
      const answer = await asked("/v1/events", {headers: last ? {"Last-Event-ID": last} : {}});
      state(true);
      wait = 0.5;
      await readAll(answer.body, (event) => {
        last = event.id || last;
        if (event.event) tell(event.event, JSON.parse(event.data));
      });
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Problem)) console.error(error);
    }
    state(false);
    await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
  }
}

async function readAll(body, tell) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const {value, done} = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) tell(Object.fromEntries(block.split("\n").map(field)));
  }
}

function field(line) {
  const at = line.indexOf(": ");
  return [line.slice(0, at), line.slice(at + 2)];
}
