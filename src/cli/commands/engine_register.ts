/** `nerve engine register`: registers the daemon with the server of an engine, and reports what is wrong. */
import { type CliIo, exit } from "../io.ts";
import { printJson } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { printEngine } from "./engine_status.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function engineRegister(io: CliIo, flags: Flags, name: string): Promise<number> {
  using client = await connect(await openWorkspace(io, flags.workspace));
  const engine = await client.engines.register(name);
  if (flags.json) printJson(io, engine);
  else printEngine(io, engine);
  return engine.problem === null ? exit.ok : exit.failed;
}
