/**
 * Scripted agents behind the Agent Client Protocol, each a real process, in sessions of a daemon as users have it:
 * - 50 sessions that begin in one moment: how long that takes, and an answer of the kernel meanwhile. Then all of them wait
 *   for their agents: private memory of nerve's own processes for each, beside that without any, and their processor time.
 * - From a role's begin to the moment when the agent has its prompt. Floor: a line through a pipe to such a program.
 * - An agent that answers 100 MB: what the kernel's private memory grows by, and how late the ticks of a sense are while its
 *   program starts, and from its prompt on. Floor of the latter: the same without it.
 * Not measured: the agents' own processes, and what they do.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { systemLandlock } from "../../src/base/landlock.ts";
import { delay } from "../../src/base/time.ts";
import { scriptedAgent } from "../support/agent_world.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, median, percentile, timed } from "./figure.ts";
import { privateMiB } from "./memory.ts";
import { builtNerve } from "./nerve.ts";
import { latenessOf } from "./timetable.ts";

const sessions = 50, prompts = 200, idleSpanMs = 30_000, tickMs = 10;
/** Of 32 KiB each. */
const pieces = 3_200;

const workflow = `import { agent, defineWorkflow, END } from "nerve";
const ask = agent({ agent: "x", cwd: "work", prompt: ({ start }) =>
  start.prompt === "clock" ? "clock " + (performance.timeOrigin + performance.now()) : start.prompt });
export default defineWorkflow({
  roles: { ask },
  moderator: ({ start, messages }) => messages.length < (start.prompt === "clock" ? ${prompts} : 1) ? "ask" : END,
});
`;
const compute = "export const compute = ({ trigger }) => ({ late: Date.now() - trigger.due });\n";

export async function* figures(): Figures {
  await using workspace = await makeAgents();
  await using nerve = await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  await daemon.client.startRun("w", { runId: "warm", prompt: "say hello" });
  await daemon.client.run("warm", true);
  yield* wayOf(daemon);
  yield* flood(daemon, workspace);
  yield* idle(daemon);
}

/** From the role to the agent. */
async function* wayOf({ client }: BackgroundDaemon): Figures {
  await client.startRun("w", { runId: "clock", prompt: "clock", maxRounds: prompts + 1 });
  assert.equal((await client.run("clock", true)).status, "completed");
  const ways = (await client.messages("clock", { limit: prompts })).map(({ content }) => Number(content));
  assert.equal(ways.length, prompts);
  const floor = median(await pipeWays());
  for (const percent of [50, 99]) {
    yield figure(`from a role to its agent, p${percent}`, "ms", [percentile(ways, percent)], floor);
  }
}

/** The way of a line to a program that waits for it. */
async function pipeWays(): Promise<number[]> {
  const now = "performance.timeOrigin + performance.now()";
  const program = `for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream()))` +
    ` Deno.stdout.writeSync(new TextEncoder().encode(String(${now} - Number(chunk))));`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", program], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter(), reader = child.stdout.getReader(), ways: number[] = [];
  for (let n = 0; n < prompts; n++) {
    await writer.write(new TextEncoder().encode(String(performance.timeOrigin + performance.now())));
    ways.push(Number(new TextDecoder().decode((await reader.read()).value)));
  }
  await writer.close();
  await child.status;
  return ways;
}

async function* flood({ client }: BackgroundDaemon, { paths }: WorkspaceFixture): Figures {
  const { pid } = await client.health(), before = privateMiB(pid);
  const quietFrom = systemClock.now();
  await delay(systemClock, 5_000);
  const from = systemClock.now();
  await client.startRun("w", { runId: "flood", prompt: `flood ${pieces}` });
  let most = before, over = false;
  const ended = client.run("flood", true).then(({ status }) => {
    over = true;
    assert.equal(status, "completed");
  });
  while (!over) {
    most = Math.max(most, privateMiB(pid));
    await delay(systemClock, 50);
  }
  await ended;
  const until = systemClock.now(), size = `${pieces * 32 / 1024} MiB`;
  const [prompted] = await client.logs({ refId: "flood", type: "session.prompted" }), asked = prompted?.ts ?? NaN;
  const quiet = latenessOf(paths.logDatabase, quietFrom, from), late = latenessOf(paths.logDatabase, asked, until);
  const starting = latenessOf(paths.logDatabase, from, asked);
  yield figure("start of an agent: lateness of ticks, most", "ms", [percentile(starting, 100)], percentile(quiet, 100));
  yield figure(`an answer of ${size}: until it is taken`, "ms", [until - from], null);
  yield figure(`an answer of ${size}: the kernel grows meanwhile by`, "MiB", [most - before], null);
  for (const percent of [99, 100]) {
    const name = `an answer of ${size}: lateness of ticks, ${percent === 100 ? "most" : "p99"}`;
    yield figure(name, "ms", [percentile(late, percent)], percentile(quiet, percent));
  }
}

async function* idle(daemon: BackgroundDaemon): Figures {
  const { client } = daemon, before = await daemon.privateMiB();
  const ofCore = async () => {
    const cpu = await daemon.cpuMs(), from = systemClock.monotonic();
    await delay(systemClock, idleSpanMs);
    return (await daemon.cpuMs() - cpu) / (systemClock.monotonic() - from) * 100;
  };
  const without = await ofCore();
  const { length: earlier } = await client.logs({ type: "session.prompted", limit: 1_000 });
  const answers: number[] = [], from = systemClock.monotonic();
  for (let n = 0; n < sessions; n++) await client.startRun("w", { runId: `s${n}`, prompt: "hang" });
  while ((await client.logs({ type: "session.prompted", limit: 1_000 })).length < earlier + sessions) {
    answers.push(await timed(() => client.sense("tick")));
    await delay(systemClock, 50);
  }
  const begin = `${sessions} sessions that begin in one moment`;
  yield figure(`${begin}: until the last is prompted`, "ms", [systemClock.monotonic() - from], null);
  for (const percent of [50, 100]) {
    const name = `${begin}: an answer of the kernel meanwhile, ${percent === 100 ? "longest" : "p50"}`;
    yield figure(name, "ms", [percentile(answers, percent)], null);
  }
  await delay(systemClock, 12_000);
  const grown = await daemon.privateMiB() - before, share = await ofCore();
  const name = `${sessions} sessions that wait`;
  yield figure(`${name}: private memory of nerve's processes for each`, "MiB", [grown / sessions], null);
  yield figure(`${name}: nerve's processes, of one core`, "%", [share], without);
  for (let n = 0; n < sessions; n++) await client.killRun(`s${n}`, {});
}

async function makeAgents(): Promise<WorkspaceFixture> {
  const confined = systemLandlock() > 0 ? { read: scriptedAgent.slice(-1) } : { confine: "none" };
  const x = { protocol: "acp", command: [...scriptedAgent, "acp"], max_sessions: sessions, ...confined };
  return await makeWorkspace({
    yaml: {
      agents: { x },
      workflows: { w: { agents: ["x"], concurrency: sessions, max_rounds: 1_000 } },
      senses: { tick: {} },
      reflexes: [{ sense: "tick", interval: `${tickMs}ms` }],
    },
    senses: { tick: compute },
    workflows: { w: workflow },
    files: { "work/readme.txt": "" },
  });
}
