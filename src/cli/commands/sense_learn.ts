/** `nerve sense learn`: watches a sense and prints the smallest set of permissions that it needed. */
import { formatDuration } from "../../base/duration.ts";
import { toPrintable } from "../../base/printable.ts";
import { formatPermissionsYaml, type Learned } from "../../config/permissions/learned.ts";
import type { PermissionRequest } from "../../config/types.ts";
import { unknownSense } from "../../protocol/common_errors.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, sign, toPrintableLines } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly for?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const watchDefaultMs = 60_000;

export async function senseLearn(io: CliIo, flags: Flags, name: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), config = await requireConfig(paths);
  if (!config.senses.has(name)) throw unknownSense(name, config.senses.keys());
  const { learnPermissions } = await import("../../deploy/learn_permissions.ts");
  const forMs = flags.for ?? watchDefaultMs;
  const interrupted = new AbortController(), cancel = io.onInterrupt(() => interrupted.abort());
  if (!flags.json) print(io, dim(io, `watching ${name} for ${formatDuration(forMs)}; Ctrl-C ends it earlier`));
  const result = await learnPermissions(config, paths, name, { forMs, clock: io.clock, signal: interrupted.signal });
  cancel();
  if (flags.json) printJson(io, { sense: name, ...result });
  else {
    for (const error of result.errors) print(io, `${sign.warning} ${toPrintable(error)}`);
    if (result.ended !== null) print(io, `${sign.broken} ${toPrintable(result.ended)}`);
    print(io, `${sign.ok} ${plural(result.computes, "compute")} of ${name}; the smallest permissions:`);
    print(io, indent(formatPermissionsYaml(result.needed)));
    if (result.needed.unconfined === true) {
      print(
        io,
        dim(io, "   unconfined is as nerve.yaml has it: whether a program needs it, only a try without it tells"),
      );
    }
    printDifference(io, result);
  }
  return result.computes > 0 ? exit.ok : exit.failed;
}

function printDifference(io: CliIo, { missing, unused }: Learned): void {
  const lines = [...formatRequest("+", missing), ...formatRequest("-", unused)];
  if (lines.length === 0) return print(io, dim(io, "   nerve.yaml has the same permissions"));
  print(io, "differences to nerve.yaml:");
  for (const line of lines) print(io, `  ${toPrintable(line)}`);
  if (Object.keys(missing).length > 0) {
    print(
      io,
      dim(io, "   + was denied: review it, declare it, and learn again, since the sense may need more after it"),
    );
  }
  if (Object.keys(unused).length > 0) print(io, dim(io, "   - was not used while it was watched"));
}

function formatRequest(mark: string, request: PermissionRequest): string[] {
  return Object.entries(request).flatMap(([permission, wanted]) =>
    wanted === true ? [`${mark} ${permission}: everything`] : wanted.map((value) => `${mark} ${permission}: ${value}`)
  );
}

function indent(text: string): string {
  return toPrintableLines(text).split("\n").map((line) => `  ${line}`).join("\n");
}
