/** The kernel's events, for the terminal of `nerve run` and for subscribers of the event stream. */
import type { LogLevel } from "./message.ts";
import type { Run } from "./run.ts";
import type { Signal } from "./signal.ts";

export type KernelEvent =
  | { readonly kind: "signal"; readonly signal: Signal }
  /** `tookMs`: from the run's start, or from its request if it never started, to its end; null until it has ended. */
  | { readonly kind: "run"; readonly run: Run; readonly tookMs: number | null }
  /** `unit` is `group:NAME` or `workflow:NAME`. */
  | {
    readonly kind: "unit";
    readonly unit: string;
    readonly change: UnitChange;
    readonly message: string;
    readonly ts: number;
  }
  /** Something a person should know; `source` as in the log. */
  | { readonly kind: "problem"; readonly source: string; readonly message: string; readonly ts: number }
  /** What user code logged with `ctx.log`, or printed (level "info"). */
  | {
    readonly kind: "log";
    readonly source: string;
    readonly level: LogLevel;
    readonly message: string;
    readonly ts: number;
  };

export type UnitChange = "ready" | "ended" | "died" | "quarantined" | "reset";
