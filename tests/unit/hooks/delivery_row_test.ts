import assert from "node:assert/strict";
import { toDeliveryRow } from "../../../src/hooks/delivery_row.ts";
import type { HookDefinition } from "../../../src/protocol/hook.ts";

const hook: HookDefinition = {
  name: "git",
  verify: "gitlab",
  secrets: ["S"],
  proof: { kind: "token", header: "x-gitlab-token", prefix: "" },
  dedup: [{ kind: "header", name: "x-id" }],
  maxBodyBytes: 1_000,
  rate: { count: 10, perMs: 1_000 },
  backlog: 10,
};
const json = { "content-type": "application/json; charset=utf-8" };

function rowOf(body: string | Uint8Array, headers: Record<string, string> = json) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const row = toDeliveryRow(hook, { headers, body: bytes });
  return row?.payload as { key: string | null; headers: Record<string, string>; body: unknown } | undefined;
}

Deno.test("a JSON body is its value, and any other its text", () => {
  assert.deepEqual(rowOf('{"ref":"main"}')?.body, { ref: "main" });
  assert.deepEqual(rowOf('{"a":1}', { "content-type": "application/vnd.x+json" })?.body, { a: 1 });
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/jsonp"]) {
    assert.equal(rowOf('{"a":1}', { "content-type": type })?.body, '{"a":1}');
  }
  assert.equal(rowOf('{"a":1}', {})?.body, '{"a":1}');
});

Deno.test("what JSON would not hold as it was sent stays text", () => {
  for (const text of ["{", "", '{"n":12345678901234567890}', '{"n":1e999}', "[".repeat(500) + "]".repeat(500)]) {
    assert.equal(rowOf(text)?.body, text);
  }
  assert.equal(rowOf('"\\ud83d"')?.body, "\ufffd");
});

Deno.test("a body that is no text makes no row", () => {
  assert.equal(rowOf(new Uint8Array([0xff, 0xfe, 0x00])), undefined);
});

Deno.test("headers that prove, and those of the connection, are left out", () => {
  const kept = { "x-gitlab-event": "Push Hook", "x-id": "7", "user-agent": "GitLab/17" };
  const left = {
    "x-gitlab-token": "hunter2",
    authorization: "Bearer hunter2",
    cookie: "a=b",
    "x-hub-signature-256": "sha256=00",
    "stripe-signature": "t=1",
    host: "localhost",
    "content-length": "2",
  };
  assert.deepEqual(rowOf("{}", { ...kept, ...left })?.headers, kept);
  assert.equal(rowOf("{}", { ...kept, ...left })?.key, "7");
  assert.equal(Object.keys(rowOf("{}", { ...kept, big: "x".repeat(20_000) })?.headers ?? {}).includes("big"), false);
});
