/** A role that nerve plays, as the runtime knows it. Made by waits.ts and gates.ts. */
import type { Result } from "../base/result.ts";
import type { AskedWait } from "../protocol/asked_wait.ts";
import type { WaitContext } from "../sdk/waits.ts";

export interface WaitPlan {
  /** The people and groups that its author has named. */
  readonly approvers?: readonly string[];
  /** What the wait is about now. Calls the author's functions. */
  readonly ask: (context: WaitContext) => Result<AskedWait, WaitFault>;
}

/** `thrown`: what the author's function threw, for its place. */
export interface WaitFault {
  readonly message: string;
  readonly thrown: unknown;
}
