/**
 * Checks alerts against the rest of nerve.yaml, and their expressions. Pure; called by parse.ts. recorded_fields.ts
 * compares the expressions with signals of the log.
 */
import { type CelFault, type CelField, compileCel } from "../base/cel.ts";
import { compileTemplate } from "../base/cel_template.ts";
import { formatDuration } from "../base/duration.ts";
import { hintNearest } from "../base/did_you_mean.ts";
import { type AlertDefinition, alertKeyVariables, alertVariables } from "../protocol/alert.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { clipText, type ConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { Uncertainties } from "./error_recovery.ts";
import { type NerveConfig, reflexesOf } from "./types.ts";

export function checkAlerts(config: NerveConfig, diagnostics: DiagnosticList, { senses }: Uncertainties): void {
  for (const alert of config.alerts.values()) {
    // Compiling takes a tenth of a millisecond: thousands of expressions must not block the kernel for nothing.
    if (diagnostics.full) return;
    const path = ["alerts", alert.name];
    if (config.senses.has(alert.name)) {
      diagnostics.error(path, `${quote(alert.name)} is the name of a sense, too`, "its signals would have two sources");
    }
    if (!senses && alert.sense !== "") checkSense(config, alert, [...path, "sense"], diagnostics);
    if (alert.workflow !== null && !config.workflows.has(alert.workflow)) {
      const { workflow } = alert, text = unknownText("workflow", clipText(workflow));
      diagnostics.error([...path, "workflow"], text, () => hintNearest(workflow, config.workflows.keys()));
    }
    for (const [key, faults] of findFaults(alert)) {
      for (const { message, hint, start } of faults) diagnostics.error([...path, key], message, hint, start);
    }
    warnSlowSense(config, alert, path, diagnostics);
  }
}

function checkSense(config: NerveConfig, alert: AlertDefinition, path: ConfigPath, diagnostics: DiagnosticList): void {
  const { sense } = alert;
  if (config.senses.has(sense)) return;
  const isAlert = config.alerts.has(sense);
  const message = isAlert ? `${quote(sense)} is an alert, not a sense` : unknownText("sense", clipText(sense));
  const hint = isAlert ? "an alert watches the signals of a sense" : () => hintNearest(sense, config.senses.keys());
  diagnostics.error(path, message, hint);
}

type ExpressionKey = "when" | "clear" | "key" | "summary";

function findFaults(alert: AlertDefinition): [ExpressionKey, readonly CelFault[]][] {
  const found: [ExpressionKey, readonly CelFault[]][] = [];
  for (const key of ["when", "clear"] as const) {
    const source = alert[key], compiled = source === null ? null : compileCel(source, alertVariables, "bool");
    if (compiled?.ok === false) found.push([key, [compiled.error]]);
  }
  const key = alert.key === null ? null : compileCel(alert.key, alertKeyVariables, "any");
  if (key?.ok === false) found.push(["key", [key.error]]);
  const summary = alert.summary === null ? null : compileTemplate(alert.summary, alertVariables);
  if (summary?.ok === false) found.push(["summary", summary.error]);
  return found;
}

/** Warns when `absent` is not longer than the time between two computes: the alert would fire and resolve each time. */
function warnSlowSense(
  config: NerveConfig,
  alert: AlertDefinition,
  path: ConfigPath,
  diagnostics: DiagnosticList,
): void {
  const intervals = reflexesOf(config, alert.sense).map(({ intervalMs, cron, on }) =>
    cron === null && on.length === 0 ? intervalMs : null
  );
  const shortest = intervals.reduce<number | null>((least, each) => {
    return least === null || each === null ? null : Math.min(least, each);
  }, Infinity);
  if (alert.absentMs === null || shortest === null || shortest === Infinity || shortest < alert.absentMs) return;
  const message = `its sense computes every ${formatDuration(shortest)}, so that it fires between two computes`;
  diagnostics.warning([...path, "absent"], message, `write more than ${formatDuration(shortest)}`);
}

/** The signal fields that an alert reads without `has`, by key of its entry. Empty for faulty expressions. */
export function listSignalFields(alert: AlertDefinition): [ExpressionKey, readonly CelField[]][] {
  const fieldsOf = (key: "when" | "clear" | "key"): CelField[] => {
    const source = alert[key], variables = key === "key" ? alertKeyVariables : alertVariables;
    const compiled = source === null ? null : compileCel(source, variables, "any");
    return compiled?.ok === true ? [...compiled.value.fields] : [];
  };
  const listed: [ExpressionKey, readonly CelField[]][] = (["when", "clear", "key"] as const)
    .map((key) => [key, fieldsOf(key)]);
  const summary = alert.summary === null ? null : compileTemplate(alert.summary, alertVariables);
  if (summary?.ok === true) listed.push(["summary", summary.value.fields]);
  const read = ({ of, tested }: CelField) => !tested && (of === "signal" || of === "last");
  return listed.map(([key, fields]) => [key, fields.filter(read)]);
}
