/**
 * Durable runs of three roles that do nothing, on the local engine and on Restate: 64 in flight, and one at a time; and one
 * at a time of three roles that take 10 or 50 ms each.
 * Floor, for Restate: a hand-written Restate workflow of the same three steps, at the same server in the same minute.
 * Not measured: a cluster of servers, the network, the work of roles.
 */
import * as restate from "@restatedev/restate-sdk/fetch";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { findRestate, freePorts, type RestateServers, startRestate } from "../support/restate.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { inFlight, runRate, workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, percentile, repeated, timed } from "./figure.ts";

const runs = 200, single = 50, workMs = [10, 50] as const;

export async function* figures(): Figures {
  const found = await findRestate();
  if ("missing" in found) throw new Error(found.missing);
  await using servers = await startRestate(found.program);
  await using local = await startOn(null), remote = await startOn(servers);
  await using bare = await serveBare(servers);
  for (const workspace of [local, remote]) await runRate(workspace, 100);
  await bareRate(bare, 100);
  // In turns: the machine does not stay the same.
  const rates = { local: [] as number[], remote: [] as number[], bare: [] as number[] };
  const spans = { local: [] as number[], remote: [] as number[], bare: [] as number[] };
  const slow = workMs.map((ms) => ({ ms, remote: [] as number[], bare: [] as number[] }));
  for (const { ms } of slow) await oneRun(remote, `w${ms}`);
  for (let round = 0; round < 3; round++) {
    rates.local.push(await runRate(local, runs));
    rates.bare.push(await bareRate(bare, runs));
    rates.remote.push(await runRate(remote, runs));
    spans.local.push(...await repeated(single, () => oneRun(local)));
    spans.bare.push(...await repeated(single, () => bare.run()));
    spans.remote.push(...await repeated(single, () => oneRun(remote)));
    for (const { ms, remote: ours, bare: byHand } of slow) {
      byHand.push(...await repeated(single / 5, () => bare.run(ms)));
      ours.push(...await repeated(single / 5, () => oneRun(remote, `w${ms}`)));
    }
  }
  yield figure(`runs of 3 roles on the local engine, ${inFlight} in flight`, "runs/s", rates.local, null);
  yield figure(`runs of 3 roles on Restate, ${inFlight} in flight`, "runs/s", rates.remote, median(rates.bare));
  for (const percent of [50, 99] as const) {
    const of = (times: readonly number[]) => percentile(times, percent);
    yield figure(`one run of 3 roles on the local engine, p${percent}`, "ms", [of(spans.local)], null);
    yield figure(`one run of 3 roles on Restate, p${percent}`, "ms", [of(spans.remote)], of(spans.bare));
  }
  for (const { ms, remote: ours, bare: byHand } of slow) {
    yield figure(
      `one run of 3 roles of ${ms} ms on Restate, p50`,
      "ms",
      [percentile(ours, 50)],
      percentile(byHand, 50),
    );
  }
  yield figure("memory of the server after all runs", "MiB", [servers.nodes[0]?.memoryMiB() ?? NaN], null);
}

async function startOn(servers: RestateServers | null): Promise<WorkspaceFixture> {
  const settings = { concurrency: inFlight, overflow: "queue", max_queue: 10_000 };
  if (servers === null) {
    return await startWorkspace({ yaml: { workflows: { w: settings } }, workflows: { w: workflowOf(3) } });
  }
  const [node] = servers.nodes, [port] = freePorts(1), { identity } = servers;
  const engine = { kind: "restate", ingress: node?.ingress, admin: node?.admin, listen: `127.0.0.1:${port}`, identity };
  const on = { ...settings, engine: "cluster" }, slow = workMs.map((ms) => [`w${ms}`, slowly(workflowOf(3), ms)]);
  const workflows: Record<string, string> = { w: workflowOf(3), ...Object.fromEntries(slow) };
  const all = Object.fromEntries(Object.keys(workflows).map((name) => [name, on]));
  return await startWorkspace({ yaml: { engines: { cluster: engine }, workflows: all }, workflows });
}

/** The same roles, each of which takes so long. */
function slowly(workflow: string, ms: number): string {
  const role = `const role = async () => { await new Promise((done) => setTimeout(done, ${ms})); return {`;
  return workflow.replace("const role = () => ({", role).replace("meta: {} });", "meta: {} }; };");
}

async function oneRun({ kernel }: WorkspaceFixture, workflow = "w"): Promise<number> {
  return await timed(async () => {
    const { runId } = await kernel.startWorkflow(workflow);
    await kernel.api.runEnded(runId, new AbortController().signal);
  });
}

interface Bare extends AsyncDisposable {
  /** Milliseconds of one run whose steps take so long. */
  run(ms?: number): Promise<number>;
}

/** What one would write by hand for these three steps. */
async function serveBare({ nodes, identity }: RestateServers): Promise<Bare> {
  const workflow = restate.workflow({
    name: "bare",
    handlers: {
      run: async (ctx: restate.WorkflowContext, { ms }: { readonly ms: number }) => {
        for (let round = 1; round <= 3; round++) {
          await ctx.run(`round ${round}`, async () => {
            if (ms > 0) await delay(systemClock, ms);
            return { role: `role${round}`, content: "done", meta: {} };
          });
        }
        return { rounds: 3 };
      },
    },
  });
  const answer = restate.createEndpointHandler({
    services: [workflow],
    bidirectional: true,
    identityKeys: [identity],
    logger: () => {},
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => answer(request));
  const { ingress = "", admin = "" } = nodes[0] ?? {}, uri = `http://127.0.0.1:${server.addr.port}/`;
  const headers = { "content-type": "application/json" };
  const added = await fetch(`${admin}/deployments`, { method: "POST", headers, body: JSON.stringify({ uri }) });
  if (!added.ok) throw new Error(`the bare workflow is not registered: ${await added.text()}`);
  await added.body?.cancel();
  let ids = 0;
  return {
    run: (ms = 0) =>
      timed(async () => {
        const body = JSON.stringify({ ms });
        const response = await fetch(`${ingress}/bare/run-${++ids}/run`, { method: "POST", headers, body });
        if (!response.ok) throw new Error(await response.text());
        await response.json();
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function bareRate(bare: Bare, count: number): Promise<number> {
  let remaining = count;
  const ms = await timed(() =>
    Promise.all(Array.from({ length: inFlight }, async () => {
      while (remaining-- > 0) await bare.run();
    }))
  );
  return count / ms * 1_000;
}
