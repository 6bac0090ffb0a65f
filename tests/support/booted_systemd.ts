/**
 * A real systemd, the first process in namespaces of its own, with units of the test, and computes of a library sense
 * beside it. It needs root; nothing else on the machine sees it. This module is also the program that computes.
 */
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { enterGroup, removeGroup } from "./control_group.ts";
import { hasProgram, tellIgnored } from "./debian.ts";
import { type Config, type Grants, type Outcome, QuietSense } from "./library.ts";
import { canMount } from "./mounts.ts";
import { repository } from "./source_files.ts";

/** A step, in order: a command that must succeed, a compute, or a statement on the sense's database. */
export type Step =
  | { readonly run: readonly string[] }
  | { readonly compute: Config }
  | { readonly sql: string };

interface Request {
  readonly sense: string;
  readonly grants: Grants | null;
  readonly steps: readonly Step[];
}

const program = "/lib/systemd/systemd";

/** A /run of its own, with the test's units. */
const inner = `set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/user /run/user/0
cp -R "$1"/units/* /run/systemd/system
printf '[Unit]\\nDefaultDependencies=no\\n' > /run/systemd/user/quiet.target
mount -t cgroup2 none /sys/fs/cgroup
export container=nerve-test
exec ${program} --system --unit=quiet.target --show-status=no --log-target=null`;

/** Keeps the system's own units from starting with the test's units. */
const alone = "[Unit]\nDefaultDependencies=no\n";
const quiet = Object.fromEntries(["service", "timer", "socket"].map((kind) => [`${kind}.d/quiet.conf`, alone]));

export class BootedSystemd implements AsyncDisposable {
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "nerve-units-" });
  readonly #group: string = `nerve-test-${crypto.randomUUID()}`;
  readonly #child: Deno.ChildProcess;
  #pid = 0;

  private constructor(units: Readonly<Record<string, string>>) {
    const ready = `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo ready > ${this.#folder}/ready'\n`;
    const files = { "quiet.target": `${alone}Wants=ready.service\n`, "ready.service": ready, ...quiet };
    for (const [name, text] of Object.entries({ ...files, ...units })) {
      const path = `${this.#folder}/units/${name}`;
      Deno.mkdirSync(dirname(path), { recursive: true });
      Deno.writeTextFileSync(path, text);
    }
    new Deno.Command("mkfifo", { args: [`${this.#folder}/ready`] }).outputSync();
    const own = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"].join(" ");
    const outer = `${enterGroup(this.#folder, this.#group)}exec unshare ${own} sh -c "$2" sh "$1"`;
    const args = ["--mount", "sh", "-c", outer, "sh", this.#folder, inner];
    this.#child = new Deno.Command("unshare", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  /** Null where it cannot be started. */
  static async boot(units: Readonly<Record<string, string>> = {}): Promise<BootedSystemd | null> {
    const booted = new BootedSystemd(units);
    if (await booted.#isUp()) return booted;
    await booted[Symbol.asyncDispose]();
    return null;
  }

  /** Whether it is up, which its first unit reports. */
  async #isUp(): Promise<boolean> {
    const args = ["-n", "1", `${this.#folder}/ready`];
    const reader = new Deno.Command("head", { args, stdout: "piped", stderr: "null" }).spawn();
    const isUp = await Promise.race([
      reader.output().then(({ success }) => success),
      this.#child.status.then(() => false),
    ]);
    if (!isUp) {
      reader.kill("SIGKILL");
      return false;
    }
    const children = Deno.readTextFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`);
    this.#pid = Number(children.trim());
    return this.#pid > 0;
  }

  #enter(command: readonly string[]): Promise<Deno.CommandOutput> {
    const spaces = ["--mount", "--pid", "--cgroup", "--uts", "--ipc"];
    const args = ["--target", `${this.#pid}`, ...spaces, "--", ...command];
    return new Deno.Command("nsenter", { args, env: { XDG_RUNTIME_DIR: "/run/user/0" }, stdin: "null" }).output();
  }

  async systemctl(...args: string[]): Promise<string> {
    const { stdout } = await this.#enter(["systemctl", ...args]);
    return new TextDecoder().decode(stdout);
  }

  /** Polls until the output of systemctl matches: a thousand times, which takes many seconds. */
  async until(wanted: RegExp, ...args: string[]): Promise<void> {
    for (let tries = 0; tries < 1_000; tries++) if (wanted.test(await this.systemctl(...args))) return;
    throw new Error(`systemctl ${args.join(" ")} prints something else: ${await this.systemctl(...args)}`);
  }

  /** Returns the outcomes of the computes; with null, `grants` are those of the README. */
  async compute(sense: string, grants: Grants | null, ...steps: Step[]): Promise<Outcome[]> {
    const own = fileURLToPath(import.meta.url), config = `${repository}/deno.json`;
    const deno = ["run", "-A", "--no-prompt", "--cached-only", "--no-check", "--quiet", "--config", config, own];
    const request = JSON.stringify({ sense, grants, steps } satisfies Request);
    const { success, stdout, stderr } = await this.#enter([Deno.execPath(), ...deno, request]);
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await removeGroup(this.#group);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Found out by trying. */
export async function canBootSystemd(): Promise<boolean> {
  if (!canMount || !await hasProgram("systemctl", "systemd")) return false;
  await using booted = await BootedSystemd.boot();
  if (booted === null) {
    tellIgnored("systemd does not start in namespaces of its own here: the tests that need it are ignored");
  }
  return booted !== null;
}

async function main({ sense: name, grants, steps }: Request): Promise<void> {
  const outcomes: Outcome[] = [];
  await using sense = grants === null ? new QuietSense(name) : new QuietSense(name, grants);
  for (const step of steps) {
    if ("compute" in step) outcomes.push(await sense.compute(step.compute));
    else if ("sql" in step) {
      using database = new DatabaseSync(sense.database);
      outcomes.push({ kind: "value", value: database.prepare(step.sql).all() });
    } else {
      const [command = "", ...args] = step.run;
      const { success, stderr } = await new Deno.Command(command, { args }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
    }
  }
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(outcomes)));
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? ""));
