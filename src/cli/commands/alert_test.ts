/**
 * `nerve alert test [FILE]`: runs the alerts of nerve.yaml over the signals of a file in virtual time, and compares
 * their states with what the file expects. Needs no daemon.
 */
import { resolve } from "node:path";
import * as z from "zod";
import { type SimulatedSignal, Simulation } from "../../alerts/simulation.ts";
import { formatDuration, parseDuration } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { formatConfigPath, formatProblems } from "../../config/diagnostic.ts";
import { readDocument } from "../../config/yaml/document.ts";
import { type AlertDefinition, alertStatuses } from "../../protocol/alert.ts";
import { unknownAlert } from "../../protocol/common_errors.ts";
import type { Json } from "../../protocol/json.ts";
import { jsonSchema } from "../../protocol/json_schema.ts";
import { type CliIo, exit } from "../io.ts";
import type { AlertTestOutput } from "../render/alert_schemas.ts";
import { clip, plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const defaultFile = "alerts_test.yaml";
const signalsMax = 100_000;

const time = z.string().transform((text, context): number => {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

/** One test. Times count from its beginning; `every` repeats a signal up to `until`. */
const test = z.strictObject({
  alert: z.string(),
  name: z.string().optional(),
  signals: z.array(z.strictObject({ at: time, every: time.optional(), until: time.optional(), payload: jsonSchema })),
  expect: z.array(z.strictObject({
    at: time,
    key: z.union([z.string(), z.number(), z.boolean()]).transform(String).optional(),
    state: z.enum(alertStatuses),
    summary: z.string().optional(),
  })).min(1),
});
type AlertTest = z.infer<typeof test>;
type TestResult = AlertTestOutput["tests"][number];

export async function alertTest(io: CliIo, flags: Flags, file?: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), { alerts } = await requireConfig(paths);
  const path = file === undefined ? resolve(paths.root, defaultFile) : resolve(io.cwd, file);
  const tests = await readTests(path, file ?? defaultFile), results = tests.map((each) => runTest(each, alerts));
  if (flags.json) printJson(io, { tests: results } satisfies AlertTestOutput);
  else for (const result of results) printResult(io, result);
  const failed = results.filter(({ ok }) => !ok).length;
  if (!flags.json) {
    print(
      io,
      failed === 0
        ? `${sign.ok} ${plural(results.length, "test")} passed`
        : `${sign.failed} ${failed} of ${plural(results.length, "test")} failed`,
    );
  }
  return failed === 0 ? exit.ok : exit.failed;
}

async function readTests(path: string, shown: string): Promise<AlertTest[]> {
  const text = await ifPresentAsync(() => Deno.readTextFile(path));
  if (text === null) {
    throw new NerveError("USAGE", `there is no file ${shown}`, { hint: "docs/alerts.md shows what such a file holds" });
  }
  const document = readDocument(text, shown);
  if (document.diagnostics.some(({ severity }) => severity === "error")) {
    throw new NerveError("CONFIG_INVALID", formatProblems(document.diagnostics.slice(0, 1), "text"));
  }
  const parsed = z.array(test).safeParse(document.value ?? []);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues, at = issue?.path.map((step) => typeof step === "symbol" ? "" : step) ?? [];
  const { line, column } = document.placeOf(at);
  throw new NerveError("CONFIG_INVALID", `${shown}:${line}:${column} ${formatConfigPath(at)}: ${issue?.message}`, {
    hint: "docs/alerts.md shows what such a file holds",
  });
}

function runTest(
  { alert, name, signals, expect }: AlertTest,
  alerts: ReadonlyMap<string, AlertDefinition>,
): TestResult {
  const definition = alerts.get(alert);
  if (definition === undefined) throw unknownAlert(alert, alerts.keys());
  const simulation = new Simulation(definition, listSignals(signals));
  const failures = expect.toSorted((a, b) => a.at - b.at).flatMap(({ at, key = "", state, summary }) => {
    const found = simulation.stateAt(at, key);
    const wrong = found.status !== state || (summary !== undefined && found.summary !== summary);
    const show = (status: string, text: string | null | undefined) => text == null ? status : `${status}: ${text}`;
    return wrong
      ? [{ at: formatDuration(at), key, expected: show(state, summary), found: show(found.status, found.summary) }]
      : [];
  });
  const { faults } = simulation;
  return { alert, name: name ?? null, ok: failures.length === 0 && faults.length === 0, faults: [...faults], failures };
}

function listSignals(signals: AlertTest["signals"]): SimulatedSignal[] {
  const listed: SimulatedSignal[] = [];
  for (const { at, every, until = at, payload } of signals) {
    const step = every === undefined || every === 0 ? Infinity : every;
    for (let time = at; time <= Math.max(at, until); time += step) {
      if (listed.length >= signalsMax) throw new NerveError("USAGE", `a test has more than ${signalsMax} signals`);
      listed.push({ at: time, payload: payload as Json });
    }
  }
  return listed.sort((a, b) => a.at - b.at);
}

function printResult(io: CliIo, { alert, name, ok, faults, failures }: TestResult): void {
  print(io, `${ok ? sign.ok : sign.failed} ${clip(alert, 64)}${name === null ? "" : `: ${clip(name, 100)}`}`);
  for (const { at, key, expected, found } of failures) {
    const where = key === "" ? `at ${at}` : `at ${at}, ${clip(key, 64)}`;
    print(io, `   ${where}: expected ${clip(expected, 200)}, found ${clip(found, 200)}`);
  }
  for (const fault of faults) print(io, `   ${clip(fault, 200)}`);
}
