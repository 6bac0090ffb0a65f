/**
 * Runs a workspace's daemon under systemd: the unit's text, name and path, and the calls of systemctl. Used by
 * cli/commands/service.ts. systemd is then the supervisor: the unit runs the kernel in the foreground (`nerve run`) and
 * its output goes to the journal. Our own supervisor in between would only hide the kernel's deaths from systemd.
 */
import { basename, join } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { daemonStopMaxMs, deathsMax, deathWindowMs, kernelBeatMissesMax, kernelBeatMs } from "../../base/limits.ts";
import { trustVariable } from "../../base/ownership.ts";
import { buildInstalledCommand } from "./installation.ts";

// Imported dynamically: a static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

export interface SystemdUnit {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** The unit of the workspace at `root`. `env` is the environment of the user who installs it. */
export function createSystemdUnit(root: string, env: Readonly<Record<string, string | undefined>>): SystemdUnit {
  const slug = basename(root).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "workspace";
  const name = `nerve-${slug.slice(0, 40)}-${createHash("sha256").update(root).digest("hex").slice(0, 6)}.service`;
  return { name, path: join(findUnitFolder(env), name), text: createUnitText(root, env) };
}

/** A unit that `nerve service install` of this nerve wrote, for any workspace. */
export interface InstalledUnit {
  readonly name: string;
  readonly path: string;
}

/** `executable`: the installed file, which a unit may also name by its real path. */
export function listInstalledUnits(
  env: Readonly<Record<string, string | undefined>>,
  executable: string | null,
): InstalledUnit[] {
  const folder = findUnitFolder(env),
    commands = [buildInstalledCommand(env), ...executable === null ? [] : [[executable]]];
  const starts = commands.map((words) => `\nExecStart=${words.map(quoteWord).join(" ")} run --workspace `);
  const entries = ifPresent(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.filter(({ name, isFile }) => isFile && /^nerve-.*\.service$/.test(name))
    .map(({ name }) => ({ name, path: join(folder, name) }))
    .filter(({ path }) => {
      const text = Deno.readTextFileSync(path);
      return starts.some((start) => text.includes(start));
    });
}

function findUnitFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env["XDG_CONFIG_HOME"] || join(env["HOME"] ?? "/", ".config"), "systemd", "user");
}

function createUnitText(root: string, env: Readonly<Record<string, string | undefined>>): string {
  const command = [...buildInstalledCommand(env), "run", "--workspace", root].map(quoteWord).join(" ");
  // A user unit gets a minimal PATH, on which programs that senses run may be missing. DENO_DIR has the packages.
  const kept = ["PATH", "DENO_DIR", trustVariable].filter((name) => env[name]);
  return [
    "[Unit]",
    `Description=nerve: ${root.replaceAll("%", "%%")}`,
    `StartLimitIntervalSec=${deathWindowMs / 1_000}`,
    `StartLimitBurst=${deathsMax}`,
    "",
    "[Service]",
    // The daemon notifies systemd that it is ready, and that it is alive (daemon/service_manager.ts).
    "Type=notify",
    "NotifyAccess=main",
    `WatchdogSec=${kernelBeatMs * kernelBeatMissesMax / 1_000}`,
    `ExecStart=${command}`,
    "# Variables of senses and workflows do not belong here: env_file in nerve.yaml names a file of them.",
    ...kept.map((name) => `Environment=${quoteWord(`${name}=${env[name]}`)}`),
    "Restart=on-failure",
    "RestartSec=1",
    // The kernel ends the processes of senses and workflows; systemd kills those that outlive it.
    "KillMode=mixed",
    `TimeoutStopSec=${daemonStopMaxMs / 1_000}`,
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}

/** Quotes a word for a unit file, in which `%` and `$` are escaped by doubling them. */
function quoteWord(word: string): string {
  const text = word.replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return /^[\w@%+=:,./$-]+$/.test(text) ? text : `"${text}"`;
}

export interface SystemctlResult {
  readonly ok: boolean;
  /** Its output, stdout first, then stderr. */
  readonly text: string;
}

/** Runs `systemctl --user`. Null when systemctl is not installed. */
export async function runSystemctl(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<SystemctlResult | null> {
  const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  try {
    const { code, stdout, stderr } = await new Deno.Command("systemctl", {
      args: ["--user", "--no-pager", ...args],
      env: Object.fromEntries(defined),
    }).output();
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim()).filter((part) => part !== "");
    return { ok: code === 0, text: text.join("\n") };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** Why systemd cannot be used here, or null when it can. It may be missing, or this user may have no user manager. */
export async function findSystemdProblem(env: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  const answer = await runSystemctl(["show-environment"], env);
  if (answer === null) return "systemctl is not installed";
  return answer.ok ? null : answer.text.split("\n")[0] || "systemctl --user does not answer";
}
