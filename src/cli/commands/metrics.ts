/** `nerve metrics`: the daemon's metrics, in the text format of Prometheus. */
import { formatMetrics } from "../../protocol/metrics.ts";
import { type CliIo, exit } from "../io.ts";
import { print } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly workspace?: string | undefined;
}

export async function metrics(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const [health, senses, workflows, { items: hooks }] = await Promise.all([
    client.health(),
    client.senses(),
    client.workflows(),
    client.hooks(),
  ]);
  print(io, formatMetrics(health, senses, workflows, hooks).trimEnd());
  return exit.ok;
}
