/** Cron lines when clocks change. The bug was: 0 2,14 * * * skipped a day in spring, and ran twice in autumn. */
import assert from "node:assert/strict";
import { CronTimes } from "../../../src/scheduler/cron_times.ts";
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs;
const at = (iso: string): number => Date.parse(iso);

function dueTimes(line: string, zone: string, from: number, to: number): number[] {
  const times = new CronTimes(line, zone), found: number[] = [];
  for (let time = times.findNext(from - 1); time !== null && time < to; time = times.findNext(time)) found.push(time);
  return found;
}

const shown = (times: number[]) => times.map((time) => new Date(time).toISOString().slice(0, 16));
const spring = [at("2026-03-28T23:00Z"), at("2026-03-29T22:00Z")] as const;
const autumn = [at("2026-10-24T22:00Z"), at("2026-10-25T23:00Z")] as const;
const berlin = (line: string, [from, to]: readonly [number, number]) =>
  shown(dueTimes(line, "Europe/Berlin", from, to));

Deno.test("what the clock skips is due once, when the gap ends, whether it is a number, a list or a range", () => {
  assert.deepEqual(berlin("30 2 * * *", spring), ["2026-03-29T01:00"]);
  assert.deepEqual(berlin("0 2,14 * * *", spring), ["2026-03-29T01:00", "2026-03-29T12:00"]);
  assert.deepEqual(berlin("0,30 2 * * *", spring), ["2026-03-29T01:00"]);
  assert.deepEqual(berlin("30 1-3 * * *", spring), ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"]);
});

Deno.test("what the clock shows twice is due the first time", () => {
  assert.deepEqual(berlin("30 2 * * *", autumn), ["2026-10-25T00:30"]);
  assert.deepEqual(berlin("0 2,14 * * *", autumn), ["2026-10-25T00:00", "2026-10-25T13:00"]);
  assert.deepEqual(berlin("0 1-3 * * *", autumn), ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T02:00"]);
});

Deno.test("a line with a star follows the clock: nothing in the gap, both times in the repeated hour", () => {
  assert.deepEqual(berlin("*/30 2 * * *", spring), []);
  assert.deepEqual(berlin("*/30 2 * * *", autumn).length, 4);
  assert.deepEqual(berlin("@hourly", autumn).length, 25);
  assert.deepEqual(berlin("@daily", autumn).length, 1);
});

Deno.test("a day field that begins with a star does not widen the other, two without one do", () => {
  const may = (line: string) => shown(dueTimes(line, "UTC", at("2026-05-03T00:00Z"), at("2026-05-30T00:00Z")));
  assert.deepEqual(may("0 16 */2 * SAT"), ["2026-05-09T16:00", "2026-05-23T16:00"]);
  assert.deepEqual(may("0 16 1-9 * */6"), ["2026-05-03T16:00", "2026-05-09T16:00"]);
  assert.deepEqual(may("0 16 20 * SAT").length, 4);
});

Deno.test("a rare line is found over many changes of the clock, in both directions", () => {
  const leap = new CronTimes("*/10 2 29 2 *", "Europe/Berlin");
  assert.equal(leap.findNext(at("2025-01-01T00:00Z")), at("2028-02-29T01:00Z"));
  assert.equal(leap.findLast(at("2027-12-31T00:00Z")), at("2024-02-29T01:50Z"));
});

/** What a field such as `1-3,*\/20` allows, in an independent implementation. */
function allows(field: string, value: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/"), [low = "", high = low] = range.split("-");
    const [from, to] = range === "*" ? [0, 59] : [Number(low), Number(high)];
    return value >= from && value <= to && (value - from) % Number(step) === 0;
  });
}

/** cron(8) itself: it checks the clock each minute, and remembers how far it has come. */
function* simulate(line: string, zone: string, from: number, to: number): Generator<number> {
  const [minutes = "", hours = ""] = line.split(" "), hasStar = minutes.startsWith("*") || hours.startsWith("*");
  const format = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  const clock = (time: number) => at(`${format.format(time).replace(" ", "T")}Z`);
  const matches = (local: number) =>
    allows(minutes, new Date(local).getUTCMinutes()) && allows(hours, new Date(local).getUTCHours());
  let done = clock(from - 30 * hourMs);
  for (let time = from - 30 * hourMs; time < to; time += minuteMs) {
    const local = clock(time);
    let due = hasStar && matches(local);
    for (; done < local; done += minuteMs) due ||= !hasStar && matches(done + minuteMs);
    if (due && time >= from) yield time;
  }
}

const changes = [
  ...["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-03-08T10:00Z", "2026-11-01T09:00Z", "2026-06-01T00:00Z"],
  ...["2026-04-04T15:00Z", "2026-10-03T15:30Z", "2011-12-30T10:00Z", "2026-09-05T16:00Z", "2026-04-05T03:00Z"],
].map(at);
const zones = [
  "Europe/Berlin",
  "America/Los_Angeles",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "America/Santiago",
  "UTC",
];
const field = (max: number) => {
  const value = fc.integer({ min: 0, max }),
    range = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
  const step = fc.integer({ min: 1, max: 20 });
  const part = fc.oneof(
    value.map(String),
    range.map((r) => r.join("-")),
    fc.tuple(range, step).map(([r, s]) => `${r.join("-")}/${s}`),
  );
  return fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(",")),
    step.map((s) => `*/${s}`),
    fc.constant("*"),
  );
};

scaled.test("for any line, zone and change of the clock: due as cron(8) has it, forward and backward", () => {
  const line = fc.tuple(field(59), field(23)).map(([minutes, hours]) => `${minutes} ${hours} * * *`);
  fc.assert(
    fc.property(line, fc.constantFrom(...zones), fc.constantFrom(...changes), (line, zone, change) => {
      const from = change - 6 * hourMs, to = change + 6 * hourMs;
      const due = dueTimes(line, zone, from, to), times = new CronTimes(line, zone);
      assert.deepEqual(shown(due), shown([...simulate(line, zone, from, to)]));
      due.forEach((time, index) => {
        assert.equal(times.findLast(time), time);
        if (index > 0) assert.equal(times.findLast(time - 1), due[index - 1]);
      });
    }),
    { numRuns: isLong ? 150 : 40 },
  );
});
