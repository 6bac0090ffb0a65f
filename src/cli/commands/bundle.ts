/**
 * `nerve bundle RUN`: writes the whole history of a run to one file of JSON lines: the run, its causes, rows, messages
 * and requests, and the same for each run that it started and waited for. Reads the database and needs no daemon.
 * I1. The file appears whole or not at all. Its last line contains the digest of those before it.
 */
import { basename, dirname, join, resolve } from "node:path";
import { formatSize } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import { toPrintable } from "../../base/printable.ts";
import { version } from "../../base/version.ts";
import type { LogRow } from "../../protocol/log.ts";
import { toNextRow } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, requireRun } from "../open_records.ts";
import { traceCauses } from "../render/cause_text.ts";
import { plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";
import { findAskedRow } from "./why.ts";

// Imported dynamically: a static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

interface Flags {
  readonly out?: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** The version of the format: readers refuse a greater one. */
const bundleFormat = 1;
const pageRows = 1_000;
/** The most runs in a bundle. Runs start runs, which start runs; no one reads a history of more. */
const runsMax = 1_000;

export async function bundle(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  requireRun(records, runId);
  const file = resolve(io.cwd, flags.out ?? `${runId}.bundle.jsonl`);
  const there = ifPresent(() => Deno.lstatSync(file));
  // A device, a link or a folder is never replaced, even with --force.
  if (there?.isFile === false) {
    throw new NerveError("USAGE", `${file} is not a file`, { hint: "--out names another one" });
  }
  if (there !== null && !flags.force) {
    throw new NerveError("USAGE", `${file} exists`, { hint: "--out names another file, --force replaces it" });
  }
  const written = writeWhole(file, tell(records, runId, io.clock.now()));
  if (flags.json) printJson(io, { file, ...written });
  else {
    print(io, `${sign.ok} ${plural(written.lines, "line")}, ${formatSize(written.bytes)} in ${toPrintable(file)}`);
    print(io, `   sha256 ${written.sha256}`);
  }
  return exit.ok;
}

interface Written {
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
}

function writeWhole(file: string, story: Iterable<unknown>): Written {
  const unfinished = join(dirname(file), `.${basename(file)}.${Deno.pid}.new`), encoder = new TextEncoder();
  const hash = createHash("sha256");
  let lines = 0, bytes = 0;
  try {
    using open = Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 });
    const write = (line: unknown) => {
      const text = encoder.encode(`${JSON.stringify(line)}\n`);
      for (let at = 0; at < text.length;) at += open.writeSync(text.subarray(at));
      lines++;
      bytes += text.length;
      return text;
    };
    for (const line of story) hash.update(write(line));
    const sha256 = hash.digest("hex");
    write({ kind: "end", lines, sha256 });
    open.syncSync();
    Deno.renameSync(unfinished, file);
    return { lines, bytes, sha256 };
  } catch (thrown) {
    ifPresent(() => Deno.removeSync(unfinished));
    throw thrown;
  }
}

/** Yields line by line and page by page, so that a history of any size fits in memory. */
function* tell(records: CliRecords, runId: string, at: number): Generator<unknown> {
  yield { kind: "bundle", format: bundleFormat, nerve: version, at, runId };
  for (const row of causesOf(records, runId)) yield { kind: "cause", row };
  const waiting = [runId], seen = new Set<string>();
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next)) continue;
    if (seen.size === runsMax) {
      yield { kind: "left_out", runs: [next, ...waiting] };
      return;
    }
    seen.add(next);
    yield* tellRun(records, next);
    waiting.push(...records.children(next).flatMap(({ runId, run }) => run === null ? [] : [runId]));
  }
}

function* tellRun(records: CliRecords, runId: string): Generator<unknown> {
  const run = records.run(runId);
  if (run === null) return;
  yield { kind: "run", run };
  for (const row of rowsOf(records, runId)) yield { kind: "row", row };
  for (const message of messagesOf(records, run)) yield { kind: "message", runId, message };
  for (const child of records.children(runId)) yield { kind: "child", runId, child };
  for (let offset = 0;; offset += pageRows) {
    const { items } = records.approvals({ runId, all: true, limit: pageRows, offset });
    for (const { id } of items) yield { kind: "approval", approval: records.approval(id) };
    if (items.length < pageRows) return;
  }
}

/** The rows from the first cause to what started the run; none when the run's rows are gone. */
function causesOf(records: CliRecords, runId: string): LogRow[] {
  try {
    return traceCauses(records, findAskedRow(records, runId)).rows.slice(1).reverse();
  } catch (thrown) {
    if (thrown instanceof NerveError && thrown.code === "ROW_UNKNOWN") return [];
    throw thrown;
  }
}

function* rowsOf(records: CliRecords, runId: string): Generator<LogRow> {
  const all = { refId: runId, order: "asc", limit: pageRows, afterId: 0 } as const;
  for (let filter: Parameters<CliRecords["logs"]>[0] | null = all; filter !== null;) {
    const rows = records.logs({ ...filter, limit: pageRows });
    yield* rows;
    filter = toNextRow(filter, rows);
  }
}

/** Oldest first. Pages come newest first: a first pass finds where each ends, so that only one is in memory. */
function* messagesOf(records: CliRecords, { runId, rounds }: Run): Generator<RunMessage> {
  const ends: number[] = [];
  for (let end = rounds + 1;;) {
    const [first] = records.messages(runId, { beforeRound: end });
    if (first === undefined) break;
    ends.push(end);
    end = first.round;
  }
  for (const end of ends.reverse()) yield* records.messages(runId, { beforeRound: end });
}
