import assert from "node:assert/strict";
import { listSignalFields } from "../../../src/config/check_alerts.ts";
import { configOf, hintOf, linesOf, problemLinesOf } from "../../support/parsed_config.ts";

const rest = `
senses: { disk: {}, other: { throttle: 1s } }
reflexes: [{ sense: disk, interval: 30s }, { sense: other, interval: 1h }]
workflows: { notify: {} }
`;

Deno.test("an alert has defaults, and what it says", () => {
  const { alerts } = configOf(`${rest}
alerts:
  plain: { sense: disk, when: signal.used > 0.9 }
  full:
    sense: disk
    when: signal.used > 0.9
    clear: signal.used < 0.8
    for: 2m
    keep_firing_for: 10m
    absent: 15m
    key: signal.path
    severity: critical
    summary: "{{ key }} is {{ round(signal.used * 100) }}% full"
    workflow: notify
    repeat: 4h
    limit: 10 per 1h
`);
  assert.deepEqual(alerts.get("plain"), {
    name: "plain",
    sense: "disk",
    when: "signal.used > 0.9",
    clear: null,
    forMs: 0,
    keepFiringMs: 0,
    absentMs: null,
    key: null,
    severity: "warning",
    summary: null,
    workflow: null,
    repeatMs: null,
    limit: { count: 60, perMs: 3_600_000 },
  });
  assert.deepEqual(alerts.get("full"), {
    name: "full",
    sense: "disk",
    when: "signal.used > 0.9",
    clear: "signal.used < 0.8",
    forMs: 120_000,
    keepFiringMs: 600_000,
    absentMs: 900_000,
    key: "signal.path",
    severity: "critical",
    summary: "{{ key }} is {{ round(signal.used * 100) }}% full",
    workflow: "notify",
    repeatMs: 14_400_000,
    limit: { count: 10, perMs: 3_600_000 },
  });
});

Deno.test("a fault in an expression has the place of its character", () => {
  assert.deepEqual(
    linesOf(`senses: { disk: {} }
reflexes: [{ sense: disk, interval: 30s }]
alerts:
  a: { sense: disk, when: signal.used > && true }
  b:
    sense: disk
    when: "signal.used > sginal.max"
    summary: 'x {{ kye }}'
  c:
    sense: disk
    when: |
      signal.used > 1 &&
        sginal.max > 2
`),
    [
      "nerve.yaml:4:41 error alerts.a.when: unexpected token: AND",
      'nerve.yaml:7:26 error alerts.b.when: there is no variable "sginal"',
      'nerve.yaml:8:20 error alerts.b.summary: there is no variable "kye"',
      'nerve.yaml:13:9 error alerts.c.when: there is no variable "sginal"',
    ],
  );
});

Deno.test("names are checked, with the nearest one", () => {
  const text = `${rest}
alerts:
  disk: { sense: disk, absent: 1h }
  a: { sense: dsk, absent: 1h, workflow: notfy }
  b: { sense: a, absent: 1h }
  c: { absent: 1h }
  d: { sense: disk }
`;
  assert.deepEqual(problemLinesOf(text), [
    'error alerts.disk: "disk" is the name of a sense, too',
    'error alerts.a.sense: there is no sense "dsk"',
    'error alerts.a.workflow: there is no workflow "notfy"',
    'error alerts.b.sense: "a" is an alert, not a sense',
    'error alerts.c: the key "sense" is missing',
    "error alerts.d: has no condition",
  ]);
  assert.equal(hintOf(text, "alerts.a.sense"), 'did you mean "disk"?');
  assert.equal(hintOf(text, "alerts.a.workflow"), 'did you mean "notify"?');
});

Deno.test("keys without effect, and limits that are none, are errors", () => {
  assert.deepEqual(
    problemLinesOf(`${rest}
alerts:
  a: { sense: disk, absent: 1h, for: 1m, clear: "true", repeat: 1h, limit: 1 per 1h }
  b: { sense: disk, when: "true", workflow: notify, limit: ten per hour }
  c: { sense: disk, when: "true", workflow: notify, limit: 0 per 1h, sevrity: info, severity: bad }
`),
    [
      "error alerts.a.for: for has no effect without when",
      "error alerts.a.clear: clear has no effect without when",
      "error alerts.a.repeat: repeat has no effect without workflow",
      "error alerts.a.limit: limit has no effect without workflow",
      'error alerts.b.limit: "ten per hour" is not a limit',
      "error alerts.c.limit: must be at least 1 and at most 100000",
      'error alerts.c.sevrity: unknown key "sevrity"',
      "error alerts.c.severity: must be info or warning or error or critical",
    ],
  );
});

Deno.test("an absence that is shorter than the interval is told", () => {
  assert.deepEqual(
    problemLinesOf(`${rest}\nalerts: { a: { sense: other, absent: 30m }, b: { sense: disk, absent: 30m } }`),
    [
      "warning alerts.a.absent: its sense computes every 1h, so that it fires between two computes",
    ],
  );
});

Deno.test("a sense may listen to an alert, but not endlessly to itself through one", () => {
  const file = (on: string) => `
senses: { disk: {}, other: { throttle: 1s } }
reflexes: [{ sense: disk, ${on} }, { sense: other, on: [full] }]
workflows: { notify: {} }
alerts: { full: { sense: disk, when: signal.used > 0.9 } }`;
  assert.deepEqual(problemLinesOf(file("interval: 30s")), []);
  assert.deepEqual(problemLinesOf(file("on: [full]")), [
    "error reflexes[0].on[0]: senses trigger each other endlessly: full -> disk -> full",
  ]);
});

Deno.test("fields that an expression tests with has() are no claim about its signals", () => {
  const { alerts } = configOf(`${rest}
alerts:
  a: { sense: disk, when: "has(signal.tag) && signal.used > last.used", key: signal.path, summary: "a {{ signal.free }}" }
`);
  const alert = alerts.get("a");
  assert.ok(alert !== undefined);
  const listed = listSignalFields(alert).map((
    [key, fields],
  ) => [key, fields.map(({ field, start }) => [field, start])]);
  assert.deepEqual(listed, [
    ["when", [["used", 19], ["used", 33]]],
    ["clear", []],
    ["key", [["path", 0]]],
    ["summary", [["free", 5]]],
  ]);
});
