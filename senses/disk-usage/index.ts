/**
 * How full the file system of a path is, according to `df`. Above its threshold it emits a signal, or starts a workflow
 * that frees space, if the configuration names one.
 */
import {
  defineSense,
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type WorkflowDirective,
} from "nerve";
import { parseDf } from "./df.ts";
import { readings } from "./schema.ts";

export interface DiskUsage {
  readonly path: string;
  /** The device or share, and where it is mounted. */
  readonly filesystem: string;
  readonly mount: string;
  /** Share of the space available to ordinary users, 0 to 1: what `df` prints as capacity. */
  readonly used: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

/** The most rounds that the workflow may take. */
const workflowRoundsMax = 10;

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  return readConfig(config, {
    path: option.text("/"),
    threshold: option.number(null, { min: 0, max: 1 }),
    workflow: option.text(null),
    keep: option.duration("30d"),
  });
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe(
  { db, signal, config: settings }: SenseContext<Settings>,
): Promise<DiskUsage | (DiskUsage & { workflow: WorkflowDirective }) | null> {
  const { path, threshold, workflow, keep } = settings;
  const usage: DiskUsage = { path, ...parseDf(await runDf(path, signal)) };
  db.insert(readings).values({ ts: new Date(), ...usage }).run();
  prune(db, readings, readings.ts, keep);
  if (threshold !== null && usage.used < threshold) return null;
  if (workflow === null) return usage;
  const prompt = `${path} is ${Math.round(usage.used * 100)}% full`;
  return { ...usage, workflow: { name: workflow, prompt, maxRounds: workflowRoundsMax } };
}

/** df hangs on a network share that is gone; `signal` ends it. Not from lib/, which this folder can do without. */
async function runDf(path: string, signal: AbortSignal): Promise<string> {
  // English messages; file names in any language unchanged.
  const env = { LC_ALL: "C.UTF-8" };
  const command = new Deno.Command("df", { args: ["-P", "-k", "--", path], env, stdin: "null", signal });
  const { success, code, stdout, stderr } = await command.output();
  signal.throwIfAborted();
  if (success) return new TextDecoder().decode(stdout);
  const [reason = ""] = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(`df failed for ${path}: ${reason || `exit code ${code}`}`);
}
