/**
 * `deno task demo`: a new workspace in a temporary folder, run on this machine as a person would do it, until it has
 * seen a real signal and a completed workflow run. Exits with 0 within 30 s, else with 1 and the reason.
 */
import { parseDocument } from "yaml";
import { fromFileUrl, join } from "../support/paths.ts";

const main = fromFileUrl(new URL("../../src/main.ts", import.meta.url));
const home = Deno.makeTempDirSync({ prefix: "nerve-demo-" });
const workspace = join(home, "watch"), oldFiles = join(home, "old files");
const dayMs = 86_400_000;
/** The run ends by itself after this time, so that the demo does not outlive its 30 s. */
const patience = "20s";

function nerve(args: readonly string[], cwd: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", main, ...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  });
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Runs a command to its end, prints it with its output, and fails when it fails. */
async function show(args: readonly string[], cwd: string = workspace): Promise<string> {
  print(`\n$ nerve ${args.join(" ")}`);
  const { code, stdout } = await nerve(args, cwd).output();
  const text = new TextDecoder().decode(stdout);
  print(text.trimEnd());
  if (code !== 0) fail(`nerve ${args[0]} ended with exit code ${code}`);
  return text;
}

function fail(reason: string): never {
  print(`\n❌ the demo failed: ${reason}\n   the workspace is still there: ${workspace}`);
  Deno.exit(1);
}

/** Something for the cleanup workflow to find: three files that have not changed for a month. */
function makeOldFiles(): void {
  Deno.mkdirSync(oldFiles);
  for (const name of ["a.log", "b.log", "übrig.tmp"]) {
    const path = join(oldFiles, name), then = new Date(Date.now() - 30 * dayMs);
    Deno.writeTextFileSync(path, "x".repeat(10_000));
    Deno.utimeSync(path, then, then);
  }
}

/**
 * The settings of `nerve init`, with short intervals, and a threshold that makes the disk count as full, so that
 * cleanup starts.
 */
function configure(): void {
  const file = join(workspace, "nerve.yaml");
  const document = parseDocument(Deno.readTextFileSync(file));
  document.setIn(["senses", "disk-usage", "config", "threshold"], 0.0001);
  document.setIn(["senses", "disk-usage", "config", "workflow"], "cleanup");
  for (const name of ["read", "write"]) document.setIn(["workflows", "cleanup", "permissions", name], [oldFiles]);
  document.setIn(["workflows", "cleanup", "config", "folder"], oldFiles);
  document.setIn(["reflexes"], [
    { sense: "cpu-usage", interval: "1s" },
    { sense: "memory-usage", interval: "2s" },
    { sense: "disk-usage", on: ["memory-usage"] },
  ]);
  Deno.writeTextFileSync(file, String(document));
}

/** Runs the daemon until both were seen, then ends it as Ctrl-C does. */
async function watch(): Promise<void> {
  print(`\n$ nerve run --for ${patience}`);
  const child = nerve(["run", "--for", patience], workspace).spawn();
  const decoder = new TextDecoder();
  let seen = "", signalled = false, completed = false, requested = false;
  for await (const chunk of child.stdout) {
    const text = decoder.decode(chunk, { stream: true });
    Deno.stdout.writeSync(chunk);
    seen += text;
    signalled ||= /📡 cpu-usage \{/.test(seen);
    completed ||= /✅ cleanup \S+ completed/.test(seen);
    if (signalled && completed && !requested) {
      requested = true;
      child.kill("SIGINT");
    }
  }
  const { code } = await child.status;
  if (!signalled) fail("no signal of cpu-usage was seen");
  if (!completed) fail("no run of cleanup was completed");
  if (code !== 0) fail(`nerve run ended with exit code ${code}`);
}

const from = performance.now();
makeOldFiles();
await show(["init", workspace], home);
configure();
await show(["validate"]);
await watch();
await show(["sense", "list"]);
await show(["sense", "query", "cpu-usage"]);
const runs = await show(["workflow", "list", "--all"]);
const runId = /\b[0-9A-HJKMNP-TV-Z]{26}\b/.exec(runs)?.[0];
if (runId === undefined) fail("the completed run is not in the list");
await show(["workflow", "thread", runId]);
print(`\n✅ a real signal, and a completed run, in ${((performance.now() - from) / 1000).toFixed(1)} s`);
print(`   workspace  ${workspace}`);
print(`   log        ${join(workspace, "data", "logs.db")}   (nerve events)`);
print(`   databases  ${join(workspace, "data", "senses")}`);
