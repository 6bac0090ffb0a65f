/**
 * The control API of a real daemon under 16 connections: reading a run's status (one indexed query), and a trigger,
 * which is committed before the reply. Needs a C compiler for its client, tools/http_load.c.
 * Floor, with the same client: for the status, Deno's own server with one short answer (tools/bare_server.ts); for the
 * trigger, node:http and a row in one commit with the requests that came with it (tools/bare_trigger.ts).
 * Not measured: event streams, large answers, clients in JavaScript.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { fromFileUrl, join } from "../support/paths.ts";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { compiled } from "./compiled.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, repeated } from "./figure.ts";
import { builtNerve } from "./nerve.ts";

const connections = 16;

interface Load {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

export async function* figures(): Figures {
  const client = await compiled("http_load.c", "http_load", []);
  if (client === null) return;
  await using workspace = await makeWorkspace({
    senses: { s: "export const compute = () => null;\n" },
    workflows: { w: workflowOf(1) },
  });
  const bare = {
    status: await bareLoad(client, "bare_server.ts", join(workspace.root, "status.sock"), "GET"),
    trigger: await bareLoad(client, "bare_trigger.ts", join(workspace.root, "trigger.sock"), "POST"),
  };
  await using nerve = await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const { socket } = workspace.paths;
  const { runId } = await daemon.client.startRun("w", {});
  const requests = { status: ["GET", `/v1/runs/${runId}`], trigger: ["POST", "/v1/senses/s/trigger"] } as const;
  for (const name of ["status", "trigger"] as const) {
    const [method, path] = requests[name], floor = bare[name];
    await load(client, socket, 1, method, path);
    const loads = await repeated(3, () => load(client, socket, 1.5, method, path));
    const of = (key: keyof Load) => loads.map((each) => each[key]);
    yield figure(`API: ${name}, ${connections} connections`, "requests/s", of("rate"), floor.rate);
    yield figure(`API: ${name}, ${connections} connections, p99`, "ms", of("p99"), floor.p99);
  }
}

async function load(client: string, socket: string, seconds: number, method: string, path: string): Promise<Load> {
  const args = [socket, String(connections), String(seconds), method, path];
  const { code, stdout, stderr } = await new Deno.Command(client, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(text(stderr));
  const [rate = NaN, p50 = NaN, p99 = NaN] = text(stdout).split(" ").map(Number);
  return { rate, p50, p99 };
}

async function bareLoad(client: string, tool: string, socket: string, method: string): Promise<Load> {
  const server = fromFileUrl(new URL(`./tools/${tool}`, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--quiet", server, socket] }).spawn();
  try {
    while (!await exists(socket)) await delay(systemClock, 10);
    await load(client, socket, 0.5, method, "/");
    const loads = await repeated(3, () => load(client, socket, 1, method, "/"));
    const of = (key: keyof Load) => median(loads.map((each) => each[key]));
    return { rate: of("rate"), p50: of("p50"), p99: of("p99") };
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
