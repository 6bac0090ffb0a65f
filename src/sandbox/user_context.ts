/** What both runtimes give to user code besides its own data: imports, logging, the log's rows, frozen values. */
import { pathToFileURL } from "node:url";
import { logLineMaxBytes } from "../base/limits.ts";
import { type Json, toJsonText } from "../protocol/json.ts";
import type { LogLevel } from "../protocol/message.ts";
import type { LogFunction, SenseLogs } from "../sdk/sense.ts";
import { StoreReader } from "../store/log/reader.ts";
import type { KernelChannel } from "./runtime.ts";

/** Imports a user's module; Deno checks the worker's read permission on it and on all that it imports. */
export async function importFile(path: string): Promise<Record<string, unknown>> {
  return await import(pathToFileURL(path).href);
}

/** Freezes JSON all the way down: two computes must not speak through their configuration. */
export function deepFreeze<T extends Json>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

const levels: ReadonlySet<LogLevel> = new Set(["debug", "info", "warn", "error"]);

/** `ctx.log`, which never throws: data that is no JSON or too large is replaced by the reason. */
export function logFunction(kernel: KernelChannel, of: string): LogFunction {
  return (level, message, data = null) => {
    const text = toJsonText(data, logLineMaxBytes);
    kernel.sendNow({
      t: "log",
      of,
      level: levels.has(level) ? level : "info",
      message: String(message).slice(0, logLineMaxBytes / 4),
      data: text.ok ? JSON.parse(text.value) : { dropped: `data ${text.error}` },
    });
  };
}

export interface OpenLogs {
  readonly logs: SenseLogs;
  readonly close: () => void;
}

/** `ctx.logs`, opened at its first query. */
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
