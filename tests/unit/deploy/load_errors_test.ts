/** Code on disk that does not load. Danger: an error that is reported as if old code still ran, or that never ends. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { CurrentConfig } from "../../../src/deploy/current_config.ts";
import { LoadErrors } from "../../../src/deploy/load_errors.ts";
import { planUnits } from "../../../src/deploy/unit_plans.ts";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import type { LoadProblem } from "../../../src/protocol/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const problem: LoadProblem = { message: "unexpected token", place: { file: "senses/a/index.ts", line: 2, column: 3 } };

function setUp() {
  const parsed = parseNerveConfig("senses: { a: { group: g }, b: { group: g } }\nworkflows: { w: {} }\n");
  assert.ok(parsed.ok);
  const current = new CurrentConfig(parsed.value.config);
  for (const plan of planUnits(parsed.value.config, workspacePaths("/w"))) current.putUnit(plan);
  const rows: NewLogRow[] = [], events: KernelEvent[] = [], loaded: [string, readonly LoadProblem[]][] = [];
  const running = { id: 7 };
  const errors = new LoadErrors({
    current,
    supervisor: { findProcess: () => running as never },
    senses: {
      recordOf: (name) => ({ loadProblems: loaded.findLast(([sense]) => sense === name)?.[1] ?? [] }),
      onLoaded: (name, problems) => void loaded.push([name, problems]),
    },
    clock: new FakeClock(),
    append: (row) => rows.push(row),
    emit: (event) => events.push(event),
  });
  return { errors, rows, events, loaded, running, unit: (key: `group:g` | `workflow:w`) => current.findUnit(key)! };
}

Deno.test("refused code is reported with the running version, for as long as that version's process runs", () => {
  const { errors, rows, events, running, unit } = setUp();
  errors.recordRefused(unit("group:g"), new Map([["a", [problem]]]), 7);
  assert.deepEqual(rows.map(({ source, type }) => [source, type]), [["sense:a", "sense.load_failed"]]);
  assert.deepEqual(events.map((event) => event.kind === "problem" && event.message), [
    "still on the previous version, because the new one cannot be loaded: unexpected token (senses/a/index.ts:2:3)",
  ]);
  assert.match(errors.describeProblem("group:g", "a") ?? "", /^still on the previous version: unexpected token/);
  assert.equal(errors.describeProblem("group:g", "b"), null);
  assert.equal(errors.listProblems("group:g")[0]?.message, "still on the previous version: unexpected token");
  running.id = 8;
  assert.match(errors.describeProblem("group:g", "a") ?? "", /^cannot be loaded: /);
});

Deno.test("code in force that does not load is an error of the workflow, or of its sense's record", () => {
  const { errors, rows, loaded, unit } = setUp();
  errors.recordTried(unit("workflow:w"), new Map([["w", [problem]]]));
  assert.deepEqual(rows.map(({ type }) => type), ["workflow.load_failed"]);
  assert.match(errors.describeProblem("workflow:w", "w") ?? "", /^cannot be loaded: /);
  errors.recordTried(unit("group:g"), new Map([["a", [problem]]]));
  assert.deepEqual(loaded, [["a", [problem]]]);
  assert.deepEqual(errors.listProblems("group:g").map(({ about, message }) => [about, message]), [
    ["sense:a", "unexpected token"],
  ]);
  errors.recordTried(unit("group:g"), new Map());
  assert.deepEqual(loaded.at(-1), ["a", []]);
});

Deno.test("an error ends when the code loads, or when its unit is forgotten", () => {
  const { errors, unit } = setUp();
  for (const end of [() => errors.recordTried(unit("workflow:w"), new Map()), () => errors.forget("workflow:w")]) {
    errors.recordRefused(unit("workflow:w"), new Map([["w", [problem]]]), 7);
    end();
    assert.equal(errors.describeProblem("workflow:w", "w"), null);
    assert.deepEqual(errors.listProblems("workflow:w"), []);
  }
});
