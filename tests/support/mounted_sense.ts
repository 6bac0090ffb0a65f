/**
 * Computes a sense of the library once where system files are replaced, such as /proc/meminfo of a container: in a
 * mount namespace of its own, so that nothing else on the machine sees them. It needs root (mounts.ts, canMount).
 */
import { createSocket } from "node:dgram";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, type Grants, type Outcome, TestSense } from "./library.ts";
import { repository } from "./source_files.ts";

export interface MountedCompute {
  readonly sense: string;
  readonly config?: Config;
  readonly grants?: Grants;
  /** The contents of these files. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders that are replaced, with these files and links. */
  readonly folders?: Readonly<Record<string, Readonly<Record<string, string | { readonly link: string }>>>>;
  /** Settings of a network of its own, which has only the loopback interface: `{ [path]: value }`. */
  readonly network?: Readonly<Record<string, string>>;
  /** A UDP port on 127.0.0.1 that takes everything and answers nothing. */
  readonly silentPort?: number;
  /** Files that are replaced by another file, after everything else: `{ [path]: other }`. */
  readonly same?: Readonly<Record<string, string>>;
}

export async function computeMounted(request: MountedCompute): Promise<Outcome> {
  const own = fileURLToPath(import.meta.url), config = `${repository}/deno.json`;
  const deno = ["run", "-A", "--no-prompt", "--cached-only", "--quiet", "--config", config, own];
  // A file may be longer than an argument.
  const given = Deno.makeTempFileSync({ prefix: "nerve-mounted-" });
  Deno.writeTextFileSync(given, JSON.stringify(request));
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: [
      "--mount",
      ...request.network === undefined ? [] : ["--net"],
      Deno.execPath(),
      ...deno,
      given,
    ],
  }).output();
  Deno.removeSync(given);
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main(
  { sense: name, config = {}, grants, files = {}, folders = {}, same = {}, network, silentPort }: MountedCompute,
): Promise<void> {
  for (const [folder, content] of Object.entries(folders)) {
    await mount(folder, "-t", "tmpfs", "none");
    for (const [name, what] of Object.entries(content)) {
      const path = join(folder, name);
      Deno.mkdirSync(dirname(path), { recursive: true });
      if (typeof what === "string") Deno.writeTextFileSync(path, what);
      else Deno.symlinkSync(what.link, path);
    }
  }
  for (const [path, text] of Object.entries(files)) {
    const file = Deno.makeTempFileSync();
    Deno.writeTextFileSync(file, text);
    await mount(path, "--bind", file);
  }
  if (network !== undefined) {
    const { success } = await new Deno.Command("ip", { args: ["link", "set", "lo", "up"] }).output();
    if (!success) throw new Error("cannot set up the loopback interface");
    for (const [path, value] of Object.entries(network)) Deno.writeTextFileSync(path, value);
  }
  for (const [path, other] of Object.entries(same)) await mount(path, "--bind", other);
  using _silent = silentPort === undefined ? null : await listenSilently(silentPort);
  await using sense = new TestSense(name, grants);
  const outcome = await sense.compute(config);
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(outcome)));
}

async function listenSilently(port: number): Promise<Disposable> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
  return { [Symbol.dispose]: () => void socket.close() };
}

async function mount(path: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("mount", { args: [...args, path] }).output();
  if (!success) throw new Error(`cannot mount over ${path}`);
}

if (import.meta.main) await main(JSON.parse(Deno.readTextFileSync(Deno.args[0] ?? "")));
