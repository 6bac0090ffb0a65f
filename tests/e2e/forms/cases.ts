/**
 * What every form of nerve must do in the same way. forms_test.ts and portable_test.ts run the list against each form; a
 * new promise of this kind is one more entry.
 */
import assert from "node:assert/strict";
import { finish, type Form, type FormName, formOf, runUntil, succeed, whileRunning } from "../../support/forms.ts";
import { long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { readSource } from "../../support/source_files.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";
import { libWorkspace, outsideWorkspace, stepsWorkspace, talkerWorkspace } from "./workspaces.ts";

export interface FormCase {
  readonly name: string;
  /** In the gate other tests have it, from the sources; default: false. */
  readonly long?: boolean;
  /** `folder` is empty, and belongs to this case only. */
  run(form: Form, folder: string): Promise<void>;
}

interface Row {
  readonly type: string;
  readonly refId: string;
  readonly payload: { readonly payload?: unknown };
}

async function rows(form: Form, folder: string, type: string): Promise<Row[]> {
  const out = await succeed(form, ["events", "--type", type, "--json"], folder);
  return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The payload of the first signal of a sense. */
async function signalOf(form: Form, folder: string, sense: string): Promise<unknown> {
  const found = (await rows(form, folder, "sense.signal")).find((row) => row.refId === sense);
  assert.ok(found !== undefined, `${sense} has sent a signal`);
  return found.payload.payload;
}

const cases: readonly FormCase[] = [
  {
    name: "version --json says which form it is",
    async run(form, folder) {
      const version = JSON.parse(await succeed(form, ["version", "--json"], folder));
      assert.equal(version.form, form.name);
      assert.equal(version.deno, Deno.version.deno);
      assert.match(version.nerve, /^\d+\.\d+\.\d+/);
    },
  },
  {
    name: "arguments and exit codes come through untouched",
    async run(form, folder) {
      const { code, err } = await finish(form, ["two  words; *$HOME'"], folder);
      assert.equal(code, 2);
      assert.ok(err.includes("two  words; *$HOME'"), err);
      assert.equal((await finish(form, ["sense", "list", "--workspace", folder], folder)).code, 1);
    },
  },
  {
    name: "a wrong nerve.yaml gets every problem with its place and a hint, and starts nothing",
    async run(form, folder) {
      const yaml = "senses:\n  counter: { throtle: 1s }\nreflexes:\n  - { sense: conter, cron: '61 * * * *' }\n";
      await writeWorkspace(folder, { ...libWorkspace, "nerve.yaml": yaml });
      const { code, out, err } = await finish(form, ["run"], folder);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /^nerve\.yaml:2:14 error senses\.counter\.throtle: unknown key "throtle"\n.*throttle/m);
      assert.match(err, /^nerve\.yaml:4:7 error .*there is no sense "conter"\n.*counter/m);
      assert.match(err, /^nerve\.yaml:4:22 error reflexes/m);
    },
  },
  {
    name: "init, validate and run give signals of this machine, SIGTERM stops in order",
    async run(form, folder) {
      await succeed(form, ["init", "my watch"], folder);
      // For editors: the types are in the workspace, wherever this form keeps its own modules.
      const types = join(folder, "my watch", ".nerve/types/sdk/mod.ts");
      assert.match(await Deno.readTextFile(types), /export type \{[^}]*SenseContext/);
      const root = join(folder, "my watch");
      const validate = form.name === "source" ? ["validate", "--no-types"] : ["validate"];
      assert.match(await succeed(form, validate, root), /3 senses, 2 workflows/);
      await runUntil(form, root, "memory-usage {");
      assert.ok(Object.hasOwn(Object(await signalOf(form, root, "memory-usage")), "totalBytes"));
      assert.match(await Deno.readTextFile(join(root, "import_map.json")), /"drizzle-orm": "npm:drizzle-orm@/);
    },
  },
  {
    name: "a sense uses lib/, drizzle-orm by any of its paths, zod, and its database",
    long: true,
    async run(form, folder) {
      await writeWorkspace(folder, libWorkspace);
      await succeed(form, ["validate", "--strict"], folder);
      await runUntil(form, folder, "counter {");
      assert.deepEqual(await signalOf(form, folder, "counter"), { greeting: "hello from lib", rows: 2, sum: 5 });
      assert.match(await succeed(form, ["sense", "query", "counter", "--format", "json"], folder), /"value": ?3/);
    },
  },
  {
    name: "what a sense may not reach is denied: files, imports of files, closed built-ins, the environment",
    long: true,
    async run(form, folder) {
      const secret = join(folder, "secret");
      await writeWorkspace(secret, { "token.json": `{ "token": 1 }`, "code.ts": "export const token = 1;\n" });
      const root = join(folder, "watch");
      await writeWorkspace(root, outsideWorkspace(secret));
      await runUntil(form, root, "prisoner {");
      const tried = Object(await signalOf(form, root, "prisoner"));
      assert.deepEqual(Object.keys(tried).length, 9);
      for (const [name, outcome] of Object.entries(tried)) assert.match(String(outcome), /^refused/, name);
      // Rejected for being outside, not for being missing.
      for (const name of ["readText", "nodeRead", "importJson", "importCode", "importRelative"]) {
        assert.match(String(tried[name]), /Requires read access/, name);
      }
    },
  },
  {
    name: "a workflow run survives kill -9 between two roles and completes once",
    long: true,
    async run(form, folder) {
      await writeWorkspace(folder, stepsWorkspace);
      await whileRunning(form, ["run"], folder, async (running) => {
        await running.prints("first is done");
        running.child.kill("SIGKILL");
        assert.equal((await running.child.status).code, 137);
      });
      await Deno.writeTextFile(join(folder, "lib", "go.ts"), "export const waitMs = 0;\n");
      await runUntil(form, folder, "completed after 2 rounds");
      const list = JSON.parse(await succeed(form, ["workflow", "list", "--all", "--json"], folder));
      assert.deepEqual(list.runs.items.map((run: { status: string }) => run.status), ["completed"]);
      const thread = await succeed(form, ["workflow", "thread", list.runs.items[0].runId], folder);
      assert.equal(thread.split("first is done").length - 1, 1, "the finished role did not run again");
      assert.ok(thread.includes("second is done"), thread);
    },
  },
  {
    name: "start, status and stop: a daemon in the background, whose runs nerve why explains, with its dashboard",
    long: true,
    async run(form, folder) {
      const yaml = "listen: 127.0.0.1:0\nsenses: {}\nworkflows: { steps: {} }\n", go = "export const waitMs = 0;\n";
      await writeWorkspace(folder, { ...stepsWorkspace, "nerve.yaml": yaml, "lib/go.ts": go });
      assert.match(await succeed(form, ["start"], folder), /pid \d+/);
      try {
        assert.equal((await finish(form, ["start"], folder)).code, 1, "a second one is refused");
        const runId = (await succeed(form, ["workflow", "trigger", "steps", "--wait"], folder)).split("\n")[0] ?? "";
        assert.match(await succeed(form, ["why", runId], folder), /steps/);
        const [first] = await rows(form, folder, "run.completed");
        assert.ok(first !== undefined);
        assert.match(await succeed(form, ["status"], folder), /pid \d+/);
        const link = (await succeed(form, ["dashboard", "--print"], folder)).trim();
        // A built form runs in a network of its own, which this process does not reach.
        const pages = [["/", "index.html"], ["/first.js", "first.js"], ["/app.js", "app.js"], [
          "/app.css",
          "app.css",
        ]] as const;
        const files = form.name === "source" ? pages : [];
        for (const [path, name] of files) {
          const served = await (await fetch(new URL(path, link))).text();
          assert.ok(served === readSource(`src/control/dashboard/${name}`), `${path} is that of the sources`);
        }
      } finally {
        await succeed(form, ["stop"], folder);
      }
      assert.equal((await finish(form, ["status"], folder)).code, 3);
    },
  },
  {
    name: "a changed sense, a changed lib/ and a changed nerve.yaml are taken while it runs",
    long: true,
    async run(form, folder) {
      const write = (files: Record<string, string>) => writeWorkspace(folder, files);
      await write(talkerWorkspace("one", "!"));
      await whileRunning(form, ["run"], folder, async (running) => {
        await running.prints("one!");
        await write(talkerWorkspace("two", "!"));
        await running.prints("two!");
        await write(talkerWorkspace("two", "?"));
        await running.prints("two?");
        await write(talkerWorkspace("two", "?", "listener"));
        await running.prints("listener {");
      });
    },
  },
];

/** A test for each case, below `folder`. `file`: the executable of a built form, asked for when the test begins. */
export function testCases(name: FormName, folder: string, file: () => string, ignored = false): void {
  for (const [index, each] of cases.entries()) {
    (each.long === true || name !== "source" ? long : Deno).test({
      name: `${name}: ${each.name}`,
      ignore: ignored,
      async fn() {
        const home = join(folder, `home-${name}`), cwd = join(folder, `${name}-${index}`);
        for (const path of [home, cwd]) await Deno.mkdir(path, { recursive: true });
        await each.run(await formOf(name, file(), home), cwd);
      },
    });
  }
}
