/** The workflow digest on a real log, in its sandbox. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import type { LogType } from "../../../src/protocol/log.ts";
import type { LogSource } from "../../../src/protocol/log_source.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

/** A workspace with a log whose writer runs, as the kernel does, and a folder for digests. */
class TestDay implements AsyncDisposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-digest-" }));
  readonly workflow: TestWorkflow;
  readonly #store: Store;
  #agoMs = 0;

  constructor(grants: { read?: string[]; write?: string[] } = { read: [this.folder], write: [this.folder] }) {
    this.workflow = new TestWorkflow("digest", grants);
    const clock = { ...systemClock, now: () => systemClock.now() - this.#agoMs };
    this.#store = openStore(`${this.workflow.root}/data/logs.db`, clock);
  }

  row(source: LogSource, type: LogType, payload: Record<string, unknown> = {}, agoMs = 60_000): void {
    this.#agoMs = agoMs;
    const refId = type.startsWith("run.") ? "run-7" : source.split(":")[1] ?? null;
    this.#store.log.append({ source, type, refId, causeId: null, payload: JSON.parse(JSON.stringify(payload)) });
  }

  async run(config: Record<string, unknown> = {}) {
    await this.#store.log.durable();
    return await this.workflow.run({ config: { folder: this.folder, ...config } });
  }

  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
    await this.workflow[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const hourMs = 3_600_000;

Deno.test("digest writes the last day's signals, errors and runs into a file of the day", async () => {
  await using day = new TestDay();
  day.row("sense:disk", "sense.signal", { payload: { used: 0.1 } }, 30 * hourMs);
  day.row("sense:disk", "sense.signal", { payload: { used: 0.5 } }, 3 * hourMs);
  day.row("sense:disk", "sense.signal", { payload: { used: 0.7 } }, 2 * hourMs);
  day.row("sense:disk", "sense.directive", { name: "cleanup" });
  day.row("sense:web", "sense.error", { message: "it broke" });
  day.row("sense:web", "sense.error", { message: "it broke", repeated: 5 });
  day.row("workflow:cleanup", "run.completed");
  day.row("workflow:cleanup", "run.failed", { reason: "no `room` | left\n# at all" });
  day.row("workflow:cleanup", "run.crashed", { attempt: 1 });
  day.row("group:web", "group.quarantined");
  const { messages, error } = await day.run();
  assert.equal(error, null);
  const today = new Date().toISOString().slice(0, 10);
  assert.deepEqual(day.files, [`digest-${today}.md`]);
  const text = Deno.readTextFileSync(`${day.folder}/digest-${today}.md`);
  assert.deepEqual(messages.map(({ role }) => role), ["collect", "write"]);
  assert.equal(messages[1]?.content, text);
  assert.deepEqual(messages[1]?.meta, { file: `${day.folder}/digest-${today}.md`, removed: [] });
  assert.ok(text.startsWith(`# Digest of ${today}\n`));
  assert.match(text, /2 signals of 1 senses, 2 finished runs, 6 failed computes, 0 deaths/);
  assert.match(text, /^\| disk \| 2 \| 1 \| 0 \| \d{4}-\d\d-\d\d \d\d:\d\d \|$/m);
  assert.match(text, /^- \*\*disk\*\* `\{"used":0.7\}`$/m);
  assert.match(text, /^- \*\*web\*\* failed 6 times, last: `it broke`$/m);
  assert.match(text, /^- \*\*web\*\* was quarantined$/m);
  assert.match(text, /^- run `run-7` of \*\*cleanup\*\* failed: `no 'room' \| left # at all`$/m);
  assert.match(text, /^\| cleanup \| 1 \| 1 \| 0 \|$/m);
});

long.test("digest of an empty day says so", async () => {
  await using day = new TestDay();
  assert.equal((await day.run()).error, null);
  const text = Deno.readTextFileSync(`${day.folder}/${day.files[0]}`);
  assert.match(text, /## Senses\n\nNone\./);
});

long.test("digest counts more than one page of the log, and keeps its message within the limit", async () => {
  await using day = new TestDay();
  const payload = { text: "\u20ac".repeat(5_000) };
  for (let index = 0; index < 2_500; index++) day.row(`sense:s${index % 250}`, "sense.signal", { payload });
  const { messages, error } = await day.run();
  assert.equal(error, null);
  assert.match(messages[1]?.content ?? "", /\b1500 signals of 150 senses/);
  assert.match(messages[1]?.content ?? "", /100 more senses and workflows are not listed/);
});

long.test("digest writes the same file again after a crash, and leaves no other", async () => {
  await using day = new TestDay();
  day.row("sense:disk", "sense.signal", { payload: 1 });
  const first = await day.run();
  const text = Deno.readTextFileSync(`${day.folder}/${day.files[0]}`);
  day.row("sense:disk", "sense.signal", { payload: 2 });
  Deno.writeTextFileSync(`${day.folder}/${day.files[0]}.part`, "half of");
  const again = await day.workflow.run({ config: { folder: day.folder }, messages: first.messages.slice(0, 1) });
  assert.equal(again.error, null);
  assert.equal(Deno.readTextFileSync(`${day.folder}/${day.files[0]}`), text);
  assert.equal(day.files.length, 1);
});

long.test("digest removes digests that are too old, and nothing else", async () => {
  await using day = new TestDay();
  const others = ["digest-2020-01-01.txt", "notes-2020-01-01.md", "digest-2999-01-01.md"];
  for (const name of [...others, "digest-2020-01-01.md"]) Deno.writeTextFileSync(`${day.folder}/${name}`, "x");
  const { messages } = await day.run({ keep: "30d" });
  assert.deepEqual(messages[1]?.meta.removed, ["digest-2020-01-01.md"]);
  for (const name of others) assert.ok(day.files.includes(name), name);
});

long.test("digest names its day in the configured time zone, and rejects one that does not exist", async () => {
  await using day = new TestDay();
  await day.run({ timezone: "Pacific/Kiritimati" });
  await day.run({ timezone: "Pacific/Pago_Pago" });
  assert.equal(day.files.length, 2, "these two are 25 hours apart");
  assert.match((await day.run({ timezone: "Mars/Base" })).error?.message ?? "", /time ?zone/i);
});

long.test("digest works with its grants and fails with NotCapable without", async () => {
  for (const grants of [{}, { read: ["/var/empty"] }]) {
    await using day = new TestDay(grants);
    const { error } = await day.run();
    assert.equal(error?.name, "NotCapable", JSON.stringify(error));
    assert.deepEqual(day.files, []);
  }
});
