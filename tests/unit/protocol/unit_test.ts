/** Keys of units. Danger: a group and a workflow of the same name are confused. */
import assert from "node:assert/strict";
import { groupKey, parseUnitKey, workflowKey } from "../../../src/protocol/unit.ts";

Deno.test("a key reads back as its unit, and distinguishes groups from workflows", () => {
  assert.deepEqual(parseUnitKey(groupKey("cleanup")), { kind: "group", name: "cleanup" });
  assert.deepEqual(parseUnitKey(workflowKey("cleanup")), { kind: "workflow", name: "cleanup" });
});
