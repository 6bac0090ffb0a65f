/** The short form of `deno task faults`. On failure the seed is in the message. */
import { randomSeed, repeatedBy } from "../../support/seed.ts";
import { weather } from "./daemon_kills.ts";

Deno.test("every run completes exactly once, although its daemon is killed four times", async () => {
  const seed = randomSeed(), printed: string[] = [];
  try {
    await weather({ runs: 10, kills: 4, seed, print: (line) => printed.push(line) });
  } catch (cause) {
    throw new Error(`${cause} (${printed.join("; ")})\n${repeatedBy(seed)}`, { cause });
  }
});
