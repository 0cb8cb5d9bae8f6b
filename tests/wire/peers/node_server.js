// Node's http as an upstream: `node node_server.js PORT KEEP_ALIVE_MS`.
const http = require("node:http");
const crypto = require("node:crypto");

function echo(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const fields = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      fields.push([request.rawHeaders[at].toLowerCase(), request.rawHeaders[at + 1]]);
    }
    const body = Buffer.concat(parts).toString("latin1");
    const said = { method: request.method, target: request.url, fields, body, trailers: request.trailers };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(said));
  });
}

function trailers(request, response) {
  response.writeHead(200, { "content-type": "text/plain", trailer: "x-sum" });
  for (let part = 0; part < 100; part++) response.write("part " + part + "\n");
  response.addTrailers({ "x-sum": "4950" });
  response.end();
}

function sha256(request, response) {
  const digest = crypto.createHash("sha256");
  request.on("data", (part) => digest.update(part));
  request.on("end", () => response.end(digest.digest("hex")));
}

function hints(request, response) {
  response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" }, () => response.end("page"));
}

const pages = { "/trailers": trailers, "/sha256": sha256, "/hints": hints };
const server = http.createServer((request, response) => (pages[request.url] ?? echo)(request, response));
server.keepAliveTimeout = Number(process.argv[3]);
server.listen(Number(process.argv[2]), "127.0.0.1");
