/** Replaces "node:fs/promises" for code in the sandbox, as fs.ts replaces "node:fs". */
import promises from "node:fs/promises";

/** Closed: see fs.ts. */
export function watch(): never {
  throw new Deno.errors.NotCapable(
    "fs.watch is closed in the sandbox: the system's watchers are few, and counted for all programs",
  );
}

const whole: typeof promises = { ...promises, watch };

export * from "node:fs/promises";
export default whole;
// For packages that call require("fs/promises").
export { whole as "module.exports" };
