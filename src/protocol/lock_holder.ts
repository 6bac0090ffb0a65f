/**
 * The holder of a workspace: the line in `nerve.lock`, `PID STARTTIME KIND PROGRAM`. Written by
 * store/workspace_lock.ts, read by daemon/discovery.ts. The lock itself decides who may run; the line tells a command
 * which process it may stop, and how.
 */
import { toPrintable } from "../base/printable.ts";
import type { ProcessId } from "../base/process_id.ts";

/**
 * `daemon`: under nerve's supervisor. `foreground`: `nerve run`, also under systemd. `embedded`: inside a program that
 * is not nerve, and that no command may end. `command`: a command of nerve that needs the workspace for itself, and
 * ends soon.
 */
const holderKinds = ["daemon", "foreground", "embedded", "command"] as const;
export type HolderKind = typeof holderKinds[number];

export interface HolderName {
  readonly kind: HolderKind;
  /** The name for people: `nerve`, or the program that embeds it. */
  readonly program: string;
}

export interface LockHolder extends ProcessId, HolderName {}

const programMaxChars = 100;

export function formatLockHolder({ pid, startTime, kind, program }: LockHolder): string {
  const name = toPrintable(program.replaceAll(/\s+/g, " ").trim()).slice(0, programMaxChars);
  return `${pid} ${startTime ?? ""} ${kind} ${name}\n`;
}

/** Null for an empty or truncated line. An earlier version wrote neither kind nor program. */
export function parseLockHolder(text: string): LockHolder | null {
  const [pid = "", startTime = "", word = "", ...program] = text.trim().split(" ");
  if (!/^\d+$/.test(pid)) return null;
  const kind = holderKinds.find((known) => known === word) ?? "foreground";
  return {
    pid: Number(pid),
    startTime: startTime === "" ? null : startTime,
    kind,
    program: program.join(" ") || "nerve",
  };
}

/** Such as `the daemon (pid 42)`. */
export function describeLockHolder({ pid, kind, program }: LockHolder): string {
  if (kind === "embedded") return `the program ${program} (pid ${pid}), which embeds nerve`;
  return kind === "command" ? `a command of nerve (pid ${pid})` : `the daemon (pid ${pid})`;
}
