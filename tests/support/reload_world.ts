/**
 * A workspace for random edits, and what a fresh start on its files would show. For the property test of the reload.
 * Each operation writes to the disk as people do, sometimes wrongly; `settle` repairs what is wrong.
 */
import { stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { join } from "./paths.ts";
import { makeWorkspace, type WorkspaceFixture } from "./workspace_fixture.ts";

const names = ["a", "b", "c", "d"] as const;
export type Name = typeof names[number];

export type Edit =
  | {
    readonly kind: "sense";
    readonly name: Name;
    readonly version: number;
    readonly usesLib: boolean;
    readonly how: How;
  }
  | { readonly kind: "break"; readonly name: Name; readonly how: How }
  | { readonly kind: "remove"; readonly name: Name }
  | {
    readonly kind: "entry";
    readonly name: Name;
    readonly group: string;
    readonly interval: number;
    readonly x: number;
  }
  | { readonly kind: "lib"; readonly version: number; readonly how: How }
  | { readonly kind: "workflow"; readonly version: number; readonly concurrency: number }
  | { readonly kind: "no workflow" }
  | { readonly kind: "wrong yaml" }
  | { readonly kind: "pause"; readonly ms: number };
/** In place, by a rename over the old file, or by recreating the folder. */
export type How = "write" | "rename" | "folder";

interface Entry {
  readonly group: string;
  readonly interval: number;
  readonly x: number;
}

export class ReloadWorld {
  readonly workspace: WorkspaceFixture;
  readonly #entries = new Map<Name, Entry>();
  readonly #versions = new Map<Name, string>();
  readonly #broken = new Set<Name>();
  #concurrency: number | null = null;

  constructor(workspace: WorkspaceFixture) {
    this.workspace = workspace;
    this.#write("lib/shared.ts", "export const shared = 0;\n", "write");
    for (const name of ["a", "b"] as const) {
      this.#sense(name, senseText(0, name === "a"), "write");
      this.#entries.set(name, { group: name, interval: 3_600, x: 0 });
    }
    this.#yaml();
  }

  async edit(edit: Edit): Promise<void> {
    switch (edit.kind) {
      case "sense":
        this.#broken.delete(edit.name);
        return this.#sense(edit.name, senseText(edit.version, edit.usesLib), edit.how);
      case "break":
        if (!this.#versions.has(edit.name)) return;
        this.#broken.add(edit.name);
        return this.#write(`senses/${edit.name}/index.ts`, "export const compute = () => {{;\n", edit.how);
      case "remove":
        this.#entries.delete(edit.name);
        this.#yaml();
        this.#versions.delete(edit.name);
        this.#broken.delete(edit.name);
        return Deno.removeSync(this.#path(`senses/${edit.name}`, true), { recursive: true });
      case "entry":
        if (!this.#versions.has(edit.name)) this.#sense(edit.name, senseText(0, false), "write");
        this.#entries.set(edit.name, edit);
        return this.#yaml();
      case "lib":
        return this.#write("lib/shared.ts", `export const shared = ${edit.version};\n`, edit.how);
      case "workflow":
        this.#concurrency = edit.concurrency;
        this.#write("workflows/w/index.ts", workflowText(edit.version), "write");
        return this.#yaml();
      case "no workflow":
        this.#concurrency = null;
        return this.#yaml();
      case "wrong yaml":
        return this.#write("nerve.yaml", "senses: { a: { grupp: x } }\n", "write");
      case "pause":
        return await delay(systemClock, edit.ms);
    }
  }

  /** Repairs the files on disk, so that a kernel could start on them. */
  settle(): void {
    for (const name of this.#broken) this.#write(`senses/${name}/index.ts`, this.#versions.get(name) ?? "", "rename");
    this.#broken.clear();
    this.#yaml();
  }

  /** Starts a separate workspace with the same files. */
  async fresh(): Promise<WorkspaceFixture> {
    const copy = await makeWorkspace({});
    for (const part of ["nerve.yaml", "senses", "workflows", "lib"]) {
      const from = join(this.workspace.root, part);
      const { success } = await new Deno.Command("cp", { args: ["-r", from, copy.root] }).output();
      if (!success && part !== "workflows" && part !== "senses") throw new Error(`${part} could not be copied`);
    }
    await copy.start();
    return copy;
  }

  #sense(name: Name, text: string, how: How): void {
    this.#versions.set(name, text);
    this.#write(`senses/${name}/index.ts`, text, how);
  }

  #yaml(): void {
    const senses = Object.fromEntries(
      [...this.#entries].map(([name, { group, x }]) => [name, { group, config: { x } }]),
    );
    const reflexes = [...this.#entries].map(([sense, { interval }]) => ({ sense, interval: `${interval}s` }));
    const workflows = this.#concurrency === null ? {} : { w: { concurrency: this.#concurrency } };
    this.#write("nerve.yaml", stringify({ senses, reflexes, workflows }), "rename");
  }

  #path(path: string, folder = false): string {
    const full = join(this.workspace.root, path);
    Deno.mkdirSync(folder ? full : full.slice(0, full.lastIndexOf("/")), { recursive: true });
    return full;
  }

  #write(path: string, text: string, how: How): void {
    const full = this.#path(path);
    if (how === "folder") {
      const folder = full.slice(0, full.lastIndexOf("/"));
      Deno.removeSync(folder, { recursive: true });
      Deno.mkdirSync(folder, { recursive: true });
    }
    Deno.writeTextFileSync(how === "rename" ? `${full}.new` : full, text);
    if (how === "rename") Deno.renameSync(`${full}.new`, full);
  }
}

/** The part of the views that follows from the files alone. */
export function configured(workspace: WorkspaceFixture): unknown {
  const { api: view } = workspace.kernel;
  return {
    senses: view.senses().map(({ name, group, reflexes, problem }) => ({ name, group, reflexes, problem })),
    workflows: view.workflows().map(({ name, concurrency, overflow, problem }) => ({
      name,
      concurrency,
      overflow,
      problem,
    })),
    units: workspace.health().units.map(({ kind, name, senses }) => ({ kind, name, senses: [...senses].sort() })),
    configError: workspace.health().configError,
  };
}

function senseText(version: number, usesLib: boolean): string {
  const lib = usesLib ? `import { shared } from "../../lib/shared.ts";` : "const shared = null;";
  return `${lib}\nexport const compute = ({ config, peers }) =>
  ({ version: ${version}, shared, x: config.x, peers: Object.keys(peers).sort() });\n`;
}

function workflowText(version: number): string {
  return `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { one: () => ({ content: "${version}", meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "one" : END,
});\n`;
}
