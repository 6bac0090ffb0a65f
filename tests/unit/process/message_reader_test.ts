/** Messages of a process, line by line. Danger: a line that is not a message, or a message that overtakes another. */
import assert from "node:assert/strict";
import { jsonDepthMax } from "../../../src/base/limits.ts";
import type { Link } from "../../../src/process/launcher.ts";
import { receiveMessages } from "../../../src/process/message_reader.ts";
import { type FromProcess, fromProcessMaxBytes } from "../../../src/protocol/message.ts";

/** A connection on which a test sends lines. */
class FakeConnection {
  readonly #lines: string[] = [];
  #wake = Promise.withResolvers<void>();
  #ended = false;

  send(...messages: (FromProcess | string)[]): void {
    this.#lines.push(...messages.map((each) => typeof each === "string" ? each : JSON.stringify(each)));
    this.#wake.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  link(): Link {
    return { channel: {} as Link["channel"], lines: this.#read() };
  }

  async *#read(): AsyncGenerator<string, void, void> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield line;
      else if (this.#ended) return;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }
}

function setUp(kind: "group" | "workflow" = "group") {
  const shim = new FakeConnection(), worker = new FakeConnection(), delivered: string[] = [];
  const done = receiveMessages(Promise.resolve(shim.link()), Promise.resolve(worker.link()), kind, {
    paceLine: () => null,
    onHandled: () => {},
    onMessage: (message) => delivered.push(message.t === "pong" ? `pong ${message.n}` : message.t),
    onInvalid: (why) => delivered.push(`broken: ${why}`),
    onClosed: () => delivered.push("hung up"),
  });
  return { shim, worker, delivered, done };
}

async function heardOf(line: FromProcess | string, kind: "group" | "workflow" = "group"): Promise<string> {
  const { shim, worker, delivered, done } = setUp(kind);
  worker.send(line);
  worker.end();
  shim.end();
  await done;
  return delivered.filter((each) => each !== "hung up").join();
}

const message: FromProcess = { t: "message", runId: "a", attempt: 1, round: 1, role: "r", content: "c", meta: {} };

Deno.test("messages are delivered in order, and the end of each channel is reported", async () => {
  const { shim, worker, delivered, done } = setUp();
  worker.send({ t: "ready" }, { t: "pong", n: 1 }, { t: "pong", n: 2 });
  worker.end();
  shim.end();
  await done;
  assert.deepEqual(delivered.filter((each) => each !== "hung up"), ["ready", "pong 1", "pong 2"]);
  assert.equal(delivered.filter((each) => each === "hung up").length, 2);
});

Deno.test("a line that is not a message is reported, and nothing after it is read from that channel", async () => {
  for (const line of ["", "null", "{}", '{"t":"other"}', '{"t":"pong"}', '{"t":"pong","n":"1"}', '{"t":"ready"']) {
    assert.match(await heardOf(line), /^broken: /, line);
  }
  const { shim, worker, delivered, done } = setUp();
  worker.send("nonsense", { t: "pong", n: 1 });
  worker.end();
  shim.end();
  await done;
  assert.ok(!delivered.includes("pong 1"));
});

Deno.test("a line that begins as one kind and is another, is too long or is nested too deeply is invalid", async () => {
  assert.equal(await heardOf('{"t":"pong","n":1,"t":"ready"}'), "broken: the line names two kinds of message");
  assert.match(await heardOf(`{"t":"pong","n":1,"x":"${"x".repeat(fromProcessMaxBytes.pong)}"}`), /longer than/);
  const deep = "[".repeat(jsonDepthMax + 10) + "]".repeat(jsonDepthMax + 10);
  assert.match(
    await heardOf(`{"t":"outcome","id":1,"ranMs":0,"outcome":{"kind":"value","value":${deep}}}`),
    /too deep/,
  );
});

Deno.test("only the process of a workflow may send a long message", async () => {
  const long = { ...message, content: "x".repeat(fromProcessMaxBytes.finished) };
  assert.equal(await heardOf(long, "workflow"), "message");
  assert.match(await heardOf(long, "group"), /^broken: message is longer/);
});
