// A small HTTP service that knows nothing of Tidewatch: it answers, after calling others.
//
//     node service.js PORT [--call URL]... [--try URL]... [--delay MILLISECONDS]
//
// It fails if a call fails, but not if a try does.

const http = require("node:http");

const agent = new http.Agent({ keepAlive: true });
const [port, ...rest] = process.argv.slice(2);
const urls = [];
let delay = 0;
for (let at = 0; at < rest.length; at += 2) {
  if (rest[at] === "--call") urls.push({ url: rest[at + 1], counts: true });
  if (rest[at] === "--try") urls.push({ url: rest[at + 1], counts: false });
  if (rest[at] === "--delay") delay = Number(rest[at + 1]);
}

function call(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    request.on("error", () => resolve(502));
  });
}

const server = http.createServer(async (_request, response) => {
  await new Promise((resolve) => setTimeout(resolve, delay));
  let status = 200;
  for (const { url, counts } of urls) {
    if ((await call(url)) >= 500 && counts) status = 502;
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ ok: status === 200 }));
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), "127.0.0.1");
