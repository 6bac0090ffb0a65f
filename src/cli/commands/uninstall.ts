/**
 * `nerve uninstall`: removes nerve from this machine, for this user: services, completions, the executable, caches.
 * I1. It touches no workspace: no data, no configuration, no code.
 * I2. Nothing is removed under a running daemon. Services are stopped, since they are removed too.
 */
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { findInstalledParts, type InstalledParts, listUsers, removePart } from "../daemon/installed_parts.ts";
import { findSystemdProblem, runSystemctl } from "../daemon/systemd.ts";
import { type CliIo, exit } from "../io.ts";
import type { UninstallOutput } from "../render/json_schemas.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";

interface Flags {
  readonly dryRun: boolean;
  readonly json: boolean;
}

export async function uninstallNerve(io: CliIo, { dryRun, json }: Flags): Promise<number> {
  const found = await findInstalledParts(io);
  // `stopServices` ends services. If systemd does not answer, they are daemons like any other.
  const stoppable = dryRun || found.units.length === 0 || await findSystemdProblem(io.env) === null;
  const users = listUsers(io, stoppable ? found : { ...found, units: [] });
  const running = users.map(({ pid, workspace }) => `${workspace ?? "nerve"} (pid ${pid})`);
  if (running.length > 0 && !dryRun) throw stillRuns(running, users[0]?.workspace ?? null);
  // Modules that are loaded on demand must be loaded before the files are removed.
  if (!dryRun) await stopServices(io, found);
  const items = found.parts.map((part) => {
    const problem = dryRun ? null : removePart(part);
    return { ...part, removed: !dryRun && problem === null, problem };
  });
  if (!dryRun && found.units.length > 0) await runSystemctl(["daemon-reload"], io.env);
  const document: UninstallOutput = { dryRun, clone: found.executable === null, running, items };
  if (json) printJson(io, document);
  else show(io, document);
  return items.some(({ problem }) => problem !== null) ? exit.failed : exit.ok;
}

async function stopServices(io: CliIo, { units }: InstalledParts): Promise<void> {
  if (units.length === 0 || await findSystemdProblem(io.env) !== null) return;
  for (const { name } of units) {
    const answer = await runSystemctl(["disable", "--now", name], io.env);
    if (answer?.ok === true) continue;
    throw new NerveError(
      "STORE_FAILED",
      `${name} could not be stopped: ${toPrintable(answer?.text ?? "no systemctl")}`,
      {
        hint: `nothing was removed; systemctl --user status ${name}`,
      },
    );
  }
}

function stillRuns(running: readonly string[], workspace: string | null): NerveError {
  return new NerveError("DAEMON_RUNNING", `nerve still runs: ${running.join(", ")}`, {
    hint: `nothing was removed; first: nerve stop${workspace === null ? "" : ` --workspace ${workspace}`}`,
  });
}

function show(io: CliIo, { dryRun, clone, running, items }: UninstallOutput): void {
  for (const { what, path, problem } of items) {
    const mark = problem !== null ? sign.failed : dryRun ? sign.next : sign.ok;
    print(io, `${mark} ${what} ${toPrintable(path)}${problem === null ? "" : `: ${toPrintable(problem)}`}`);
  }
  for (const each of running) print(io, `${sign.warning} still runs, and must be stopped first: ${each}`);
  const done = items.filter(({ removed }) => removed).length;
  print(io, dryRun ? `${plural(items.length, "part")} would be removed` : `${plural(done, "part")} removed`);
  if (clone) print(io, dim(io, "   this nerve runs from a clone: its folder is yours to remove"));
  print(io, dim(io, "   workspaces are not touched: their folders are yours to keep or to remove"));
}
