// The shell: which page is shown, the theme, and whether the gateway can be heard.

import {Problem, whoAsks} from "./api.js";
import {login} from "./dialogs.js";
import {h, show, svg} from "./dom.js";
import {now, onChange, start} from "./live.js";
import {failed, loading} from "./parts.js";

const PAGES = [
  {path: /^\/$/, name: "Overview", href: "#/", file: "./page-overview.js", icon: "M3 12h4l3-8 4 16 3-8h4"},
  {path: /^\/targets$/, name: "Routes & upstreams", brief: "Routes", href: "#/targets", file: "./page-targets.js",
   icon: "M5 6h6l2 12h6M5 18h4M15 6h4"},
  {path: /^\/targets\/(.+)$/, name: "Target", parent: "#/targets", file: "./page-target.js"},
  {path: /^\/incidents$/, name: "Incidents", href: "#/incidents", file: "./page-incidents.js",
   icon: "M12 4 21 20H3ZM12 10v4M12 17v.5"},
  {path: /^\/incidents\/(\d+)$/, name: "Incident", parent: "#/incidents", file: "./page-incident.js"},
  {path: /^\/incidents\/(\d+)\/report$/, name: "Post-mortem", parent: "#/incidents", file: "./page-report.js"},
  {path: /^\/requests$/, name: "Requests", href: "#/requests", file: "./page-requests.js", icon: "M4 6h16M4 12h16M4 18h10"},
  {path: /^\/explain$/, name: "Explain", parent: "#/requests", file: "./page-explain.js"},
  {path: /^\/drills$/, name: "Drills", href: "#/drills", file: "./page-drills.js", icon: "M13 3 5 14h6l-1 7 8-11h-6Z"},
  {path: /^\/config$/, name: "Config", href: "#/config", file: "./page-config.js",
   icon: "M6 4v2M6 10v10M4 8a2 2 0 1 0 4 0a2 2 0 1 0-4 0M12 4v8M12 16v4M10 14a2 2 0 1 0 4 0a2 2 0 1 0-4 0M18 4v4M18 12v8M16 10a2 2 0 1 0 4 0a2 2 0 1 0-4 0"},
  {path: /^\/config\/(\d+)$/, name: "Revision", parent: "#/config", file: "./page-revision.js"},
];
const main = document.getElementById("main");
let leaving = new AbortController();

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const {signal} = leaving;
  const [path, query] = (location.hash.slice(1) || "/").split("?");
  const page = PAGES.find((each) => each.path.test(path)) || PAGES[0];
  document.title = `${page.name} · Safeguard Gateway`;
  navigation(page.href || page.parent);
  const host = h("div", {class: "page"}, loading(page.name.toLowerCase()));
  main.replaceChildren(host);
  try {
    const {open} = await import(page.file);
    const argument = page.path.exec(path)?.[1];
    if (!signal.aborted) await open(host, {argument: argument && decodeURIComponent(argument), query: new URLSearchParams(query), signal});
  } catch (error) {
    if (error.name !== "AbortError") show(host, failed(error, go));
    if (!(error instanceof Problem || error instanceof TypeError)) console.error(error);
  }
}

function navigation(current) {
  const open = now.incidents?.length || 0;
  show(document.getElementById("nav"), h("ul", {}, PAGES.filter((page) => page.href).map((page) => h("li", {},
    h("a", {href: page.href, "aria-current": page.href === current ? "page" : false},
      svg("svg", {viewBox: "0 0 24 24", "aria-hidden": "true"}, svg("path", {d: page.icon})),
      h("span", {class: page.brief ? "long" : ""}, page.name), page.brief ? h("span", {class: "brief"}, page.brief) : null,
      page.name === "Incidents" && open ? h("b", {class: "count", "aria-label": `${open} open`}, String(open)) : null)))));
}

// Theme: the system's, or the one that was chosen; remembered in this browser.

const THEMES = ["system", "light", "dark"];
const theme = () => localStorage.getItem("gateway-theme") || "system";

function dress() {
  document.documentElement.dataset.theme = theme();
  show(document.getElementById("theme"), `Theme: ${theme()}`);
}

document.getElementById("theme").onclick = () => {
  localStorage.setItem("gateway-theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  dress();
};

function connection(kind) {
  if (kind === "connection") {
    const host = document.getElementById("link");
    host.className = `link ${now.connected ? "ok" : "bad"}`;
    show(host, now.connected ? "● Live" : "▲ Not connected");
  }
  if (kind === "incidents") navigation(document.querySelector("nav [aria-current]")?.getAttribute("href"));
}

dress();
whoAsks(login);
onChange(connection, new AbortController().signal);
start();
addEventListener("hashchange", async () => { await go(); main.focus({preventScroll: true}); scrollTo(0, 0); });
go();
