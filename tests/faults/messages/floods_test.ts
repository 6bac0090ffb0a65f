/**
 * Eight processes that say as much as they can at once, in the longest messages there are. Danger: each keeps to its own
 * budget, and together they take the kernel's thread, so that every other sense is late.
 */
import assert from "node:assert/strict";
import { hostile, HostileProcesses } from "../../support/hostile_processes.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const tickMs = 50, ticks = 40, rounds = 5;
/** How much later a tick may be beside the floods. The machine has other work to do, so most ticks count, not the last. */
const laterMaxMs = 50, counted = 0.9;

const names = Array.from({ length: 8 }, (_, at) => `flood-${at}`);
/** Answers that nobody asked for, of nearly the largest size, in the shape that takes longest to read. */
const flood = `await say({ t: "ready" });
  const value = Array.from({ length: 120_000 }, () => 0);
  const line = JSON.stringify({ t: "outcome", id: 999_999_999, ranMs: 1, outcome: { kind: "value", value } }) + "\\n";
  for (;;) await write(line);`;
/** The same in many short messages. */
const drizzle = `await say({ t: "ready" });
  const line = JSON.stringify({ t: "stray", message: "x", place: null }) + "\\n";
  for (;;) await write(line.repeat(1_000));`;

for (const [what, script] of Object.entries({ "long messages": flood, "short messages": drizzle })) {
  long.test(`eight groups that flood with ${what} do not make a neighbour's ticks late`, async () => {
    using _processes = new HostileProcesses(Object.fromEntries(names.map((name) => [name, script])));
    await using workspace = await startWorkspace({
      yaml: {
        senses: { ...Object.fromEntries(names.map((name) => [name, hostile])), steady: { keep_alive: true } },
        reflexes: [{ sense: "steady", interval: `${tickMs}ms` }],
      },
      senses: {
        ...Object.fromEntries(names.map((name) => [name, "export const compute = () => 1;"])),
        steady: "let n = 0; export const compute = () => ++n;",
      },
    });
    const quiet = await measureLateness(workspace);
    for (const name of names) void workspace.kernel.triggerSense(name).catch(() => {});
    const isFlooding = (name: string) =>
      workspace.events.some((event) =>
        event.kind === "unit" && event.unit === `group:${name}` && event.change === "ready"
      );
    await workspace.waitFor(() => names.every(isFlooding), "all to flood");
    const seen: number[] = [];
    // Another program may have the processor for a while: one round of a few has to show it.
    const isFine = () => (seen.at(-1) ?? Infinity) <= quiet * 2 + laterMaxMs;
    while (!isFine() && seen.length < rounds) seen.push(await measureLateness(workspace));
    assert.ok(isFine(), `ticks were ${seen.join(", ")} ms late beside floods, and ${quiet} ms without`);
    const isRead = (row: { readonly kind: string }) => row.kind === "problem" || workspace.health().counters.refused;
    assert.ok(workspace.events.some(isRead), "what they said was read");
  });
}

/** How late most of the next ticks are. */
async function measureLateness(workspace: WorkspaceFixture): Promise<number> {
  const seen: number[] = [];
  let from = workspace.events.length;
  while (seen.length < ticks) {
    const { signal } = await workspace.signal("steady", from);
    from = workspace.events.length;
    seen.push(signal.ts);
  }
  const late = seen.slice(1).map((ts, at) => Math.max(0, ts - (seen[at] ?? ts) - tickMs)).sort((a, b) => a - b);
  return late[Math.floor(late.length * counted)] ?? Infinity;
}
