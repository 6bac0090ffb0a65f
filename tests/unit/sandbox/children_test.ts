/** Roles that start runs, as an author wrote them: lists, functions, defaults, bounds, and errors that name the run. */
import assert from "node:assert/strict";
import { childrenMax } from "../../../src/base/wait_limits.ts";
import { readChildrenPlan } from "../../../src/sandbox/children.ts";
import { isWait, readWaitPlan } from "../../../src/sandbox/waits.ts";
import { type Children, children } from "../../../src/sdk/waits.ts";

const start = {
  runId: "r",
  workflow: "w",
  prompt: "",
  maxRounds: 9,
  payload: {},
  trigger: { kind: "manual" },
} as const;
const context = { start, messages: [], config: { hosts: ["a", "b"] } };

function ask(runs: unknown): unknown {
  const role = children(runs as Children["runs"]);
  assert.ok(isWait(role));
  const plan = readWaitPlan(role);
  if (!plan.ok) return `load: ${plan.error}`;
  const asked = plan.value.ask(context);
  return asked.ok ? asked.value : asked.error.message;
}

Deno.test("runs are a list, or a function that returns one; all but the workflow has a default", () => {
  const plain = { prompt: "", payload: {}, maxRounds: null };
  assert.deepEqual(ask([{ workflow: "check-host" }]), {
    kind: "children",
    runs: [{ workflow: "check-host", ...plain }],
  });
  const of = ({ config, start }: typeof context) =>
    config.hosts.map((host) => ({ workflow: start.workflow, payload: { host }, prompt: "p", maxRounds: 3 }));
  assert.deepEqual(ask(of), {
    kind: "children",
    runs: ["a", "b"].map((host) => ({ workflow: "w", payload: { host }, prompt: "p", maxRounds: 3 })),
  });
  assert.deepEqual(ask([]), { kind: "children", runs: [] });
});

Deno.test("what is fixed is wrong when the workflow loads, and what a function returns when a run comes there", () => {
  assert.equal(ask({}), "load: has runs that cannot be started: they are no list, but object");
  assert.equal(ask([{}]), "load: has runs that cannot be started: number 1 names no workflow");
  assert.equal(ask(() => null), "its runs cannot be started: they are no list, but null");
  assert.match(String(ask(() => assert.fail("no hosts"))), /^its runs threw: .*no hosts/);
  assert.equal(
    readChildrenPlan({ runs: [], timeout: "1h" }).ok ? "" : Object(readChildrenPlan({ runs: [], timeout: "1h" })).error,
    "has an unknown key timeout: write children(RUNS)",
  );
});

Deno.test("each run fits its bounds, and so do all of them together", () => {
  const fault = (...runs: unknown[]) => String(ask(() => runs)).replace("its runs cannot be started: ", "");
  const fine = { workflow: "w" };
  assert.equal(fault(fine, "w"), "number 2 is no object with a workflow");
  assert.equal(
    fault({ ...fine, host: "a" }),
    "number 1 has an unknown key host: the keys are workflow, payload, prompt, maxRounds",
  );
  assert.equal(fault({ workflow: "Not A Name" }), "number 1 names no workflow");
  assert.equal(fault({ ...fine, prompt: 5 }), "number 1 has a prompt that is not a text");
  assert.match(
    fault({ ...fine, prompt: "x".repeat(70_000) }),
    /^number 1 has a prompt that is larger than 65536 bytes$/,
  );
  assert.match(fault({ ...fine, maxRounds: 0 }), /^number 1 has a maxRounds that is no whole number from 1 to/);
  assert.match(fault({ ...fine, payload: { f: () => 1, big: 1n } }), /^number 1 has a payload that is not JSON/);
  assert.match(fault({ ...fine, payload: "x".repeat(300_000) }), /^number 1 has a payload that is larger than/);
  const many = Array.from({ length: childrenMax + 1 }, () => fine);
  assert.equal(fault(...many), `there are ${childrenMax + 1} of at most ${childrenMax}`);
  assert.match(
    fault(...many.slice(1).map((run) => ({ ...run, payload: "x".repeat(4_000) }))),
    /^the list is larger than 1048576 bytes of JSON: store large input as blobs$/,
  );
});
