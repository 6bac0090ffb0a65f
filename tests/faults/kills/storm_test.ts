/** The short form of `deno task faults`. On failure the seed is in the message. */
import { randomSeed, repeatedBy } from "../../support/seed.ts";
import { weather } from "./storm.ts";

Deno.test("nothing is lost and nothing is done twice, although 40 kills, stops and freezes strike the daemon", async () => {
  const seed = randomSeed(), printed: string[] = [];
  try {
    await weather({ kills: 40, seed, print: (line) => printed.push(line) });
  } catch (cause) {
    throw new Error(`${cause} (${printed.join("; ")})\n${repeatedBy(seed)}`, { cause });
  }
});
