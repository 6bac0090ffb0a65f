/**
 * The layers of isolation around the processes of units. The kernel gets them as an argument and passes them to
 * everything that starts a process (launcher.ts): no configuration or variable can remove a layer.
 */
import { NerveError } from "../base/errors.ts";
import { landlockHint, noLandlock, systemLandlock } from "../base/landlock.ts";

export interface Isolation {
  /** The version of this system's Landlock; 0: there is none, and only Deno's permissions isolate. */
  readonly landlock: number;
  /** Whether Deno's permissions apply. Only a test of Landlock alone turns them off. */
  readonly permissions: boolean;
}

/** The isolation that this system offers. */
export function systemIsolation(): Isolation {
  return { landlock: systemLandlock(), permissions: true };
}

/** Throws ISOLATION_MISSING where nerve.yaml requires Landlock and there is none. */
export function requireIsolation(wanted: "prefer" | "require", { landlock }: Isolation): void {
  if (wanted === "prefer" || landlock > 0) return;
  const message = `${noLandlock}, and isolation: require in nerve.yaml refuses to run without`;
  throw new NerveError("ISOLATION_MISSING", message, { hint: landlockHint });
}
