/** Writes a transcript of 100 MiB to a folder, and prints by how many bytes this process grew after the first ten. */
import { Transcripts } from "../../src/agents/transcripts.ts";
import { systemClock } from "../../src/base/clock.ts";

const [folder = ""] = Deno.args, piece = "x".repeat(16 * 1024);
const reportProblem = (message: string) => {
  throw new Error(message);
};
const transcripts = new Transcripts({ folder, clock: systemClock, reportProblem }), note = transcripts.noteFor("s");
let before = 0, most = 0;
for (let mib = 0; mib < 100; mib++) {
  for (let at = 0; at < 64; at++) note("said", piece);
  await transcripts.flush();
  const { rss } = Deno.memoryUsage();
  if (mib < 10) before = Math.max(before, rss);
  else most = Math.max(most, rss);
}
Deno.stdout.writeSync(new TextEncoder().encode(String(most - before)));
