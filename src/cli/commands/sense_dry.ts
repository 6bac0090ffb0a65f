/** `nerve sense trigger NAME --dry`: one compute in the sandbox, on a copy of the database, without a daemon. */
import { join } from "node:path";
import { unknownSense } from "../../protocol/common_errors.ts";
import type { HandedSignal } from "../../protocol/signal.ts";
import { computeDry, type DryResult } from "../../deploy/dry_compute.ts";
import { copyDatabase } from "../../store/maintenance/backup.ts";
import { type CliIo, exit } from "../io.ts";
import { formatResult } from "../render/compute_text.ts";
import type { SenseDryOutput } from "../render/compute_schemas.ts";
import { clip, dim, preview, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function senseDry(
  io: CliIo,
  flags: Flags,
  name: string,
  signals: readonly HandedSignal[],
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), config = await requireConfig(paths);
  if (!config.senses.has(name)) throw unknownSense(name, config.senses.keys());
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-dry-" }));
  const interrupted = new AbortController(), cancel = io.onInterrupt(() => interrupted.abort());
  try {
    const database = join(folder, `${name}.db`), own = paths.senseDatabase(name);
    if (exists(own)) await copyDatabase(own, database);
    const result = await computeDry(config, paths, name, {
      ...{ clock: io.clock, signal: interrupted.signal, signals, database },
    });
    if (flags.json) printJson(io, { sense: name, ...result } satisfies SenseDryOutput);
    else printResult(io, name, result);
    const { kind } = result.outcome;
    return kind === "null" || kind === "signal" || kind === "workflow" ? exit.ok : exit.failed;
  } finally {
    cancel();
    await Deno.remove(folder, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function printResult(io: CliIo, name: string, { outcome, log }: DryResult): void {
  for (const { level, message, data } of log) {
    print(io, `${sign.log} ${level}: ${clip(message, 1_000)}${data === null ? "" : ` ${preview(data, 1_000)}`}`);
  }
  switch (outcome.kind) {
    case "signal":
      print(io, `${sign.signal} ${name} would signal ${preview(outcome.payload, 1_000)}`);
      if (outcome.warning !== null) print(io, `${sign.warning} ${clip(outcome.warning, 1_000)}`);
      break;
    case "workflow": {
      const { directive: { name: workflow, prompt }, payload } = outcome;
      print(io, `${sign.ok} ${name} would start ${workflow}: ${clip(prompt, 1_000)} ${preview(payload, 1_000)}`);
      break;
    }
    case "ended":
      print(io, `${sign.failed} ${name}: its process ${clip(outcome.message, 1_000)}`);
      break;
    default:
      print(io, formatResult(name, outcome));
  }
  print(io, dim(io, "dry: its database and the log are as before; what else its code did is real"));
}
