/** Builds an entry of `alerts` in nerve.yaml: sets defaults, checks the rules between its keys. Called by build.ts. */
import { alertLimitMax, defaultAlertLimit, defaultAlertLimitMs } from "../base/alert_limits.ts";
import { parseDuration } from "../base/duration.ts";
import type { AlertDefinition, AlertLimit } from "../protocol/alert.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { AlertShape } from "./schema.ts";

export function buildAlert(name: string, shape: Partial<AlertShape>, diagnostics: DiagnosticList): AlertDefinition {
  const path = ["alerts", name], when = shape.when ?? null, absentMs = shape.absent ?? null;
  if ((shape.sense ?? null) === null) {
    diagnostics.error(path, 'the key "sense" is missing', "it names the sense whose signals the alert watches");
  }
  if (when === null && absentMs === null) {
    diagnostics.error(path, "has no condition", "give it when: signal.used > 0.9, or absent: 15m");
  }
  checkEffects(shape, path, diagnostics);
  return {
    name,
    sense: shape.sense ?? "",
    when,
    clear: when === null ? null : shape.clear ?? null,
    forMs: shape.for ?? 0,
    keepFiringMs: shape.keep_firing_for ?? 0,
    absentMs,
    key: shape.key ?? null,
    severity: shape.severity ?? "warning",
    summary: shape.summary ?? null,
    workflow: shape.workflow ?? null,
    repeatMs: shape.repeat ?? null,
    limit: readLimit(shape.limit ?? null, [...path, "limit"], diagnostics),
  };
}

/** Refuses keys without any effect: the author of such a key expects one. */
function checkEffects(shape: Partial<AlertShape>, path: ConfigPath, diagnostics: DiagnosticList): void {
  const needs = { when: ["clear", "for"], workflow: ["repeat", "limit"] } as const;
  for (const [needed, keys] of Object.entries(needs) as [keyof typeof needs, readonly (keyof AlertShape)[]][]) {
    if ((shape[needed] ?? null) !== null) continue;
    for (const key of keys) {
      if ((shape[key] ?? null) === null) continue;
      diagnostics.error([...path, key], `${key} has no effect without ${needed}`, `remove it, or add ${needed}`);
    }
  }
}

function readLimit(text: string | null, path: ConfigPath, diagnostics: DiagnosticList): AlertLimit {
  const standard = { count: defaultAlertLimit, perMs: defaultAlertLimitMs };
  if (text === null) return standard;
  const match = /^(\d+) per (\S+)$/.exec(text.trim()), span = parseDuration(match?.[2] ?? "");
  const count = Number(match?.[1]);
  if (match === null || !span.ok || span.value === 0) {
    diagnostics.error(path, `${quote(text)} is not a limit`, "write 10 per 1h");
  } else if (count < 1 || count > alertLimitMax) {
    diagnostics.error(path, `must be at least 1 and at most ${alertLimitMax}`);
  } else return { count, perMs: span.value };
  return standard;
}
