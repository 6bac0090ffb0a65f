/**
 * Folders are import rules (design.md 14): data flows one way, stages never import each other, the kernel is the only
 * room with doors to all. A door that is not in this table is a wall.
 */
import assert from "node:assert/strict";
import { repository } from "../support/source_files.ts";
import { relative } from "../support/paths.ts";

/** What the files of a room may import besides their own room. */
const doors: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ["base"],
  sdk: ["base", "protocol"],
  config: ["base", "protocol"],
  store: ["base", "protocol"],
  bus: ["base", "protocol"],
  scheduler: ["base", "protocol"],
  workflow: ["base", "protocol"],
  process: ["base", "protocol"],
  // Of the store only what the sandbox itself opens.
  worker: [
    "base",
    "protocol",
    "sdk",
    "store/sqlite.ts",
    "store/drizzle.ts",
    "store/blob_store.ts",
    "store/reader.ts",
    "store/sense_database.ts",
  ],
  kernel: ["base", "protocol", "config", "store", "bus", "scheduler", "workflow", "process"],
  control: ["base", "protocol"],
  // The kernel as a process, and the process that keeps it running.
  daemon: ["base", "protocol", "config", "process/exit_cause.ts", "process/output_lines.ts"],
  "daemon/hosting.ts": ["control"],
  "daemon/kernel_process.ts": ["kernel"],
  // store: reading commands work without a daemon. kernel: `nerve run`, `validate` and `sense learn`.
  cli: ["base", "protocol", "config", "store", "control/client.ts", "daemon"],
  "cli/commands/run.ts": ["kernel"],
  "cli/commands/validate.ts": ["kernel"],
  "cli/commands/sense_learn.ts": ["kernel"],
  // The lock that a daemon would hold.
  "cli/store_access.ts": ["kernel/lock.ts"],
  // Makes the executables; nothing imports it.
  build: ["base"],
  "main.ts": ["base", "cli", "worker", "daemon"],
  "mod.ts": ["base", "protocol", "config", "kernel"],
};

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function moduleGraph(entry: string): Promise<ModuleGraph> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", entry],
    cwd: repository,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Path below src/, or null for what lies elsewhere. */
function inHouse(specifier: string | undefined): string | null {
  if (specifier === undefined || !specifier.startsWith("file://")) return null;
  const path = relative(repository, decodeURIComponent(new URL(specifier).pathname));
  return path.startsWith("src/") ? path.slice("src/".length) : null;
}

function roomOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}

function mayImport(from: string, to: string): boolean {
  const room = roomOf(from);
  if (room === roomOf(to)) return true;
  return [...doors[room] ?? [], ...doors[from] ?? []].some((door) => to === door || to.startsWith(`${door}/`));
}

Deno.test("no file of src/ imports through a wall, and every file is in a room", async () => {
  const broken = new Set<string>();
  const seen = new Set<string>();
  for (
    const entry of [
      "src/main.ts",
      "src/mod.ts",
      "src/worker/shim.ts",
      "src/worker/bootstrap.ts",
      "src/sdk/mod.ts",
      "src/build/main.ts",
    ]
  ) {
    for (const { specifier, dependencies } of (await moduleGraph(entry)).modules) {
      const from = inHouse(specifier);
      if (from === null) continue;
      seen.add(from);
      assert.ok(roomOf(from) in doors, `src/${from} is in no room of the table`);
      for (const { code, type } of dependencies ?? []) {
        const to = inHouse(code?.specifier ?? type?.specifier);
        if (to !== null && !mayImport(from, to)) broken.add(`src/${from} imports src/${to}`);
      }
    }
  }
  assert.ok(seen.size > 50, `the graphs hold the house, not ${seen.size} files`);
  assert.deepEqual([...broken], []);
});

Deno.test("a wall is noticed: the table refuses a stage that imports another stage", () => {
  assert.equal(mayImport("scheduler/scheduler.ts", "process/supervisor.ts"), false);
  assert.equal(mayImport("worker/shim.ts", "store/run_store.ts"), false);
  assert.equal(mayImport("cli/commands/run.ts", "kernel/kernel.ts"), true);
  assert.equal(mayImport("cli/commands/sense.ts", "kernel/kernel.ts"), false);
});
