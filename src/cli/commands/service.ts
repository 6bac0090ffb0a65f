/** `nerve service install|uninstall|status`: runs the workspace as a systemd user service. */
import { dirname } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import { findUnsetVariables, hintUnset, readEnvFile, resolveEnvFile } from "../../config/environment.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, isRunning } from "../../daemon/discovery.ts";
import { daemonRunning, workspaceHeld } from "../../protocol/common_errors.ts";
import { createSystemdUnit, findSystemdProblem, runSystemctl, type SystemdUnit } from "../daemon/systemd.ts";
import { type CliIo, exit } from "../io.ts";
import type { ServiceStatusOutput } from "../render/json_schemas.ts";
import { dim, print, printJson, sign, toPrintableLines } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";
import { loadValidConfig } from "./start.ts";

interface Flags {
  readonly workspace?: string | undefined;
}

export async function install(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), unit = createSystemdUnit(paths.root, io.env);
  const why = await findSystemdProblem(io.env);
  if (why !== null) return printUnit(io, unit, why);
  const parsed = await loadValidConfig(io, paths);
  if (parsed === null) return exit.failed;
  await requireNoOtherDaemon(io, paths, unit);
  await Deno.mkdir(dirname(unit.path), { recursive: true });
  await Deno.writeTextFile(unit.path, unit.text);
  await mustRun(io, ["daemon-reload"]);
  await mustRun(io, ["enable", unit.name]);
  // Not `enable --now`, which would leave a running service with the old unit text.
  await mustRun(io, ["restart", unit.name]);
  print(io, `${sign.live} ${unit.name} runs ${toPrintable(paths.root)}, and starts with your session`);
  print(io, dim(io, `   unit: ${toPrintable(unit.path)}`));
  print(io, dim(io, `   text log: journalctl --user -u ${unit.name} -f`));
  warnOfVariables(io, paths, parsed);
  print(io, `${sign.next} to keep it running while you are logged out: loginctl enable-linger`);
  return exit.ok;
}

/** systemd starts the daemon without the variables of this shell: only those of env_file count. */
function warnOfVariables(io: CliIo, paths: WorkspacePaths, { config }: ParsedConfig): void {
  const found = readEnvFile(resolveEnvFile(config, paths.root), paths);
  for (const { of, variable } of findUnsetVariables(config, found.kind === "read" ? found.variables : {})) {
    const hint = hintUnset(config.envFile ?? ".env (env_file: .env in nerve.yaml)");
    print(io, `${sign.warning} ${of}: ${variable} is granted, and the service does not have it: ${hint}`);
  }
}

/** Only the unit goes to stdout, so that it can be redirected to a file. */
function printUnit(io: CliIo, unit: SystemdUnit, why: string): number {
  io.stdout.write(unit.text);
  io.stderr.write(`${sign.failed} nothing was installed: ${toPrintable(why)}\n`);
  io.stderr.write(`   on a machine with systemd, put this unit into ${toPrintable(unit.path)}, then:\n`);
  io.stderr.write(`   systemctl --user daemon-reload && systemctl --user enable --now ${unit.name}\n`);
  io.stderr.write("   without systemd: nerve start keeps the daemon running until the machine shuts down\n");
  return exit.failed;
}

/** The service's own daemon may run, since it is replaced. Throws DAEMON_RUNNING for any other daemon. */
async function requireNoOtherDaemon(io: CliIo, paths: WorkspacePaths, unit: SystemdUnit): Promise<void> {
  const found = findDaemon(paths);
  if (!isRunning(found) || (await runSystemctl(["is-active", unit.name], io.env))?.ok === true) return;
  if (found.kernel !== null) throw workspaceHeld(paths.root, found.kernel, { hint: "nerve stop" });
  throw daemonRunning(paths.root, found.supervised?.supervisor.pid ?? "unknown", { hint: "nerve stop" });
}

export async function uninstall(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), unit = createSystemdUnit(paths.root, io.env);
  if (!isInstalled(unit)) {
    print(io, `${sign.idle} ${unit.name} is not installed`);
    return exit.ok;
  }
  const why = await findSystemdProblem(io.env);
  if (why === null) await mustRun(io, ["disable", "--now", unit.name]);
  await Deno.remove(unit.path);
  if (why === null) await mustRun(io, ["daemon-reload"]);
  print(io, `${sign.ok} ${unit.name} was ${why === null ? "stopped and " : ""}removed; the workspace was not touched`);
  return exit.ok;
}

export async function serviceStatus(io: CliIo, flags: Flags & { readonly json: boolean }): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), unit = createSystemdUnit(paths.root, io.env);
  const why = await findSystemdProblem(io.env), installed = isInstalled(unit);
  const ask = async (what: string) =>
    why === null ? (await runSystemctl([what, unit.name], io.env))?.text ?? null : null;
  const document: ServiceStatusOutput = {
    unit: unit.name,
    path: unit.path,
    installed,
    enabled: await ask("is-enabled"),
    active: await ask("is-active"),
    problem: why,
  };
  const runs = installed && document.active === "active";
  if (flags.json) printJson(io, document);
  else {
    const state = why ?? (installed ? `${document.active}, ${document.enabled}` : "not installed");
    print(io, `${runs ? sign.live : sign.idle} ${unit.name}: ${toPrintable(state)}`);
    if (!runs) print(io, `${sign.next} ${installed ? `journalctl --user -u ${unit.name}` : "nerve service install"}`);
  }
  return runs ? exit.ok : why === null ? exit.noDaemon : exit.failed;
}

function isInstalled(unit: SystemdUnit): boolean {
  return ifPresent(() => Deno.statSync(unit.path).isFile) ?? false;
}

async function mustRun(io: CliIo, args: readonly string[]): Promise<void> {
  const answer = await runSystemctl(args, io.env);
  if (answer?.ok === true) return;
  const output = toPrintableLines(answer?.text ?? "systemctl is not installed");
  throw new NerveError("STORE_FAILED", `systemctl --user ${args.join(" ")} failed: ${output}`, {
    hint: `systemctl --user status ${args.at(-1) ?? ""}`,
  });
}
