/**
 * `deno task bench [NAME]`: one JSON line per figure. Each file says in its header what it measures and what it does
 * not. All of them together take some minutes; nothing else should run meanwhile. The load of the machine is printed on
 * stderr.
 */
import type { Figures } from "./figure.ts";

const benches: Readonly<Record<string, () => Promise<{ figures(): Figures }>>> = {
  "served-runs": () => import("./served_runs.ts"),
  runs: () => import("./durable_runs.ts"),
  computes: () => import("./computes.ts"),
  storage: () => import("./storage.ts"),
  api: () => import("./api.ts"),
  timetable: () => import("./timetable.ts"),
  background: () => import("./background.ts"),
  "large-log": () => import("./large_log.ts"),
  dashboard: () => import("./dashboard.ts"),
  "long-reads": () => import("./long_reads.ts"),
  idle: () => import("./idle.ts"),
  day: () => import("./day.ts"),
  start: () => import("./start.ts"),
  walls: () => import("./walls.ts"),
  memory: () => import("./memory.ts"),
  scale: () => import("./scale.ts"),
  alerts: () => import("./alerts.ts"),
  waits: () => import("./waits.ts"),
  hooks: () => import("./hooks.ts"),
  engines: () => import("./engines.ts"),
  agents: () => import("./agents.ts"),
};

const [selected] = Deno.args;
const chosen = Object.entries(benches).filter(([name]) => selected === undefined || name === selected);
if (chosen.length === 0) {
  tell(Deno.stderr, `there is no benchmark ${selected}: ${Object.keys(benches).join(", ")}`);
  Deno.exit(2);
}
for (const [name, load] of chosen) {
  tell(Deno.stderr, `${name}; load ${Deno.loadavg().map((value) => value.toFixed(1)).join(" ")}`);
  const { figures } = await load();
  for await (const figure of figures()) tell(Deno.stdout, JSON.stringify(figure));
}
Deno.exit(0);

function tell(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  stream.writeSync(new TextEncoder().encode(`${text}\n`));
}
