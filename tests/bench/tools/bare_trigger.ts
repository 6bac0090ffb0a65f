/**
 * The floor of a trigger (api.ts): node:http, one row of the log per request, and one commit for all requests of
 * consecutive turns. Not included: routes, checks, and the compute that a trigger starts.
 */
import { createServer, type ServerResponse } from "node:http";
import { setImmediate } from "node:timers";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";

const [path = ""] = Deno.args;
const body = JSON.stringify({ computeId: 1, how: "started", until: null, outcome: null });
const headers = { "content-type": "application/json", "content-length": body.length };
const db = openDatabase(`${path}.db`);
for (const script of logMigrations) db.exec(script);
const insert = db.prepare("insert into logs values (?, ?, 'sense:s', 'sense.triggered', 's', null, ?)");
let waiting: ServerResponse[] = [], id = 0;

createServer((request, response) => {
  request.resume();
  if (waiting.length === 0) {
    db.exec("begin immediate");
    commitAfter(1);
  }
  insert.run(++id, Date.now(), JSON.stringify({ by: "request" }));
  waiting.push(response);
}).listen({ path });

function commitAfter(known: number): void {
  setImmediate(() => {
    if (waiting.length > known) return commitAfter(waiting.length);
    db.exec("commit");
    const answered = waiting;
    waiting = [];
    for (const response of answered) response.writeHead(200, headers).end(body);
  });
}
