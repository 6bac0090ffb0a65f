/** The short form of `deno task faults`. On failure the seed is in the message. */
import { weather } from "./daemon_kills.ts";

Deno.test("every run completes exactly once, although its daemon is killed four times", async () => {
  const seed = Number(Deno.env.get("NERVE_FAULTS_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  const told: string[] = [];
  try {
    await weather({ runs: 10, kills: 4, seed, say: (line) => told.push(line) });
  } catch (cause) {
    throw new Error(`NERVE_FAULTS_SEED=${seed} (${told.join("; ")}): ${cause}`, { cause });
  }
});
