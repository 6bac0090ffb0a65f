/** `nerve validate`: what it prints about nerve.yaml and the code, and its exit code. */
import assert from "node:assert/strict";
import { createValidateCommand, type SandboxLoader } from "../../../src/cli/commands/validate.ts";
import type { Diagnostic } from "../../../src/config/diagnostic.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { inTempDir, oneSense, writeWorkspace } from "../../support/temp_workspace.ts";

function prefixed(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [folder + path, text]));
}

const aProblem = (severity: Diagnostic["severity"]): Diagnostic => ({
  severity,
  path: "senses.a",
  message: "exports no compute",
  hint: null,
  place: { file: "senses/a/index.ts", line: 1, column: 1 },
});

const noTypes = () => Promise.resolve({ problems: [], unchecked: null });

Deno.test("validate combines the problems of nerve.yaml and of the sandbox; warnings fail only with --strict", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...oneSense, "nerve.yaml": "senses: { a: {} }\n" });
    const validated = async (problems: Diagnostic[], strict: boolean) => {
      const io = new CapturedIo({ cwd: root });
      const code = await createValidateCommand(() => Promise.resolve(problems), noTypes)(io, {
        strict,
        lock: false,
        types: false,
        format: "text",
        json: false,
      });
      return { code, out: io.out };
    };
    const warned = await validated([], false);
    assert.equal(warned.code, 0);
    assert.match(warned.out, /nerve\.yaml:1:\d+ warning senses\.a: .*\n.*\n?🔶 1 sense, 0 workflows: 1 warning\n$/);
    assert.equal((await validated([], true)).code, 1);
    const failed = await validated([aProblem("error")], false);
    assert.equal(failed.code, 1);
    assert.match(failed.out, /senses\/a\/index\.ts:1:1 error senses\.a: exports no compute/);
    assert.match(failed.out, /❌ 1 error, 1 warning in 1 sense, 0 workflows\n$/);
  });
});

Deno.test("validate shows a wrong setting where nerve.yaml has it, and what is missing where its entry is", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml":
        "senses:\n  disk:\n    use: disk-usage\n    config:\n      path: /\n      treshold: 1\n  feed:\n    use: feed-watch\nreflexes:\n" +
        "  - { sense: disk, interval: 1m }\n  - { sense: feed, interval: 1m }\n" +
        "workflows:\n  digest:\n    config:\n      folder: /srv\n      timezone: Berlin\n",
    });
    assert.equal((await nerve(root, "workflow", "add", "digest")).code, 0);
    for (const name of ["disk-usage", "feed-watch"]) assert.equal((await nerve(root, "sense", "add", name)).code, 0);
    const { code, out } = await nerve(root, "validate", "--no-types");
    assert.equal(code, 1);
    assert.match(out, /^nerve\.yaml:6:7 error senses\.disk: config\.treshold is not known: there are path,/m);
    assert.match(out, /^nerve\.yaml:7:3 error senses\.feed: config\.urls is missing/m);
    assert.match(out, /^nerve\.yaml:16:7 error workflows\.digest: config\.timezone must be a time zone such as UTC/m);
  });
});

Deno.test("validate prints JSON and GitHub's annotations and nothing besides", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { a: {} }\n" });
    const validated = async (format: "json" | "github") => {
      const io = new CapturedIo({ cwd: "/" });
      await createValidateCommand(() => Promise.resolve([aProblem("error")]), noTypes)(io, {
        strict: false,
        lock: false,
        types: false,
        format,
        json: false,
      }, root);
      return io.out;
    };
    assert.equal(JSON.parse(await validated("json")).errors, 1);
    assert.match(await validated("github"), /^(::(error|warning) file=.*\n)+$/);
  });
});

Deno.test("validate prints paths relative to the current folder", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, prefixed("inner/", oneSense));
    const absolute = { ...aProblem("error"), place: { file: `${root}/inner/senses/a/index.ts`, line: 1, column: 2 } };
    const from = async (cwd: string) => {
      const io = new CapturedIo({ cwd });
      await createValidateCommand(() => Promise.resolve([absolute]), noTypes)(
        io,
        { strict: false, lock: false, types: false, format: "text", json: false },
        `${root}/inner`,
      );
      return io.out.split(" ")[0];
    };
    assert.equal(await from(`${root}/inner`), "senses/a/index.ts:1:2");
    assert.equal(await from(root), "inner/senses/a/index.ts:1:2");
    assert.equal(await from("/usr"), `${root}/inner/senses/a/index.ts:1:2`);
  });
});

Deno.test("validate loads the entries without errors, and reports everything at once", async () => {
  await inTempDir(async (root) => {
    const b = "export const compute = () => null;";
    await writeWorkspace(root, {
      ...oneSense,
      "senses/b/index.ts": b,
      "nerve.yaml": "senses: { a: {}, b: { throtle: 1s } }\n",
    });
    const io = new CapturedIo({ cwd: root });
    const load: SandboxLoader = ({ senses }) => Promise.resolve([...senses.keys()].map(() => aProblem("error")));
    assert.equal(
      await createValidateCommand(load, noTypes)(io, {
        strict: false,
        lock: false,
        types: false,
        format: "text",
        json: false,
      }),
      1,
    );
    assert.match(io.out, /error senses\.b\.throtle: unknown key/);
    assert.match(io.out, /error senses\.a: exports no compute/);
    assert.match(
      io.out,
      /❌ 2 errors; of the entries in nerve\.yaml without errors, 1 sense, 0 workflows were loaded\n$/,
    );
  });
});

Deno.test("validate loads nothing when no entry of nerve.yaml is valid", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "snses: {}\n" });
    const io = new CapturedIo({ cwd: root });
    const code = await createValidateCommand(() => assert.fail("something was loaded"), noTypes)(io, {
      strict: false,
      lock: false,
      types: false,
      format: "text",
      json: false,
    });
    assert.equal(code, 1);
    assert.match(io.out, /nothing was loaded/);
  });
});
