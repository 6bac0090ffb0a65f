/**
 * A kernel whose sense ticks, and 64 clients of it that send requests, garbage and partial requests, listen and vanish,
 * all at once. For many_clients_test.ts, which checks what remains of them, and for the speed guard
 * (tests/bench/guard.ts).
 */
import assert from "node:assert/strict";
import { requestBodyMaxBytes } from "../../src/base/limits.ts";
import { type ServedWorkspace, serveWorkspace } from "./served_workspace.ts";
import { heardLater, within } from "./workspace_fixture.ts";

const clients = 64, roundsEach = 12, ticksMeasured = 40;
/** From tick to tick, when nothing delays them. */
export const intervalMs = 50;

const options = {
  yaml: {
    senses: { ticker: { keep_alive: true }, meter: {} },
    reflexes: [{ sense: "ticker", interval: `${intervalMs}ms` }],
  },
  senses: {
    ticker: "export const compute = ({ trigger }) => ({ late: Date.now() - trigger.due });",
    meter: "export const compute = () => ({ used: 0.5 });",
  },
};

/** A served workspace whose first tick is done. */
export async function tickingWorkspace(): Promise<ServedWorkspace> {
  const served = await serveWorkspace(options);
  await served.workspace.signal("ticker");
  return served;
}

/** How late each of the next ticks came, in milliseconds. */
export async function lateness({ workspace }: ServedWorkspace): Promise<number[]> {
  const from = workspace.events.length, late: number[] = [];
  const signals = () =>
    workspace.events.slice(from).flatMap((event) =>
      event.kind === "signal" && event.signal.sense === "ticker" ? [event.signal.payload as { late: number }] : []
    );
  await workspace.waitFor(() => signals().length >= ticksMeasured, `${ticksMeasured} ticks`, from);
  for (const payload of signals()) late.push(payload.late);
  return late;
}

const post = "POST /v1/senses/meter/trigger HTTP/1.1\r\nHost: x\r\n";

/** One round of client `number`; the kinds of behaviour take turns. Returns the answer's status. */
async function round(path: string, number: number): Promise<string> {
  const send = async (text: string, leave = false): Promise<string> => {
    const connection = await Deno.connect({ transport: "unix", path });
    try {
      await connection.write(new TextEncoder().encode(text));
      if (leave) return "left";
      const buffer = new Uint8Array(4096), read = await connection.read(buffer);
      return /^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(buffer.subarray(0, read ?? 0)))?.[1] ?? "closed";
    } finally {
      connection.close();
    }
  };
  switch (number % 8) {
    case 0:
      return await send("GET /v1/senses HTTP/1.1\r\nHost: x\r\n\r\n");
    case 1:
      return await send(`${post}Content-Length: 0\r\n\r\n`);
    case 2:
      return await send(
        `POST /v1/workflows/x/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `Content-Length: 5\r\n\r\n{"a":`,
      );
    case 3:
      return await send(
        `POST /v1/workflows/x/runs HTTP/1.1\r\nHost: x\r\nContent-Length: ${requestBodyMaxBytes + 1}\r\n\r\n`,
      );
    case 4:
      return await send("GET /v1/hea", true);
    case 5:
      return await send(`${post}Content-Length: 900\r\n\r\n{"half`, true);
    case 6:
      return await send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    default:
      return await send("\u0000\u0001rubbish\r\n\r\n");
  }
}

const expected = ["200", "200", "400", "413", "left", "left", "200", "400"];

/** Fails when a client does not get the right answer. */
export async function underLoad(path: string): Promise<void> {
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let at = 0; at < roundsEach; at++) {
      const kind = client + at;
      assert.equal(await round(path, kind), expected[kind % expected.length], `kind ${kind % expected.length}`);
    }
  }));
}

/** How late each of the next ticks came while the clients send without a pause. */
export async function latenessUnderLoad(served: ServedWorkspace): Promise<number[]> {
  let loading = true;
  const load = heardLater((async () => {
    while (loading) await underLoad(served.socket);
  })());
  try {
    return await lateness(served);
  } finally {
    loading = false;
    await within(load, "the last clients");
  }
}
