/** Messages that daemons seal for each other. The bug would be: anyone who reaches the server's ingress can decide. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { MessageAuth } from "../../../src/restate/message_auth.ts";

const values: Readonly<Record<string, string>> = { NEW: "new secret", OLD: "old secret" };
const sealsOf = (secrets: readonly string[], service = "nerve") =>
  new MessageAuth({ name: "cluster", service, secrets }, (variable) => values[variable] ?? null);

async function refusal(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (thrown) {
    assert.ok(thrown instanceof NerveError && thrown.code === "ENGINE_WRONG" && thrown.hint !== null, String(thrown));
    return thrown.message;
  }
  return assert.fail("it was opened");
}

Deno.test("what a daemon with the same secret has sealed is opened, also while the secret changes", async () => {
  const command = { runId: "r", call: "decide", args: ["r:ask::1", { option: "approve" }], until: 5 };
  const sealed = await sealsOf(["OLD"]).seal("command", command);
  assert.deepEqual(await sealsOf(["OLD"]).open("command", JSON.parse(JSON.stringify(sealed))), command);
  assert.deepEqual(await sealsOf(["NEW", "OLD"]).open("command", sealed), command);
});

Deno.test("what is unsealed, changed, of another kind, service or secret, or odd is refused", async () => {
  const seals = sealsOf(["NEW"]), sealed = await seals.seal("command", { runId: "r" });
  const changed = { ...sealed, body: sealed.body.replace('"r"', '"s"') };
  assert.match(await refusal(seals.open("command", changed)), /sealed with another secret: it is refused/);
  assert.match(await refusal(seals.open("run", sealed)), /a run that is sealed with another secret/);
  assert.match(await refusal(seals.open("command", { ...sealed, mac: null })), /has no seal/);
  for (const mac of ["", "00", "zz", sealed.mac?.slice(2) ?? ""]) {
    await refusal(seals.open("command", { ...sealed, mac }));
  }
  await refusal(sealsOf(["NEW"], "other").open("command", sealed));
  await refusal(sealsOf(["OLD"]).open("command", sealed));
  for (const odd of [null, 1, "x", {}, { body: 1, mac: null }]) await refusal(seals.open("command", odd));
});

Deno.test("without a secret runs are taken, and commands are not; a secret that is not set opens nothing", async () => {
  const none = sealsOf([]), run = { run: { runId: "r" }, starts: null };
  assert.deepEqual(await none.open("run", await none.seal("run", run)), run);
  assert.match(await refusal(none.open("command", await none.seal("command", {}))), /engine cluster has no secret/);
  const unset = sealsOf(["UNSET"]);
  assert.match(await refusal(unset.seal("run", run)), /UNSET, is not set/);
  assert.match(await refusal(unset.open("run", await none.seal("run", run))), /UNSET, is not set/);
});
