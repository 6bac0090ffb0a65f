/**
 * The forms in which nerve is used, each as a command to run: from a clone, the portable file, the compiled one. A
 * built form gets a home of its own, none of the test's variables, and where the system permits it no network at all.
 */
import { join } from "./paths.ts";
import { repository } from "./source_files.ts";
import { within } from "./workspace_fixture.ts";

export type FormName = "source" | "portable" | "compiled";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Form {
  readonly name: FormName;
  /** The command that starts it, before its own arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The name of denort for this machine in Deno's cache. */
function cachedRuntime(): string {
  return `dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
}

/** Whether `deno compile` can work here without the network. */
export async function canCompile(): Promise<boolean> {
  return Deno.env.get("DENORT_BIN") !== undefined || await exists(join(denoDir(), cachedRuntime()));
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Deno's cache, where a clone finds its packages. */
function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? join(Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`, "deno");
}

/** Builds one executable and returns its path. */
export async function buildForm(name: "portable" | "compiled", folder: string): Promise<string> {
  const out = join(folder, `nerve-${name}`);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", "tools/build/main.ts", "--out", out].concat(
      name === "portable" ? ["--portable"] : [],
    ),
    cwd: repository,
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success || !output.includes(`: ${name}, `)) throw new Error(`${name} was not built: ${output}`);
  return out;
}

/** A form with `home` as its home folder. `file`: the executable of a built form. */
export async function formOf(name: FormName, file: string, home: string): Promise<Form> {
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: home };
  if (name === "source") {
    const main = join(repository, "src/main.ts");
    const command = [Deno.execPath(), "run", "-A", "--no-prompt", "--cached-only", main];
    return { name, command, env: { ...env, DENO_DIR: denoDir() } };
  }
  return { name, command: [...await withoutNetwork(), file], env };
}

let networkCut: Promise<readonly string[]> | null = null;

/** `unshare -n`, where this user may run it: then there is not even a network interface. */
function withoutNetwork(): Promise<readonly string[]> {
  networkCut ??= (async () => {
    try {
      const { success } = await new Deno.Command("unshare", { args: ["-n", "true"], stderr: "null" }).output();
      return success ? ["unshare", "-n"] : [];
    } catch (thrown) {
      // On a system without unshare, the empty caches alone have to prove it.
      if (thrown instanceof Deno.errors.NotFound) return [];
      throw thrown;
    }
  })();
  return networkCut;
}

export function start(
  form: Form,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Deno.Command {
  const [program = "", ...before] = form.command;
  return new Deno.Command(program, {
    args: [...before, ...args],
    cwd,
    clearEnv: true,
    env: { ...form.env, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

export async function finish(
  form: Form,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await start(form, args, cwd, env).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Like `finish`, for a command that must succeed; returns stdout. */
export async function succeed(form: Form, args: readonly string[], cwd: string): Promise<string> {
  const { code, out, err } = await finish(form, args, cwd);
  if (code !== 0) throw new Error(`nerve ${args.join(" ")} in its ${form.name} form exited with ${code}: ${err}${out}`);
  return out;
}

/** A command that runs until it is stopped. */
export interface Running {
  readonly child: Deno.ChildProcess;
  /** Resolves once it has printed `text`; rejects when it ends without that, or takes too long. */
  prints(text: string): Promise<void>;
}

/** Runs `use` beside the command, which is killed afterwards if it still runs. */
export async function whileRunning(
  form: Form,
  args: readonly string[],
  cwd: string,
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const child = start(form, args, cwd).spawn();
  let seen = "", over = false, news = Promise.withResolvers<void>();
  const tell = () => {
    news.resolve();
    news = Promise.withResolvers();
  };
  // Read to the end, so that it never blocks on its output.
  const end = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      seen += text;
      tell();
    }
  })).then(() => {
    over = true;
    tell();
  });
  const waitForText = async (text: string) => {
    while (!seen.includes(text)) {
      if (over) throw new Error(`it ended without saying "${text}": ${seen}`);
      await news.promise;
    }
  };
  const prints = (text: string) => within(waitForText(text), `it to print "${text}"`, () => seen);
  try {
    await use({ child, prints });
  } finally {
    await killed(child);
    await end;
  }
}

/** Runs nerve in the foreground until it has printed `text`, then ends it as a service manager does. */
export async function runUntil(form: Form, cwd: string, text: string): Promise<void> {
  await whileRunning(form, ["run"], cwd, async ({ prints, child }) => {
    await prints(text);
    child.kill("SIGTERM");
    const { code } = await child.status;
    if (code !== 0) throw new Error(`nerve run in its ${form.name} form exited with ${code}`);
  });
}

async function killed(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (thrown) {
    // It has ended already.
    if (!(thrown instanceof TypeError)) throw thrown;
  }
  await child.status;
}
