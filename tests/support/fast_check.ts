/**
 * fast-check, with a way to repeat a failure. Tests import `fc` from here; tests/house/properties_test.ts checks that.
 * A property that fails prints its seed, its path and its smallest counterexample, and the command that repeats it.
 */
import fc from "fast-check";
import { askedSeed, repeatedBy } from "./seed.ts";

if (askedSeed !== null) fc.configureGlobal({ seed: askedSeed });

fc.installGlobalPlugin(() => ({
  onAllRunsComplete(details) {
    if (!details.failed) return;
    const cause = details.errorInstance;
    throw new Error(`${fc.defaultReportMessage(details)}\n${repeatedBy(details.seed)}`, { cause });
  },
}));

export { default } from "fast-check";
