/** What both runtimes offer to user code besides its own data: logging, queries of the log, frozen values. */
import { logLineMaxBytes, silenceMaxChars } from "../base/limits.ts";
import { type Json, type JsonObject, toJsonText } from "../protocol/json.ts";
import type { LogLevel } from "../protocol/message.ts";
import type { LogFunction, SenseLogs } from "../sdk/sense.ts";
import { StoreReader } from "../store/log/reader.ts";
import { maskOwnText, maskOwnValue } from "./own_secrets.ts";
import type { KernelChannel } from "./runtime.ts";

/** Freezes JSON recursively: computes must not share state through their configuration. */
export function deepFreeze<T extends Json>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Why a compute is silent, if it returned only `{ silent: "..." }`. `json` null: it returned nothing. */
export function readSilence(json: string | null): string | null {
  if (json === null || !json.startsWith('{"silent":"')) return null;
  const { silent, ...rest } = JSON.parse(json) as JsonObject;
  return typeof silent === "string" && silent !== "" && Object.keys(rest).length === 0
    ? silent.slice(0, silenceMaxChars).toWellFormed()
    : null;
}

const levels: ReadonlySet<LogLevel> = new Set(["debug", "info", "warn", "error"]);

/** Creates `ctx.log`, which never throws: data that is not JSON, or is too large, is replaced by the reason. */
export function createLog(kernel: KernelChannel, of: string): LogFunction {
  return (level, message, data = null) => {
    const text = toJsonText(data, logLineMaxBytes);
    kernel.sendNow({
      t: "log",
      of,
      level: levels.has(level) ? level : "info",
      message: maskOwnText(String(message)).slice(0, logLineMaxBytes / 4),
      data: text.ok ? maskOwnValue(JSON.parse(text.value)) : { dropped: `data ${text.error}` },
    });
  };
}

export interface OpenLogs {
  readonly logs: SenseLogs;
  readonly close: () => void;
}

/** Creates `ctx.logs`, whose database is opened at the first query. */
export function openLogs(database: string): OpenLogs {
  let reader: StoreReader | null = null;
  return {
    logs: {
      query(filter) {
        reader ??= StoreReader.open(database);
        return reader?.logs({ order: "desc", ...filter, limit: Math.min(filter.limit ?? 100, 10_000) }) ?? [];
      },
    },
    close: () => reader?.close(),
  };
}
