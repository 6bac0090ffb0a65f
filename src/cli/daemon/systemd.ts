/**
 * systemd as the keeper of a workspace's daemon: the text of the unit, its name and place, and the one call of
 * systemctl. With systemd, systemd is the supervisor: the unit runs the kernel in the foreground (`nerve run`), whose
 * lines go to the journal; a supervisor of our own in between would only hide deaths from it.
 */
import { basename, join } from "node:path";
import { daemonStopMaxMs, deathsMax, deathWindowMs } from "../../base/limits.ts";
import { buildInstalledCommand } from "./installation.ts";

// Where a static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

export interface SystemdUnit {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** The unit of the workspace at `root`. `env` is that of whoever installs it. */
export function createSystemdUnit(root: string, env: Readonly<Record<string, string | undefined>>): SystemdUnit {
  const slug = basename(root).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "workspace";
  const name = `nerve-${slug.slice(0, 40)}-${createHash("sha256").update(root).digest("hex").slice(0, 6)}.service`;
  const config = env["XDG_CONFIG_HOME"] || join(env["HOME"] ?? "/", ".config");
  return { name, path: join(config, "systemd", "user", name), text: unitText(root, env) };
}

function unitText(root: string, env: Readonly<Record<string, string | undefined>>): string {
  const command = [...buildInstalledCommand(env), "run", "--workspace", root].map(quoted).join(" ");
  // A user's unit has a bare PATH: programs that senses may run would not be found. The cache is where packages are.
  const kept = ["PATH", "DENO_DIR"].filter((name) => env[name]);
  return [
    "[Unit]",
    `Description=nerve: ${root.replaceAll("%", "%%")}`,
    `StartLimitIntervalSec=${deathWindowMs / 1_000}`,
    `StartLimitBurst=${deathsMax}`,
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${command}`,
    ...kept.map((name) => `Environment=${quoted(`${name}=${env[name]}`)}`),
    "Restart=on-failure",
    "RestartSec=1",
    // The processes of senses and workflows get their end from the kernel; what is left after it goes with the unit.
    "KillMode=mixed",
    `TimeoutStopSec=${daemonStopMaxMs / 1_000}`,
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}

/** As systemd reads one word: in quotes, with its own two signs doubled. */
function quoted(word: string): string {
  const text = word.replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return /^[\w@%+=:,./$-]+$/.test(text) ? text : `"${text}"`;
}

export interface SystemctlResult {
  readonly ok: boolean;
  /** What it printed, on either stream. */
  readonly text: string;
}

/** Runs `systemctl --user`; null when there is no such program. */
export async function runSystemctl(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<SystemctlResult | null> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  try {
    const { code, stdout, stderr } = await new Deno.Command("systemctl", {
      args: ["--user", "--no-pager", ...args],
      env: Object.fromEntries(given),
    }).output();
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim()).filter((part) => part !== "");
    return { ok: code === 0, text: text.join("\n") };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** Why systemd cannot be used here, or null when it can: it is not there, or this user has no manager of their own. */
export async function findSystemdProblem(env: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  const answer = await runSystemctl(["show-environment"], env);
  if (answer === null) return "systemctl is not installed";
  return answer.ok ? null : answer.text.split("\n")[0] || "systemctl --user does not answer";
}
