/** `nerve engine status`: whether engines answer, and where their runs are. */
import { hintNearest } from "../../base/did_you_mean.ts";
import { NerveError } from "../../base/errors.ts";
import type { EngineView } from "../../protocol/engine.ts";
import { type CliIo, exit } from "../io.ts";
import type { EngineStatusOutput } from "../render/engine_schemas.ts";
import { clip, dim, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function engineStatus(io: CliIo, flags: Flags, name?: string): Promise<number> {
  using client = await connect(await openWorkspace(io, flags.workspace));
  const all = (await client.engines.list()).items;
  const items = all.filter((engine) => name === undefined || engine.name === name);
  if (name !== undefined && items.length === 0) {
    const hint = hintNearest(name, all.map((engine) => engine.name)) ?? "nerve engine list shows the names";
    throw new NerveError("ENGINE_UNKNOWN", `there is no engine ${name}`, { hint });
  }
  if (flags.json) printJson(io, { items } satisfies EngineStatusOutput);
  else {
    for (const engine of items) printEngine(io, engine);
    if (items.length === 0) print(io, dim(io, "nerve.yaml has no engines: every run is kept by the local one"));
  }
  return items.every(({ problem }) => problem === null) ? exit.ok : exit.failed;
}

/** Also called by `nerve engine register`. */
export function printEngine(io: CliIo, engine: EngineView): void {
  const { name, kind, version, ingress, endpoint, serving, parts, runs, problem, hint } = engine;
  const mark = problem !== null ? sign.broken : serving ? sign.live : sign.idle;
  print(io, `${mark} ${name}: ${kind}${version === null ? "" : ` ${version}`} at ${ingress.join(", ")}`);
  print(io, `   this daemon: ${endpoint}, ${serving ? `serves ${parts} of its parts` : "not registered yet"}`);
  print(io, `   workflows: ${engine.workflows.join(", ") || "none"}`);
  const waiting = runs.waiting === 0 ? "" : `, ${runs.waiting} of them wait for the server; nothing is lost`;
  print(io, `   runs: ${runs.here} here, ${runs.elsewhere} not in this daemon's hands${waiting}`);
  if (problem !== null) print(io, `   ${sign.warning} ${clip(problem, 300)}`);
  if (problem !== null && hint !== null) print(io, `   ${sign.next} ${clip(hint, 300)}`);
}
