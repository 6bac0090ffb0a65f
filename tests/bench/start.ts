/**
 * From the start of a command to what its user waits for: its version, a listing with and without a daemon, `nerve run`
 * until its socket answers and until a sense has signalled; and from the start of a group's process to the answer of
 * its first compute. All but the last with the executable that `deno task build` makes, as users have it. (A clone
 * loads its modules one by one, which takes 50 ms more; the portable form, which is what this machine can build, starts
 * through a shell, 2 ms.)
 * Floor: Deno with an empty program, plus one more such start for each further process.
 * The daemon has computed and answered the same request before: its first answers take 20 to 40 ms more.
 * Not measured: a cold disk, the first start after an installation (Deno then compiles and caches), workspaces of more
 * than one sense.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { ControlClient } from "../../src/control/client/client.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";
import { startWorkspace } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, median, timed } from "./figure.ts";
import { builtNerve, command, commandMs, type Nerve } from "./nerve.ts";

/** The duration of a Deno process that does nothing, in milliseconds. */
export async function emptyStartMs(root: string): Promise<number> {
  const path = `${root}/empty.ts`;
  await Deno.writeTextFile(path, "");
  const args = ["run", "-A", "--quiet", "--no-prompt", "--cached-only", path];
  return await timed(() => new Deno.Command(Deno.execPath(), { args, cwd: root }).output());
}

const files = {
  "nerve.yaml": "senses: { s: {} }\nreflexes: [{ sense: s, interval: 1h }]\n",
  "senses/s/index.ts": "export const compute = () => ({ ok: true });\n",
};

export async function* figures(): Figures {
  await using nerve = await builtNerve();
  const values = new Map<string, number[]>(), floors: number[] = [];
  const add = (name: string, value: number) => values.set(name, [...values.get(name) ?? [], value]);
  for (let round = 0; round < 7; round++) {
    await inTempDir(async (root) => {
      await writeWorkspace(root, files);
      floors.push(await emptyStartMs(root));
      add("nerve version", await commandMs(nerve, ["version"], root));
      add("nerve sense list, no daemon", await commandMs(nerve, ["sense", "list"], root));
      const { socketMs, signalMs } = await runMs(nerve, root);
      add("nerve run to its socket answering", socketMs);
      add("nerve run to the first signal", signalMs);
      await using _ = await BackgroundDaemon.start(workspacePaths(root), nerve);
      // Its next tick is in an hour: schedules outlive the daemon.
      await commandMs(nerve, ["sense", "trigger", "s", "--wait"], root);
      await commandMs(nerve, ["sense", "list"], root);
      add("nerve sense list", await commandMs(nerve, ["sense", "list"], root));
    });
  }
  // The first round fills caches.
  const floor = median(floors.slice(1));
  for (const [name, spans] of values) {
    yield figure(name, "ms", spans.slice(1), name.endsWith("signal") ? 2 * floor : floor);
  }
  yield figure("start of a group's process to its first outcome", "ms", await groupStarts(), floor);
}

/**
 * Milliseconds from the start of `nerve run` to its first answer, and to its first signal unless it is stopped before.
 */
export async function runMs(
  nerve: Nerve,
  root: string,
  stopAtSocket: boolean = false,
): Promise<{ socketMs: number; signalMs: number }> {
  const from = systemClock.monotonic();
  const child = command(nerve, ["run"], root).spawn();
  const signalled = firstLine(child.stdout, /📡|signal/).then(() => systemClock.monotonic() - from);
  const { socket } = workspacePaths(root);
  while (!await connects(socket)) await delay(systemClock, 1);
  using client = new ControlClient(socket);
  await client.health();
  const socketMs = systemClock.monotonic() - from;
  if (stopAtSocket) child.kill("SIGTERM");
  const signalMs = stopAtSocket ? NaN : await signalled;
  if (!stopAtSocket) child.kill("SIGTERM");
  await child.status;
  return { socketMs, signalMs };
}

async function connects(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.ConnectionRefused) return false;
    throw thrown;
  }
}

/**
 * Resolves at the first matching line; the rest is read and dropped, so that the process never blocks on its output.
 */
async function firstLine(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  (async () => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) if (pattern.test(text)) resolve();
  })();
  await promise;
}

/** Milliseconds from the trigger of a sense without a process to its outcome. */
export async function groupStarts(): Promise<number[]> {
  const names = Array.from({ length: 8 }, (_, index) => `s${index}`);
  const compute = "export const compute = () => ({ ok: true });\n";
  await using workspace = await startWorkspace({ senses: Object.fromEntries(names.map((name) => [name, compute])) });
  const spans: number[] = [];
  for (const name of names) spans.push(await timed(() => workspace.trigger(name)));
  return spans.slice(1);
}
