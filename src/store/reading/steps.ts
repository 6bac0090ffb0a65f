/**
 * Long reads, in steps: the caller may do other work, or stop, between two of them. Used by the readers of the log and
 * its archive, also in the sandbox; slices.ts runs the steps between other work.
 */

/** A result computed in steps of a few milliseconds. */
export type Steps<T> = Generator<void, T, void>;

/** Runs all steps at once, for a program without other work. */
export function readAll<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
