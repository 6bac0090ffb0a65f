/** Keys of units. Danger: a group and a workflow of one name that are taken for each other. */
import assert from "node:assert/strict";
import { groupKey, parseUnitKey, workflowKey } from "../../../src/protocol/unit.ts";

Deno.test("a key reads back as its unit, and distinguishes groups from workflows", () => {
  assert.deepEqual(parseUnitKey(groupKey("cleanup")), { kind: "group", name: "cleanup" });
  assert.deepEqual(parseUnitKey(workflowKey("cleanup")), { kind: "workflow", name: "cleanup" });
});
