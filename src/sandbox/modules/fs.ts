/**
 * Replaces "node:fs" for code in the sandbox, through module_gate.ts: the same without watchers, which the system counts
 * for all programs of the user.
 */
import fs from "node:fs";
import promises, { watch } from "./fs_promises.ts";

const whole: typeof fs = { ...fs, watch, promises };

export * from "node:fs";
export { promises, watch };
export default whole;
// For packages that call require("fs").
export { whole as "module.exports" };
