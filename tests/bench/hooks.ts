/**
 * Deliveries of a hook over the listener of a daemon of a built nerve, signed as GitHub signs them: how many a second are
 * answered, which is when they are on disk, with 32 connections; and the lateness of the answers at 5,000 a second, from
 * when each delivery was due, so that a pause counts for all that wait in it. A sense computes for them meanwhile.
 * Floor: the same rows and keys in bare SQLite, one commit for 32 of them, without any HTTP.
 * Not measured: connections being made, TLS, a proxy. NERVE_BENCH_CLONE=1 takes the clone instead of a built nerve.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { makeProof } from "../../src/hooks/verify_delivery.ts";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, median, percentile, repeated, timed } from "./figure.ts";
import { builtNerve, cloned } from "./nerve.ts";

const connections = 32, perSecond = 5_000, secret = "hunter2-secret";
const count = Number(Deno.env.get("NERVE_BENCH_DELIVERIES") ?? 25_000);
const encoder = new TextEncoder(), decoder = new TextDecoder();
const ci = `export const compute = ({ trigger }) => ({ silent: trigger.deliveries.length + " deliveries" });`;
const yaml = {
  listen: "127.0.0.1:0",
  env_file: ".env",
  hooks: { git: { secret: "env GIT_SECRET", verify: "github", backlog: 100_000 } },
  senses: { ci: {} },
  reflexes: [{ sense: "ci", hook: "git" }],
};

/** Whole requests, made before anything is measured; no two are the same delivery. */
function makeRequests(name: string): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => {
    const text = JSON.stringify({ ref: "refs/heads/main", after: `${name}-${n}`, commits: ["x".repeat(200)] });
    const body = encoder.encode(text);
    const proof = makeProof(
      { kind: "hmac", hash: "sha256", header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
      secret,
      { id: "", body, now: 0 },
    );
    const headers = { host: "127.0.0.1", ...proof, "x-github-delivery": `${name}-${n}`, "x-github-event": "push" };
    const head = Object.entries({ ...headers, "content-type": "application/json", "content-length": body.length })
      .map(([key, value]) => `${key}: ${value}\r\n`).join("");
    return encoder.encode(`POST /hooks/git HTTP/1.1\r\n${head}\r\n${text}`);
  });
}

class Connection {
  readonly #socket: Deno.TcpConn;
  readonly #bytes = new Uint8Array(4_096);

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Resolves when the delivery was answered with 202. The answer is short: it comes as a whole. */
  async deliver(request: Uint8Array): Promise<void> {
    for (let at = 0; at < request.length;) at += await this.#socket.write(request.subarray(at));
    const read = await this.#socket.read(this.#bytes) ?? 0, answer = decoder.decode(this.#bytes.subarray(0, read));
    assert.match(answer, /^HTTP\/1.1 202 /);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Deliveries a second when each connection sends the next one as soon as it has its answer. */
async function measureRate(open: readonly Connection[], requests: readonly Uint8Array[]): Promise<number> {
  let next = 0;
  const ms = await timed(() =>
    Promise.all(open.map(async (connection) => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        await connection.deliver(request);
      }
    }))
  );
  return requests.length / ms * 1_000;
}

/** The milliseconds from when each delivery was due to its answer. */
async function measureLateness(open: readonly Connection[], requests: readonly Uint8Array[]): Promise<number[]> {
  const from = systemClock.monotonic(), late: number[] = [];
  let next = 0;
  await Promise.all(open.map(async (connection) => {
    for (let n = next++; n < requests.length; n = next++) {
      const due = from + n * 1_000 / perSecond, waitMs = due - systemClock.monotonic();
      if (waitMs > 0) await delay(systemClock, waitMs);
      await connection.deliver(requests[n] as Uint8Array);
      late.push(systemClock.monotonic() - due);
    }
  }));
  return late;
}

async function measureFloor(folder: string): Promise<number> {
  const db = new DatabaseSync(`${folder}/floor.db`), rows = 6_400, text = "x".repeat(600);
  db.exec("pragma journal_mode = wal; pragma synchronous = full; create table keys (key text primary key, id integer)");
  db.exec("create table logs (id integer primary key, source text, type text, payload text)");
  db.exec("create index logs_source on logs (source, type)");
  const row = db.prepare("insert into logs values (?, 'hook:git', 'hook.delivery', ?)");
  const key = db.prepare("insert into keys values (?, ?)");
  const ms = await timed(() => {
    for (let n = 0; n < rows; n++) {
      if (n % connections === 0) db.exec(n === 0 ? "begin" : "commit; begin");
      row.run(n, text);
      for (const kind of ["header", "body"]) key.run(`${kind} ${n * 7919 % rows}`, n);
    }
    db.exec("commit");
  });
  db.close();
  return rows / ms * 1_000;
}

export async function* figures(): Figures {
  await using workspace = await makeWorkspace({
    yaml,
    senses: { ci },
    files: { ".env": `GIT_SECRET=${secret}\n` },
  });
  const isClone = Deno.env.get("NERVE_BENCH_CLONE") === "1";
  await using built = isClone ? { ...cloned, [Symbol.asyncDispose]: () => Promise.resolve() } : await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, built);
  const port = Number((await daemon.client.hooks()).listener?.address.split(":").at(-1));
  const open = await Promise.all(Array.from({ length: connections }, async () => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.setNoDelay();
    return new Connection(socket);
  }));
  await measureRate(open, makeRequests("warm"));
  const rates = await repeated(3, () => measureRate(open, makeRequests(crypto.randomUUID())));
  const floor = median(await repeated(3, () => measureFloor(Deno.makeTempDirSync())));
  yield figure(`deliveries a second over ${connections} connections`, "requests/s", rates, floor);
  const before = await daemon.cpuMs();
  const late = await repeated(3, () => measureLateness(open, makeRequests(crypto.randomUUID())));
  const name = `deliveries at ${perSecond} a second`;
  for (const percent of [50, 99]) {
    yield figure(`${name}: answered after, p${percent}`, "ms", late.map((each) => percentile(each, percent)), null);
  }
  const cpu = (await daemon.cpuMs() - before) / (3 * count);
  yield figure(`${name}: processor time of all processes a delivery`, "ms", [cpu], null);
  for (const each of open) each.close();
}
