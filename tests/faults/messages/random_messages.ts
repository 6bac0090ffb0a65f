/**
 * A script that says whatever a process could: messages of every kind, with random and with the worst contents, of its own
 * runs and computes and of others'. For HostileProcesses; `said` messages, then it waits to be ended. Each process of a
 * unit says other things than those before it: otherwise one that ends itself early would do so for ever.
 */
export function randomMessages(seed: number, said: number): string {
  return `const seed = ${seed}, count = ${said};\n${talk}`;
}

/** The kinds of message that it says. */
export function listSaidKinds(): string[] {
  return [...talk.matchAll(/^ {2}(\w+): \(\) => \(/gm)].flatMap(([, kind]) => kind ?? []);
}

const talk = `
const starts = import.meta.dirname + "/starts-" + name;
Deno.writeTextFileSync(starts, ".", { append: true });
let state = (seed + Math.imul(Deno.statSync(starts).size, 0x9e3779b9)) >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const worst = [
  "", "\\0", "\\ud800", "\\udfff\\ud800", "\\u2028", "__proto__", "constructor", "toString", "a'; drop table logs; --",
  "\\x1b[2J\\x1b]0;x\\x07", "\\r\\n", "\\ufeff", "\\u202e", "%s%n", "../../nerve.yaml", "NaN", "é".repeat(999), "{\\"t\\":\\"ready\\"}",
];
const text = (max = 200) => {
  const roll = random();
  if (roll < 0.4) return pick(worst);
  const length = roll < 0.98 ? Math.floor(random() * 40) : Math.floor(random() * max);
  return Array.from({ length }, () => String.fromCharCode(Math.floor(random() * (random() < 0.1 ? 65_536 : 128)))).join("");
};
const int = () => pick([0, 1, -1, 2, 7, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1, Math.floor(random() * 50)]);
const json = (depth = 0) => {
  const roll = random();
  if (depth > 5 || roll < 0.5) return pick([null, true, 0, -0, 1e308, -1e-308, text(), int()]);
  if (roll < 0.52) { let deep = 1; for (let n = 0; n < 120; n++) deep = n % 2 ? [deep] : { a: deep }; return deep; }
  const size = Math.floor(random() * 4);
  if (roll < 0.75) return Array.from({ length: size }, () => json(depth + 1));
  return Object.fromEntries(Array.from({ length: size }, () => [text(), json(depth + 1)]));
};
const object = () => Object.fromEntries(Array.from({ length: 3 }, () => [text(), json(1)]));
const place = () => random() < 0.5 ? null : { file: text(), line: int(), column: int() };
const known = { runs: [{ runId: "none", attempt: 1, round: 1 }], computes: [1], senses: [name, "victim", "nobody"] };
const run = () => {
  const { runId, attempt } = pick(known.runs);
  return { runId: random() < 0.9 ? runId : "other", attempt: random() < 0.9 ? attempt : Math.abs(int()) };
};
const role = () => ({
  ...run(), round: random() < 0.7 ? pick(known.runs).round : int(), role: pick(["say", text()]),
  attempts: 1 + Math.floor(random() * 5), waitMs: pick([null, 0, 5, 86_400_000]), exhausted: pick(["fail", "pause"] as const),
});
// What breaks the protocol ends the process: these stay within its bounds, and use them.
const short = (max) => text().slice(0, max);
const some = (max) => short(max - 1) + "x";
const span = () => pick([null, 0, 1, 50, 86_400_000]);
const waits = [
  () => ({ kind: "for", ms: span() ?? 316_224_000_000 }),
  () => ({ kind: "until", at: pick([0, Date.now() + 5, 253_402_300_799_999]) }),
  () => {
    const options = pick([["approve", "reject"], [some(64), some(64)], ["a", "a"]]), expiresMs = span();
    const rest = { approvers: pick([null, ["nobody"], ["nobody", "nobody"]]), phase: pick([undefined, short(64)]) };
    return { kind: "gate", title: some(500), body: text(60_000), options, expiresMs, onExpiry: expiresMs === null ? null : pick(options), ...rest };
  },
  () => ({ kind: "event", name: pick(["go", "constructor"]), timeoutMs: span() }),
  () => ({ kind: "children", runs: Array.from({ length: Math.floor(random() * 3) }, () =>
    ({ workflow: pick(["w", "w-bad", "nobody"]), prompt: text(), payload: json(), maxRounds: pick([null, 1, 3]) })) }),
];
const ask = () => ({
  agent: pick(["fake", "nobody"]), session: pick(["author", some(64)]), cwd: pick([".", "/", "..", some(200)]), phase: pick([null, short(64)]),
  attempt: pick([0, 1, 2 ** 31]), instructions: text(60_000), expectedArtifact: pick([null, "answer.json", random() < 0.05 ? "../nerve.yaml" : ".nerve/answer.json"]),
  expectedSchema: { name: pick([null, text()]), json: pick([null, "{}", JSON.stringify(json()), text()]), enforced: pick([true, false]) },
});
const prompted = () => ({ runId: run().runId, n: pick([1, 2, 2 ** 53 - 1]) });
const kinds = {
  ready: () => ({}),
  pong: () => ({ n: int() }),
  barrier: () => ({ n: int() }),
  loaded: () => ({ name: pick(known.senses), problems: Array.from({ length: spec.kind === "workflow" ? 0 : Math.floor(random() * 3) }, () => ({ message: text(), place: place() })) }),
  outcome: () => ({ id: random() < 0.8 ? pick(known.computes) : int(), ranMs: pick([null, 0, 1e300, -5, "x"]), kept: pick([true, false]), outcome: pick([
    { kind: "null" }, { kind: "null", returned: "undefined" }, { kind: "null", silent: short(200) }, { kind: "value", value: json() },
    { kind: "value", value: { workflow: pick([text(), "w|3|" + text(), { name: "w", prompt: text(), maxRounds: int() }, json()]) } },
    { kind: "error", code: pick(["load", "throw", "output"]), message: text(9_000), place: place() },
  ]) }),
  undelivered: () => ({ sense: pick(known.senses), key: "01J" + String(Math.floor(random() * 1e9)).padStart(23, "0"), compute: int(),
    trigger: pick(["interval", "cron", "signal", "manual"]), causeId: pick([null, int()]), value: json() }),
  log: () => ({ of: pick([...known.senses, pick(known.runs).runId, text()]), level: pick(["debug", "info", "warn", "error"]), message: text(9_000), data: json() }),
  stray: () => ({ message: text(9_000), place: place() }),
  message: () => ({ ...run(), round: random() < 0.7 ? pick(known.runs).round : int(), role: pick(["say", text()]), content: text(90_000), meta: object() }),
  may_begin: () => ({ ...run(), round: random() < 0.7 ? pick(known.runs).round : int(), role: pick(["say", text()]) }),
  role_begun: () => ({ ...role(), timeoutMs: pick([1, 604_800_000, 50]) }),
  attempt_failed: () => ({ ...role(), message: text(9_000), place: place() }),
  wait: () => ({ ...run(), round: random() < 0.7 ? pick(known.runs).round : int(), role: pick(["say", text()]), wait: pick(waits)() }),
  closing: () => ({ ...run(), timeoutMs: pick([1, 604_800_000, 50]), report: pick([undefined, true, false]) }),
  closed: () => ({ ...run(), outcome: pick([
    { kind: "none" }, { kind: "done", content: text(90_000), meta: object() }, { kind: "failed", message: text(9_000), place: place() },
  ]) }),
  prompt: () => ({ ...prompted(), round: pick([1, 2, 2 ** 53 - 1]), role: pick(["say", some(200)]), ask: ask() }),
  prompt_end: () => ({ ...prompted() }),
  programs_end: () => ({ work: Math.max(1, Math.abs(int())), aloneAt: pick([null, 0, -1e300, 1e300, Date.now()]) }),
  finished: () => ({ ...run(), outcome: pick([{ kind: "completed" }, { kind: "failed", message: text(9_000), place: place() }, { kind: "max_rounds", next: text() },
    { kind: "stopped", status: pick(["failed", "killed"]), reason: text(9_000) }, { kind: "contradicted", message: text(9_000), place: place() }]) }),
  probed: () => ({ ...run(), why: pick([null, text(9_000)]) }),
  exit_refused: () => ({ code: int() }),
  unshared: () => ({ sense: pick(known.senses) }),
  fault: () => ({ message: text(9_000) }),
};
// It ends the process: seldom.
const usual = Object.keys(kinds).filter((t) => t !== "fault");
(async () => {
  for (;;) {
    const heard = await hear();
    if (heard.t === "compute") known.computes = [heard.id, heard.id - 1, heard.id + 1];
    if (heard.t === "run") known.runs = [...known.runs.slice(-20), { runId: heard.start.runId, attempt: heard.attempt, round: heard.rounds + 1 }];
    if (heard.t === "close") known.runs = [...known.runs.slice(-20), { runId: heard.start.runId, attempt: heard.attempt, round: heard.rounds + 1 }];
    if (heard.t === "ack") for (const each of known.runs) if (each.runId === heard.runId) each.round++;
    if (heard.t === "ping") await say({ t: "pong", n: heard.n });
    if (heard.t === "end") Deno.exit(0);
  }
})();
await say({ t: "ready" });
for (let n = 0; n < count; n++) {
  const t = random() < 0.000_05 ? "fault" : pick(usual);
  await say({ t, ...kinds[t]() });
  if (n % 500 === 499) console.log("said 500");
  if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
}
await write("over\\n");
`;
