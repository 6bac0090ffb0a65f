/** What an author may write in `defineSense`, and what the compiler rejects: `deno check` is half of the test. */
import assert from "node:assert/strict";
import { defineSense, option, type SenseContext } from "../../../src/sdk/mod.ts";

/** A context as the sandbox makes it, with the parts that these senses use. */
const contextOf = (config: SenseContext["config"]) => ({ name: "inbox", config } as SenseContext);

interface Reading {
  readonly files: number;
}

Deno.test("without config, compute of defineSense is the author's own function, and its settings are JSON as it is", () => {
  const own = ({ config }: SenseContext) => ({ threshold: Number(config.threshold) });
  const { compute } = defineSense({ compute: own });
  assert.equal(compute, own);
  assert.deepEqual(compute(contextOf({ threshold: 3 })), { threshold: 3 });
  defineSense({
    compute: ({ config }) => {
      // @ts-expect-error: nothing says that it is a number.
      const threshold: number = config.threshold;
      return { threshold };
    },
  });
});

Deno.test("with config, compute of defineSense gets checked and typed settings", async () => {
  const { compute } = defineSense({
    config: { folder: option.text(), most: option.number(10), keep: option.duration(null) },
    async compute({ name, config: { folder, most, keep } }) {
      const half: number = most / 2, text: string = folder.trim(), age: number | null = keep;
      return await Promise.resolve({ name, text, half, age });
    },
  });
  assert.deepEqual(await compute(contextOf({ folder: " a " })), { name: "inbox", text: "a", half: 5, age: null });
  assert.throws(() => compute(contextOf({ most: "many" })), {
    name: "TypeError",
    message: 'config.folder is missing; config.most must be a number, not "many"',
  });
});

Deno.test("compute of defineSense may return nothing, any JSON, an interface, or a directive that is one", () => {
  const reading: Reading = { files: 3 };
  defineSense({ compute: () => {} });
  defineSense({ compute: () => null });
  defineSense({ compute: () => Math.random() > 0.5 ? [1, 2] : "text" });
  defineSense({ compute: () => reading });
  defineSense({ compute: () => ({ ...reading, workflow: "tidy|5|too many files" }) });
  defineSense({ compute: () => ({ ...reading, workflow: null }) });
  defineSense({
    compute: ({ trigger }) =>
      trigger.kind === "manual" ? null : { workflow: { name: "tidy", prompt: "", maxRounds: 5 } },
  });
  // @ts-expect-error: a directive needs a name.
  defineSense({ compute: () => ({ workflow: { prompt: "too many files" } }) });
  // @ts-expect-error: the limit is maxRounds, a number.
  defineSense({ compute: () => ({ workflow: { name: "tidy", maxRounds: "5" } }) });
});
