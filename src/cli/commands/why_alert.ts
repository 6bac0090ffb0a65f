/**
 * `nerve why --alert NAME`: the current states of an alert, its newest rows, and whether its condition holds for the
 * last signal of its sense. Called by why.ts; needs no daemon.
 */
import { CompiledAlert } from "../../alerts/rule.ts";
import type { AlertDefinition } from "../../protocol/alert.ts";
import { isPlainObject, type Json } from "../../protocol/json.ts";
import type { LogRow } from "../../protocol/log.ts";
import { printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, printNothingYet } from "../open_records.ts";
import type { WhyAlertOutput } from "../render/alert_schemas.ts";
import { describeRow } from "../render/cause_text.ts";
import { clip, dim, formatRowHead, preview, print, printJson, sign, toOneLine } from "../render/terminal.ts";
import { openWorkspace, readConfigFile } from "../workspace.ts";
import { printAlert, readAlert } from "./alert_list.ts";

interface Flags {
  readonly limit: number;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function explainAlert(io: CliIo, flags: Flags, name: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), { alert, live, problem } = await readAlert(io, paths, name);
  using records = openRecordsOrEmpty(paths);
  const found = records.logs({ source: `alert:${name}`, order: "desc", limit: flags.limit + 1 });
  const items = found.slice(0, flags.limit).reverse(), more = found.length > flags.limit;
  const parsed = await readConfigFile(paths), definition = parsed.ok ? parsed.value.config.alerts.get(name) : undefined;
  const lastSignal = definition === undefined ? null : judgeLastSignal(records, definition);
  if (flags.json) {
    const output: WhyAlertOutput = { alert: name, items, more, now: alert, lastSignal, daemon: live, problem };
    printJson(io, output);
    return exit.ok;
  }
  for (const row of items) print(io, `${formatRowHead(io, row)} ${describeRow(row)}${formatCause(row)}`);
  if (more) print(io, dim(io, `more: nerve why --alert ${clip(name, 64)} --limit ${flags.limit * 5}`));
  print(io, dim(io, "now:"));
  printAlert(io, alert);
  if (lastSignal !== null) print(io, describeLastSignal(lastSignal, alert.when));
  else print(io, `${sign.idle} ${alert.sense} has given no signal`);
  printNothingYet(io, records);
  if (!live) printNoAnswer(io, problem);
  return exit.ok;
}

function formatCause({ causeId }: LogRow): string {
  return causeId === null ? "" : ` (because of ${causeId})`;
}

type LastSignal = NonNullable<WhyAlertOutput["lastSignal"]>;

function judgeLastSignal(records: CliRecords, definition: AlertDefinition): LastSignal | null {
  const source = `sense:${definition.sense}`;
  const [row, before] = records.logs({ source, type: "sense.signal", order: "desc", limit: 2 });
  if (row === undefined) return null;
  const compiled = new CompiledAlert(definition), signal = payloadOf(row), key = compiled.keyOf(signal);
  if (key.fault !== null) return { row, key: null, when: null, fault: `key failed: ${key.fault.message}` };
  if (definition.when === null) return { row, key: key.value, when: null, fault: null };
  const last = () => before === undefined ? null : payloadOf(before);
  const { observation, fault } = compiled.observe({ signal, key: key.value, last }, false);
  const failed = fault === null ? null : `${fault.expression} failed: ${fault.message}`;
  return { row, key: key.value, when: observation.verdict?.when ?? null, fault: failed };
}

function payloadOf({ payload }: LogRow): Json {
  return isPlainObject(payload) ? payload["payload"] as Json ?? null : null;
}

function describeLastSignal({ row, when, fault }: LastSignal, condition: string | null): string {
  const latest = `the last signal is row ${row.id}: ${preview(payloadOf(row), 160)}`;
  if (fault !== null) return `${sign.warning} ${latest}; ${clip(fault, 200)}`;
  if (condition === null) return `${sign.signal} ${latest}`;
  return `${sign.signal} ${latest}; for it, ${toOneLine(condition, 160)} is ${when === true ? "true" : "false"}`;
}
