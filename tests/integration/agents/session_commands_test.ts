/**
 * Sessions as a person sees them: `nerve session list|show|log|end|attach`, and the transcript on disk. Dangers: a secret in what
 * is shown, a transcript that grows without end, an end that leaves its program.
 */
import assert from "node:assert/strict";
import { transcriptFiles } from "../../../src/protocol/transcript.ts";
import { readTranscript } from "../../../src/store/agents/transcript_reader.ts";
import { Transcripts } from "../../../src/agents/transcripts.ts";
import { transcriptMaxBytes } from "../../../src/base/agent_limits.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { smallHeap } from "../../../src/base/self_exec.ts";
import { delay } from "../../../src/base/time.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { runEnd } from "../../support/workflow_life.ts";

const writer = `${repository}tests/support/transcript_writer.ts`;

const options = {
  yaml: {
    agents: {
      fake: {
        protocol: "fake",
        scenario: [
          { when: { prompt: "hang" }, do: [{ answer: "I begin" }, { never: true }] },
          { do: [{ write: { file: "x.txt", text: "x" } }, { answer: "the key is hunter2-secret" }] },
        ],
      },
    },
    senses: { s: { permissions: { env: ["GIT_SECRET"] } } },
    env_file: ".env",
    workflows: { w: { agents: ["fake"] } },
  },
  senses: { s: "export const compute = () => null;" },
  workflows: {
    w: `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { ask: agent({ agent: "fake", session: "author", cwd: "work", prompt: ({ start }) => start.prompt }) },
  moderator: ({ messages }) => messages.length === 0 ? "ask" : END,
});`,
  },
  files: { "work/readme.txt": "", ".env": "GIT_SECRET=hunter2-secret\n" },
};

Deno.test("a session is listed, shown, and its transcript read, without secrets", async () => {
  await using served = await serveWorkspace(options);
  const { workspace } = served, nerve = (...words: string[]) => served.nerve(...words);
  await workspace.kernel.startWorkflow("w", { runId: "a", prompt: "Write" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  await served.stop();
  const list = JSON.parse((await nerve("session", "list", "--all", "--json")).out);
  const [session] = list.items;
  assert.deepEqual([list.total, session.runId, session.agent, session.name, session.state], [
    ...[1, "a", "fake", "author", "ENDED"],
  ]);
  assert.equal(JSON.parse((await nerve("session", "list", "--json")).out).total, 0);
  assert.match((await nerve("session", "show", session.id)).out, /ENDED[^]*agent +fake[^]*run +a of w/);
  const entries = (await nerve("session", "log", session.id, "--json")).out.trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(entries.map(({ kind, text }) => `${kind}: ${text}`), [
    "prompt: Write",
    "did: Write x.txt",
    "said: the key is [GIT_SECRET]",
    "answer: the key is [GIT_SECRET]",
  ]);
  assert.deepEqual(entries[1]?.about, { kind: "edit", status: "completed", paths: [`${workspace.root}/work/x.txt`] });
  const shown = await nerve("session", "log", session.id, "-f");
  assert.match(shown.out, /prompt .*promptId[^]*Write[^]*answer/);
  assert.equal(shown.code, 0);
  assert.equal((Deno.statSync(`${workspace.root}/data/sessions/${session.id}.jsonl`).mode ?? 0) & 0o077, 0);
  assert.match((await nerve("session", "attach", session.id)).err, /has no terminal/);
  assert.match((await nerve("session", "log", "nosuch")).err, /there is no session "nosuch"/);
});

long.test("a person ends a session: its role fails with the reason, and its program is gone", async () => {
  await using served = await serveWorkspace(options);
  const { workspace } = served, nerve = (...words: string[]) => served.nerve(...words);
  await workspace.kernel.startWorkflow("w", { runId: "a", prompt: "hang" });
  while ((await workspace.rows({ type: "session.prompted" })).length === 0) await delay(systemClock, 5);
  const [session] = JSON.parse((await nerve("session", "list", "--json")).out).items;
  assert.equal(session.state, "BUSY");
  const ended = await nerve("session", "end", session.id, "--reason", "it goes in circles", "--json");
  const { changed, session: after } = JSON.parse(ended.out);
  assert.deepEqual([changed, after.state], [true, "ENDED"]);
  const { status, reason } = await runEnd(workspace, "a");
  assert.equal(status, "failed");
  assert.match(reason ?? "", /its session was ended: it goes in circles/);
  const again = JSON.parse((await nerve("session", "end", session.id, "--json")).out);
  assert.equal(again.changed, false);
  assert.equal((await nerve("session", "end", "nosuch")).code, 1);
});

Deno.test("a transcript keeps its newest part, is read page by page, and is cut where a disk was full", async () => {
  await inTempDir(async (folder) => {
    const transcripts = new Transcripts({ folder, clock: systemClock, reportProblem: assert.fail }),
      own = `${folder}/own`;
    const [older, newer] = transcriptFiles("s").map((name) => `${own}/${name}`) as [string, string];
    Deno.mkdirSync(own);
    const written = new Transcripts({ folder: own, clock: systemClock, reportProblem: assert.fail });
    written.noteFor("s")("prompt", "first");
    await written.flush();
    // As if so much had been said: nothing of it is in memory.
    Deno.truncateSync(newer, transcriptMaxBytes / 2);
    written.noteFor("s")("prompt", "second");
    await written.flush();
    assert.equal(Deno.statSync(older).size, transcriptMaxBytes / 2);
    const last = await readTranscript(own, "s", { after: 0, tail: Deno.statSync(newer).size - 3 });
    assert.deepEqual(last.items.map(({ text }) => text), ["second"]);
    const from = await readTranscript(own, "s", { after: transcriptMaxBytes / 2 });
    assert.deepEqual([from.items.length, from.more, from.next], [1, false, last.next]);
    assert.deepEqual(await readTranscript(own, "s", { after: last.next }), { items: [], next: last.next, more: false });
    assert.deepEqual(await readTranscript(folder, "none", { after: 0 }), { items: [], next: 0, more: false });
    // Pieces of text become one entry; long ones are cut.
    const note = transcripts.noteFor("t");
    for (const text of ["a", "b", "c"]) note("said", text);
    note("answer", "x".repeat(100_000));
    await transcripts.flush();
    const { items } = await readTranscript(folder, "t", { after: 0 });
    assert.deepEqual(items.map(({ kind, text }) => [kind, text.length]), [["said", 3], ["answer", 16 * 1024 + 1]]);
    // The end that is missing is that of one entry.
    Deno.truncateSync(`${folder}/t.jsonl`, Deno.statSync(`${folder}/t.jsonl`).size - 10);
    note("answer", "later");
    note("answer", "last");
    await transcripts.flush();
    const rest = await readTranscript(folder, "t", { after: 0 });
    assert.deepEqual(rest.items.map(({ text }) => text.length), [3, 4]);
  });
});

Deno.test("a disk that takes nothing costs entries, is told once, and what comes after is written again", async () => {
  await inTempDir(async (folder) => {
    const told: string[] = [], place = `${folder}/sessions`;
    const transcripts = new Transcripts({
      folder: place,
      clock: systemClock,
      reportProblem: (text) => told.push(text),
    });
    Deno.writeTextFileSync(place, "in its place");
    for (const text of ["one", "two"]) {
      transcripts.noteFor("s")("answer", text);
      await transcripts.flush();
    }
    assert.equal(told.length, 1);
    Deno.removeSync(place);
    transcripts.noteFor("s")("answer", "three");
    await transcripts.flush();
    const { items } = await readTranscript(place, "s", { after: 0 });
    assert.deepEqual(items.map(({ text }) => text), ["three"]);
  });
});

const hourMs = 60 * 60 * 1_000;

long.test("100 MiB of what is said neither grow the kernel nor hold it up, and old transcripts are removed", async () => {
  await inTempDir(async (folder) => {
    // With the flags of the kernel: V8 keeps less garbage there.
    const args = ["run", "-A", "--quiet", "--cached-only", `--v8-flags=${smallHeap.join(",")}`, writer, folder];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    const grown = new TextDecoder().decode(stdout);
    assert.ok(
      grown !== "" && Number(grown) < 24 * 1024 * 1024,
      `${grown} bytes more ${new TextDecoder().decode(stderr)}`,
    );
    const onDisk = transcriptFiles("s").map((name) => Deno.statSync(`${folder}/${name}`).size);
    assert.ok(onDisk.every((size) => size <= transcriptMaxBytes / 2), String(onDisk));
    assert.ok(onDisk.reduce((sum, size) => sum + size, 0) > 100 * 1024 * 1024);
    let after = 0, entries = 0;
    for (let more = true; more;) {
      const page = await readTranscript(folder, "s", { after });
      entries += page.items.length;
      [after, more] = [page.next, page.more];
    }
    assert.equal(entries, 6_400);
    // To read all that may have taken a while.
    const old = new Date(systemClock.now() - 2 * hourMs);
    Deno.utimeSync(`${folder}/s.old.jsonl`, old, old);
    await new Transcripts({ folder, clock: systemClock, reportProblem: assert.fail }).sweep(hourMs);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["s.jsonl"]);
    await new Transcripts({ folder: `${folder}/none`, clock: systemClock, reportProblem: assert.fail }).sweep(0);
  });
});
