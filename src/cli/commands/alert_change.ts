/**
 * `nerve alert silence`, `unsilence` and `ack`: change an alert in the running daemon. NAME selects an alert, NAME=KEY
 * one of its keys.
 */
import type { AlertChanged } from "../../protocol/alert.ts";
import type { ControlClient } from "../../control/client/client.ts";
import { formatDuration } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, plural, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly comment?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

type Ask = (
  client: ControlClient,
  name: string,
  request: { key?: string; by: string; comment?: string },
) => Promise<AlertChanged>;

export async function alertSilence(
  io: CliIo,
  flags: Flags & { readonly for?: number | undefined },
  target: string,
): Promise<number> {
  const forMs = flags.for;
  await openWorkspace(io, flags.workspace);
  if (forMs === undefined) {
    throw new NerveError("USAGE", "nerve alert silence needs to know for how long", {
      hint: `nerve alert silence ${clip(target, 100)} --for 8h`,
    });
  }
  const ask: Ask = (client, name, request) => client.alerts.silence(name, { ...request, forMs });
  return await change(io, flags, target, ask, () => {
    return `${sign.asleep} ${clip(target, 100)} starts no workflow for ${formatDuration(forMs)}`;
  });
}

export async function alertUnsilence(io: CliIo, flags: Flags, target: string): Promise<number> {
  const ask: Ask = (client, name, request) => client.alerts.unsilence(name, request);
  return await change(io, flags, target, ask, ({ changed }) => {
    return changed === 0
      ? `${sign.idle} ${clip(target, 100)} was not silenced`
      : `${sign.ok} ${plural(changed, "silence")} ended`;
  });
}

export async function alertAck(io: CliIo, flags: Flags, target: string): Promise<number> {
  const ask: Ask = (client, name, request) => client.alerts.ack(name, request);
  return await change(io, flags, target, ask, ({ changed }) => {
    return changed === 0
      ? `${sign.idle} nothing of ${clip(target, 100)} fires that was not acknowledged`
      : `${sign.ok} ${plural(changed, "state")} acknowledged: no further notice until it resolves`;
  });
}

async function change(
  io: CliIo,
  flags: Flags,
  target: string,
  ask: Ask,
  describe: (changed: AlertChanged) => string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), at = target.indexOf("=");
  const name = at < 0 ? target : target.slice(0, at), key = at < 0 ? {} : { key: target.slice(at + 1) };
  const { comment } = flags, by = io.env["USER"] || io.env["LOGNAME"] || "command line";
  using client = await connect(paths);
  const changed = await ask(client, name, { ...key, by, ...comment === undefined ? {} : { comment } });
  if (flags.json) printJson(io, changed);
  else print(io, describe(changed));
  return exit.ok;
}
