/** Schemas of artifacts: schemas in code are checked in the role, a JSON Schema goes to the kernel. */
import assert from "node:assert/strict";
import * as z from "zod";
import { readArtifactSchema } from "../../../src/sandbox/artifact_schemas.ts";

Deno.test("a schema of zod checks itself, and the agent is told what it looks like", async () => {
  const read = readArtifactSchema(z.object({ title: z.string(), tags: z.array(z.string()) }));
  assert.ok(read.ok);
  const { json, enforced, fits } = read.value;
  assert.equal(enforced, false);
  assert.deepEqual(JSON.parse(json ?? "").required, ["title", "tags"]);
  assert.deepEqual(await fits({ title: "x", tags: [] }), { value: { title: "x", tags: [] } });
  const refused = await fits({ title: "x", tags: [1] });
  assert.match("fault" in refused ? refused.fault : "", /^tags\.0: .*expected string/);
});

Deno.test("a schema that cannot be written as JSON Schema still checks", async () => {
  const read = readArtifactSchema(
    z.object({ n: z.number().transform((n) => n + 1) }).refine(({ n }) => n > 2, "too low"),
  );
  assert.ok(read.ok);
  const refused = await read.value.fits({ n: 1 });
  assert.match("fault" in refused ? refused.fault : "", /too low/);
});

Deno.test("a check that throws refuses with its words; a JSON Schema is the kernel's to check", async () => {
  const broken = readArtifactSchema({
    "~standard": {
      validate: () => {
        throw new Error("no");
      },
    },
  });
  assert.ok(broken.ok);
  assert.deepEqual(await broken.value.fits(1), { fault: "its schema refuses it: no" });
  const json = readArtifactSchema({ type: "object" });
  assert.ok(json.ok && json.value.enforced);
  assert.equal(json.value.json, '{"type":"object"}');
  const none = readArtifactSchema(undefined);
  assert.deepEqual(none.ok && [none.value.json, none.value.enforced], [null, false]);
});
