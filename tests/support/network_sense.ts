/**
 * Computes a sense of the library in a network of its own, in which a test makes and removes interfaces: nothing else
 * on the machine sees them. It needs root.
 */
import { fileURLToPath } from "node:url";
import { ifPresent } from "../../src/base/if_present.ts";
import { type Config, type Outcome, TestSense } from "./library.ts";
import { repository } from "./source_files.ts";

/** A network with a matching view of /sys. */
const apart = ["--net", "--mount"];

export const hasNetworks: boolean = Deno.build.os === "linux" && Deno.uid() === 0 &&
  (ifPresent(() => {
    const args = [...apart, "sh", "-c", "mount -t sysfs none /sys && ip link add a0 type veth peer name b0"];
    return new Deno.Command("unshare", { args, stderr: "null" }).outputSync();
  })?.success ?? false);

export interface NetworkStep {
  /** Arguments of `ip`, one command after the other. */
  readonly ip: readonly string[];
  readonly config: Config;
  /** Compute again until `ok` has this value: the system reports a link a moment later. */
  readonly until?: boolean;
}

export async function computeInNetwork(sense: string, steps: readonly NetworkStep[]): Promise<Outcome[]> {
  const own = fileURLToPath(import.meta.url), config = `${repository}/deno.json`;
  const deno = ["run", "-A", "--no-prompt", "--cached-only", "--quiet", "--config", config, own];
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: [...apart, Deno.execPath(), ...deno, JSON.stringify({ sense, steps })],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function main({ sense: name, steps }: { sense: string; steps: readonly NetworkStep[] }): Promise<void> {
  await run("mount", "-t", "sysfs", "none", "/sys");
  await using sense = new TestSense(name);
  const outcomes: Outcome[] = [];
  for (const { ip, config, until } of steps) {
    for (const line of ip) await run("ip", ...line.split(" "));
    let outcome = await sense.compute(config);
    while (until !== undefined && outcome.kind === "value" && outcome.value.ok !== until) {
      outcome = await sense.compute(config);
    }
    outcomes.push(outcome);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(outcomes)));
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? ""));
