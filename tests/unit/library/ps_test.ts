/** The output of ps. */
import assert from "node:assert/strict";
import { findAgeError, isNamed, parsePs, type Process, showsOtherName } from "../../../senses/process-watch/ps.ts";

Deno.test("lines of ps are read with days, spaces and zombies, and other lines are rejected", () => {
  const output = "    1  0 0 Ss   12040       00:07 a name\n  22 1 5 Z 0 01:00:00 gone <defunct>\n" +
    " 333 1 1000 R+ 8 12-01:02:03   sh\n 4 1 0 S 8 - odd\n";
  assert.deepEqual(parsePs(output), [
    { pid: 1, ppid: 0, uid: 0, rssBytes: 12_040 * 1024, seconds: 7, text: "a name" },
    { pid: 333, ppid: 1, uid: 1000, rssBytes: 8 * 1024, seconds: 12 * 86_400 + 3_723, text: "sh" },
    { pid: 4, ppid: 1, uid: 0, rssBytes: 8 * 1024, seconds: null, text: "odd" },
  ]);
  // A process may have an empty name, and ps need not print the space before it; a name with a line break hides no
  // process.
  const names = parsePs("7 1 0 S 8 00:01\n8 1 0 S 8 00:01 \n9 1 0 S 8 00:01 a\u2028b\n").map(({ text }) => text);
  assert.deepEqual(names, ["", "", "a\u2028b"]);
  assert.throws(() => parsePs("PID PPID EUID STAT RSS ELAPSED COMMAND\n"), /unexpected/);
});

Deno.test("a name is the whole name, or what Linux leaves of it", () => {
  const cases: [shown: string, name: string, expected: boolean][] = [
    ["sshd", "sshd", true],
    ["sshd", "ssh", false],
    ["ssh", "sshd", false],
    ["prometheus-node", "prometheus-node-exporter", true],
    ["prometheus-node", "prometheus-node", true],
    ["prometheus-nod", "prometheus-node", false],
    // Kernel threads have longer names.
    ["kworker/0:0H-events_highpri", "kworker/0:0H-events_highpri", true],
    ["kworker/0:0H-events_highpri", "kworker/0:0H-ev", true],
    ["kworker/0:0H-events_highpri", "kworker/0:0H", false],
    ["kworker/0:0H-events_highpri", "kworker/0:0H-events_power", false],
    ["kworker/0:0H-ev", "kworker/0:0H-events_highpri", true],
  ];
  for (const [shown, name, expected] of cases) assert.equal(isNamed(shown, name), expected, `${shown} for ${name}`);
});

Deno.test("a command line shows whether a long name is another one", () => {
  const name = "prometheus-node-exporter";
  const cases: [commandLine: string, other: boolean][] = [
    ["/usr/bin/prometheus-node-exporter --web", false],
    ["prometheus-node-exporter", false],
    ["/usr/bin/prometheus-node-other --x /prometheus-node-exporter", true],
    ["prometheus-node-exporter2 --web", true],
    ["python3 /usr/bin/prometheus-node-exporter", false],
    ["[prometheus-node]", false],
    ["", false],
  ];
  for (const [line, other] of cases) assert.equal(showsOtherName(line, name), other, line);
  assert.equal(showsOtherName("/tmp/a program with spaces --x", "a program with spaces"), false);
});

Deno.test("ages of a container are put right, or are not reported", () => {
  const at = (pid: number, ppid: number, seconds: number | null): Process => {
    return { pid, ppid, uid: 0, rssBytes: 0, seconds, text: "" };
  };
  const seen = (first: number, self: number, ps: number | null) => [at(1, 0, first), at(50, 1, self), at(60, 50, ps)];
  assert.equal(findAgeError(seen(900, 100, 0), 50, 99), 0);
  assert.equal(findAgeError(seen(900, 100, 2), 50, 99), 0, "a slow start");
  assert.equal(findAgeError(seen(90_900, 90_100, 90_000), 50, 99), 90_000, "the container is younger");
  assert.equal(findAgeError(seen(900, 38_109_072_931_200, 38_109_072_931_200), 50, 99), null, "an overflow");
  assert.equal(findAgeError(seen(900, 100, null), 50, 99), null);
  assert.equal(findAgeError(seen(900, 20, 0), 50, 99), null, "nerve itself has been running for longer");
  assert.equal(findAgeError(seen(0, 0, 0), 50, 1), null, "nothing seems to be old");
});
