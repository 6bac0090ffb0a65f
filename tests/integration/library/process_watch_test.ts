/** process-watch on real processes that start, grow and end, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";
import { copyProgram } from "../../support/programs.ts";

/** A process whose command line contains a unique word, so that no other process on the machine is taken for it. */
class TestProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(word: string, megabytes = 0) {
    const script = `x=$(head -c ${megabytes * 1_000_000} /dev/zero | tr '\\0' x); echo ready; read -r _`;
    this.#child = new Deno.Command("sh", { args: ["-c", script, word], stdin: "piped", stdout: "piped" }).spawn();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async ready(): Promise<void> {
    const reader = this.#child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.stdout.cancel();
    await this.#child.status;
  }
}

const uniqueWord = () => `nerve-test-${crypto.randomUUID()}`;

long.test("process-watch reports that a program runs, its memory, its end and its restart", async () => {
  await using sense = new QuietSense("process-watch");
  const word = uniqueWord(), config = { command_line: word };
  const from = Date.now();
  let first: number;
  {
    await using program = new TestProcess(word);
    await program.ready();
    first = program.pid;
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    const running = valueOf(await sense.compute({ ...config, always: true }));
    assert.deepEqual([running.program, running.ok, running.count, running.pids], [word, true, 1, [first]]);
    assert.ok(running.memoryBytes > 100_000 && running.memoryBytes < 50_000_000, `${running.memoryBytes} bytes`);
    assert.ok(running.runningSeconds >= 0 && running.runningSeconds <= (Date.now() - from) / 1_000 + 1);
  }
  const gone = valueOf(await sense.compute(config));
  assert.deepEqual([gone.ok, gone.problems, gone.pids, gone.runningSeconds], [false, ["does not run"], [], null]);
  await using again = new TestProcess(word);
  await again.ready();
  const back = valueOf(await sense.compute(config));
  assert.deepEqual([back.ok, back.pids, back.restarted], [true, [again.pid], false]);
  assert.deepEqual(await sense.compute(config), { kind: "null" });
});

long.test("process-watch notices a program that was restarted between two computes", async () => {
  await using sense = new QuietSense("process-watch");
  const word = uniqueWord(), config = { command_line: word };
  {
    await using program = new TestProcess(word);
    await program.ready();
    assert.deepEqual(await sense.compute(config), { kind: "null" });
  }
  await using again = new TestProcess(word);
  await again.ready();
  const found = valueOf(await sense.compute(config));
  assert.deepEqual([found.ok, found.restarted, found.pids], [true, true, [again.pid]]);
  assert.deepEqual(await sense.compute(config), { kind: "null" });
});

long.test("process-watch checks the number of processes and their memory", async () => {
  await using sense = new QuietSense("process-watch");
  const word = uniqueWord(), config = { command_line: word };
  await using small = new TestProcess(word);
  await using large = new TestProcess(word, 30);
  await small.ready();
  await large.ready();
  const judged = async (limits: Record<string, unknown>) => valueOf(await sense.compute({ ...config, ...limits }));
  const memory = await judged({ max_memory: "20MiB" });
  assert.ok(memory.memoryBytes > 30_000_000, `${memory.memoryBytes} bytes`);
  assert.match(memory.problems[0], /^uses .* of memory, more than 20.0 MiB$/);
  assert.deepEqual((await judged({ min_count: 3 })).problems, ["2 processes instead of 3"]);
  assert.deepEqual((await judged({ min_count: 0, max_count: 1 })).problems, ["2 processes, more than 1"]);
  assert.equal((await judged({ max_memory: "1GiB", max_count: 2 })).ok, true);
});

long.test("process-watch starts a workflow once when the program stops", async () => {
  await using sense = new QuietSense("process-watch");
  const config = { command_line: uniqueWord(), workflow: "restart-service" };
  const stopped = valueOf(await sense.compute(config));
  assert.deepEqual(stopped.workflow, {
    name: "restart-service",
    prompt: `${config.command_line}: does not run`,
    maxRounds: 20,
  });
  const still = valueOf(await sense.compute(config));
  assert.deepEqual([still.ok, still.workflow], [false, undefined]);
});

long.test("process-watch finds a program by its full name", async () => {
  await using sense = new QuietSense("process-watch");
  const folder = await Deno.makeTempDir();
  const name = `nerve-${crypto.randomUUID().slice(0, 12)}`;
  try {
    copyProgram("/bin/sleep", `${folder}/${name}`);
    const child = new Deno.Command(`${folder}/${name}`, { args: ["1000"] }).spawn();
    const found = valueOf(await sense.compute({ name, always: true }));
    child.kill("SIGKILL");
    await child.status;
    assert.deepEqual(found.pids, [child.pid]);
    assert.equal(
      valueOf(await sense.compute({ name: name.slice(0, 10) })).count,
      0,
      "a part of the name is not enough",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

long.test("process-watch finds programs with brackets, spaces and letters of any language in their names", async () => {
  const folder = await Deno.makeTempDir(), id = crypto.randomUUID().slice(0, 5);
  try {
    // The last two are longer than Linux keeps: one is cut behind a space, one within a letter.
    for (
      const name of [
        `${id}) R (b`,
        `${id} 7 S 8 9 q`,
        `${id} n\u00e9rve`,
        `${id} gr\u00f6\u00df\u00eb long`,
        `${id} gr\u00f6\u00df\u00eb\u00e9 long`,
      ]
    ) {
      await using sense = new QuietSense("process-watch");
      copyProgram("/bin/sleep", `${folder}/${name}`);
      const child = new Deno.Command(`${folder}/${name}`, { args: ["1000"] }).spawn();
      try {
        for (const config of [{ name, always: true }, { command_line: `${folder}/${name}`, always: true }]) {
          assert.deepEqual(valueOf(await sense.compute(config)).pids, [child.pid], JSON.stringify(config));
        }
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

long.test("process-watch tells two programs apart whose long names begin alike", async () => {
  await using sense = new QuietSense("process-watch");
  const folder = await Deno.makeTempDir(), id = `nerve-${crypto.randomUUID().slice(0, 9)}`;
  try {
    copyProgram("/bin/sleep", `${folder}/${id}-one`);
    const child = new Deno.Command(`${folder}/${id}-one`, { args: ["1000"] }).spawn();
    try {
      assert.deepEqual(valueOf(await sense.compute({ name: `${id}-one`, always: true })).pids, [child.pid]);
      assert.deepEqual(valueOf(await sense.compute({ name: `${id}-two` })).pids, []);
      assert.deepEqual(valueOf(await sense.compute({ name: id, always: true })).pids, [child.pid]);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

long.test({
  name: "process-watch tells no false age where ps takes the container's start for the machine's (lxcfs)",
  ignore: !canMount,
  fn: async () => {
    const word = uniqueWord(), upSeconds = Math.floor(Deno.osUptime());
    await using program = new TestProcess(word);
    await program.ready();
    const look = async (uptime: number) => {
      const config = { command_line: word, always: true }, files = { "/proc/uptime": `${uptime}.00 1.00\n` };
      return valueOf(await computeMounted({ sense: "process-watch", config, files })).runningSeconds;
    };
    assert.equal(await look(Math.floor(upSeconds / 2)), null);
    assert.ok((await look(upSeconds + 100_000)) < 60);
    assert.ok((await look(upSeconds + 1)) < 60);
  },
});

long.test("process-watch requires either a name or a command line", async () => {
  await using sense = new QuietSense("process-watch");
  for (const config of [{}, { name: "a", command_line: "b" }]) {
    const outcome = await sense.compute(config);
    assert.ok(outcome.kind === "error" && /either name or command_line/.test(outcome.message));
  }
});

long.test("process-watch works with the grants of its README and fails with NotCapable without", async () => {
  for (const grants of [{}, { run: ["true"] }, { read: ["/proc"] }]) {
    await using sense = new QuietSense("process-watch", grants);
    const outcome = await sense.compute({ name: "sh" });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test("process-watch says what to grant when ps may not look at /proc", async () => {
  // The bug was: the advice of ps, "mount -t proc proc /proc". Without Landlock ps sees everything.
  await using sense = new QuietSense("process-watch", { run: ["ps"] });
  const outcome = await sense.compute({ name: "sh" });
  assert.ok(outcome.kind !== "error" || outcome.message.includes("{ read: [/proc] }"), JSON.stringify(outcome));
});

long.test("process-watch deletes readings older than keep", async () => {
  await using sense = new QuietSense("process-watch");
  await sense.compute({ command_line: uniqueWord() });
  const db = new DatabaseSync(sense.database);
  db.exec("update readings set ts = ts - 2 * 86400000");
  await sense.compute({ command_line: uniqueWord(), keep: "1d" });
  assert.equal(db.prepare("select count(*) as n from readings").get()?.n, 1);
  db.close();
});
