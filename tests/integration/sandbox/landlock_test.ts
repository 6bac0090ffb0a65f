/** Landlock itself: what each of its versions holds, as this Linux holds it. */
import assert from "node:assert/strict";
import { describeUnheld, systemLandlock } from "../../../src/base/landlock.ts";
import { fromFileUrl } from "../../support/paths.ts";

const program = fromFileUrl(new URL("../../support/restricted.ts", import.meta.url));

async function refusedAt(version: number): Promise<Record<string, boolean>> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-landlock-" });
  try {
    for (const path of ["open", "closed"]) Deno.mkdirSync(`${folder}/${path}`);
    for (const path of ["open/a", "closed/one", "closed/other"]) Deno.writeTextFileSync(`${folder}/${path}`, "text");
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", program, folder, String(version)],
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    return JSON.parse(text || assert.fail(new TextDecoder().decode(stderr)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "each version of Landlock holds what it knows, and its rules open exactly what they name",
  ignore: systemLandlock() < 6,
  async fn() {
    for (const version of [1, 2, 3, 4, 5, 6, systemLandlock()]) {
      assert.deepEqual(await refusedAt(version), {
        scoped: version >= 6,
        ...{ readOpen: false, writeOpen: false, removeOpen: false, readOne: false },
        ...{ readOther: true, list: true, write: true, remove: true, move: true },
        connect: version >= 4,
        bind: version >= 4,
        signal: version >= 6,
      }, `version ${version}`);
    }
  },
});

Deno.test("what an older version does not hold is said in words, and nothing of one that holds everything", () => {
  assert.match(describeUnheld(0) ?? "", /^this system has no Landlock: only Deno's permissions hold/);
  assert.match(describeUnheld(1) ?? "", /version 1 here: .*folders.*short.*ports.*signals/);
  assert.match(describeUnheld(5) ?? "", /version 5 here: signals and abstract sockets are not held$/);
  assert.equal(describeUnheld(6), null);
});

Deno.test({
  name: "a rule of /proc/self/net opens what is below it, to every thread of the process",
  ignore: systemLandlock() < 1,
  async fn() {
    // The bug was: a rule of /proc/net/dev opens nothing; only threads from before the rules could read it, for 10 s.
    const code = `import { restrictSelf } from ${
      JSON.stringify(new URL("../../../src/base/landlock.ts", import.meta.url))
    };
restrictSelf({ paths: [["/proc/self/net", "read"]], connect: null, bind: null });
const text = Deno.readTextFileSync("/proc/net/dev");
Deno.stdout.writeSync(new TextEncoder().encode(String(text.includes("lo:"))));`;
    const args = ["eval", "--quiet", code];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    assert.equal(new TextDecoder().decode(stdout), "true", new TextDecoder().decode(stderr));
  },
});
