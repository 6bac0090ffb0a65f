/**
 * Compares the expressions of alerts with recorded signals of their senses: a field that no signal had is probably
 * misspelt. For `nerve validate`; it skips senses without signals in the log.
 */
import { hintNearest } from "../base/did_you_mean.ts";
import { listSignalFields } from "../config/check_alerts.ts";
import { type Diagnostic, quote } from "../config/diagnostic.ts";
import { DiagnosticList } from "../config/diagnostic_list.ts";
import type { ParsedConfig } from "../config/parse.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { isPlainObject } from "../protocol/json.ts";
import { type CliRecords, openRecords } from "./open_records.ts";

/** How many of the newest signals of a sense are read. */
const signalsRead = 50;

export function checkRecordedFields({ config, placeOf }: ParsedConfig, paths: WorkspacePaths): Diagnostic[] {
  if (config.alerts.size === 0) return [];
  using records = openRecords(paths);
  if (records === null) return [];
  const diagnostics = new DiagnosticList(placeOf), known = new Map<string, Set<string>>();
  for (const alert of config.alerts.values()) {
    const fields = known.get(alert.sense) ?? readFields(records, alert.sense);
    known.set(alert.sense, fields);
    if (fields.size === 0) continue;
    for (const [key, named] of listSignalFields(alert)) {
      for (const { field, start } of named) {
        if (fields.has(field)) continue;
        const message = `no recorded signal of ${alert.sense} has the field ${quote(field)}`;
        diagnostics.warning(["alerts", alert.name, key], message, () => hintNearest(field, fields), start);
      }
    }
  }
  return diagnostics.sorted();
}

/** Empty when there is no signal, or the payload of one is not an object: nothing can be compared then. */
function readFields(records: CliRecords, sense: string): Set<string> {
  const fields = new Set<string>();
  for (
    const { payload } of records.logs({
      source: `sense:${sense}`,
      type: "sense.signal",
      order: "desc",
      limit: signalsRead,
    })
  ) {
    const signal = isPlainObject(payload) ? payload["payload"] : null;
    if (!isPlainObject(signal)) return new Set();
    for (const field of Object.keys(signal)) fields.add(field);
  }
  return fields;
}
