/** What a process may send: a message that the kernel could not act on is refused when it is read. */
import assert from "node:assert/strict";
import { fromProcessSchema } from "../../../src/protocol/message.ts";

Deno.test("a gate that expires names one of its options for that, and one that never does names none", () => {
  // The bug was: a time without an option was stored, and the kernel died when the time was over.
  const asked = { kind: "gate", title: "Go?", body: "", options: ["approve", "reject"], approvers: null };
  const isRead = (expiresMs: number | null, onExpiry: string | null) =>
    fromProcessSchema.safeParse({
      ...{ t: "wait", runId: "a", attempt: 1, round: 1, role: "ask" },
      wait: { ...asked, expiresMs, onExpiry },
    }).success;
  assert.deepEqual([isRead(null, null), isRead(5, "reject")], [true, true]);
  assert.deepEqual([isRead(5, null), isRead(5, "later"), isRead(null, "reject")], [false, false, false]);
});
