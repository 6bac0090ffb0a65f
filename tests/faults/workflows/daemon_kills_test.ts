/** The short form of `deno task faults`. On failure the seed is in the message. */
import { randomSeed, repeatedBy } from "../../support/seed.ts";
import { weather } from "./daemon_kills.ts";

Deno.test("every run completes exactly once, although its daemon is killed four times", async () => {
  const seed = randomSeed(), told: string[] = [];
  try {
    await weather({ runs: 10, kills: 4, seed, say: (line) => told.push(line) });
  } catch (cause) {
    throw new Error(`${cause} (${told.join("; ")})\n${repeatedBy(seed)}`, { cause });
  }
});
