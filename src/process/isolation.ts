/**
 * Which walls stand around the processes of units. The kernel gets it as an argument and passes it to every place that
 * starts a process (launcher.ts): nothing that a configuration or a variable says takes a wall away.
 */
import { NerveError } from "../base/errors.ts";
import { landlockHint, noLandlock, systemLandlock } from "../base/landlock.ts";

export interface Isolation {
  /** The version of this system's Landlock; 0: it has none, and Deno's permissions stand alone. */
  readonly landlock: number;
  /** Whether Deno's permissions hold. Only a test that asks what Landlock holds alone opens them. */
  readonly permissions: boolean;
}

/** Of this system. */
export function systemIsolation(): Isolation {
  return { landlock: systemLandlock(), permissions: true };
}

/** Throws ISOLATION_MISSING where nerve.yaml requires Landlock and there is none. */
export function requireIsolation(wanted: "prefer" | "require", { landlock }: Isolation): void {
  if (wanted === "prefer" || landlock > 0) return;
  const message = `${noLandlock}, and isolation: require in nerve.yaml refuses to run without`;
  throw new NerveError("ISOLATION_MISSING", message, { hint: landlockHint });
}
