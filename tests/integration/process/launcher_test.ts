/** What a group's process is started with. */
import assert from "node:assert/strict";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("the environment of a group contains what it was granted and nothing else", async () => {
  Deno.env.set("EXAMPLE_GRANTED", "yes");
  Deno.env.set("EXAMPLE_SECRET", "no");
  try {
    const all = "export const compute = () => Deno.env.toObject();";
    const one = `export const compute = () => {
      const granted = Deno.env.get("EXAMPLE_GRANTED");
      try { return { granted, secret: Deno.env.get("EXAMPLE_SECRET") ?? null }; }
      catch (error) { return { granted, refused: String(error) }; }
    };`;
    await using workspace = await startWorkspace({
      yaml: {
        senses: {
          one: { permissions: { env: ["EXAMPLE_GRANTED"] } },
          prefix: { permissions: { env: ["EXAMPLE_GR*"] } },
          all: { permissions: { env: true } },
          proc: { permissions: { env: true, read: ["/proc"] } },
        },
      },
      senses: {
        one,
        prefix: one,
        all,
        proc: "export const compute = () => Deno.readTextFileSync('/proc/self/environ');",
      },
    });
    for (const name of ["one", "prefix"]) {
      const { granted, refused } = await workspace.payload(name) as Record<string, string>;
      assert.equal(granted, "yes");
      assert.match(refused ?? "", /NotCapable/);
      const environment = environmentOf(workspace.pid(name));
      assert.equal(environment.EXAMPLE_GRANTED, "yes");
      const unknown = Object.keys(environment).filter((key) => !known.has(key));
      assert.deepEqual(
        unknown,
        ["EXAMPLE_GRANTED", ...systemIsolation().landlock === 0 ? [] : ["TMPDIR"]],
        "not even the process around the sandbox has more",
      );
    }
    const seen = await workspace.payload("all") as Record<string, string>;
    assert.equal(seen.EXAMPLE_SECRET, "no", "true is everything");
    for (const key of known) assert.ok(Deno.env.get(key) !== undefined || !(key in seen), `${key} is seen`);
    assert.ok(!("NERVE_TOKEN" in seen || "NERVE_SOCKET" in seen));
    assert.match((await workspace.failure("proc")).message, /NotCapable/, "nor as the system remembers it");
  } finally {
    Deno.env.delete("EXAMPLE_GRANTED");
    Deno.env.delete("EXAMPLE_SECRET");
  }
});

/** The variables that nerve itself gives to a process. */
const known = new Set([
  "PATH",
  "NERVE_TOKEN",
  "NERVE_SOCKET",
  "DENO_DIR",
  "DENO_V8_FLAGS",
  "DENO_NO_UPDATE_CHECK",
  "MALLOC_ARENA_MAX",
  "NO_COLOR",
]);

function environmentOf(pid: number): Record<string, string> {
  const pairs = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").filter((pair) => pair !== "");
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}
