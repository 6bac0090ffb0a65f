/**
 * The runs that the server keeps, from its SQL interface: which ones exist, and the changes in their journals. A daemon
 * thus knows the runs that others work on, at no cost for those daemons. Used by follower.ts and restate_engine.ts.
 */
import { engineJournalMs } from "../base/engine_limits.ts";
import type { Change } from "../workflow/cluster/ports.ts";
import type { RestateClient } from "./client.ts";
import { nameParts, partOf } from "./part_names.ts";

/** A run that the server keeps. */
export interface KeptRun {
  readonly invocation: string;
  readonly runId: string;
  /** How many entries its journal has. */
  readonly size: number;
}

/** A journal entry that matters: the input of the run, or one step with its changes. */
export type JournalEntry =
  | { readonly index: number; readonly input: unknown }
  | { readonly index: number; readonly n: number; readonly changes: readonly Change[] };

/** Runs that have not ended, or have changed since then. */
export async function listKept(client: RestateClient, service: string, since: number): Promise<KeptRun[]> {
  const changed = `status <> 'completed' or modified_at > '${new Date(since).toISOString()}'`;
  return await queryKept(client, service, changed);
}

/** The given runs, as far as the server keeps them. */
export async function findKept(client: RestateClient, service: string, runIds: readonly string[]): Promise<KeptRun[]> {
  const found: KeptRun[] = [];
  for (let at = 0; at < runIds.length; at += askedAtOnce) {
    const list = runIds.slice(at, at + askedAtOnce).map((runId) => `'${runId.replaceAll("'", "''")}'`);
    found.push(...await queryKept(client, service, `target_service_key in (${list.join(", ")})`));
  }
  return found;
}

const askedAtOnce = 200;

async function queryKept(client: RestateClient, service: string, condition: string): Promise<KeptRun[]> {
  // Compares whole names: the services of another workspace may begin with the name of this one.
  const parts = nameParts(service), names = parts.map((name) => `'${name}'`).join(", ");
  const sql = "select id, target_service_name, target_service_key, journal_size from sys_invocation" +
    ` where target_handler_name = 'run' and target_service_name in (${names}) and (${condition})`;
  return (await client.query(sql)).flatMap(({ id, target_service_name, target_service_key, journal_size }) => {
    const runId = String(target_service_key);
    // No daemon hands a run over to another part: that would be a second run of its id.
    if (target_service_name !== parts[partOf(runId)]) return [];
    return [{ invocation: String(id), runId, size: Number(journal_size) }];
  });
}

/**
 * The entries of a journal from an index on, in order. An entry may take 12 MB in hexadecimal, and a run may have
 * hundreds: each page has only as many as the kernel can read without a stall. The server reads the whole journal for
 * each answer.
 */
export async function* readJournal(client: RestateClient, { invocation }: KeptRun, from: number) {
  for (let next = from, limit = pageFirst;;) {
    const sql = `select index, entry_type, raw from sys_journal where id = '${invocation}' and index >= ${next}` +
      ` and entry_type in ('Command: Input', 'Notification: Run') order by index limit ${limit}`;
    const rows = await client.query(sql, engineJournalMs);
    for (const row of rows) {
      const entry = readEntry(row);
      if (entry !== null) yield entry;
    }
    if (rows.length < limit) return;
    next = Number(rows.at(-1)?.index) + 1;
    const chars = rows.reduce((sum, { raw }) => sum + String(raw).length, 0);
    if (chars > pageMaxChars) limit = Math.max(1, Math.floor(limit / 4));
    else if (chars * 4 <= pageMaxChars) limit = Math.min(pageMax, limit * 4);
  }
}

/** Entries per page: at first, and at most. After a page of more characters, the next one has fewer. */
const pageFirst = 2, pageMax = 1_024, pageMaxChars = 16_000_000;

function readEntry({ index, entry_type, raw }: Readonly<Record<string, unknown>>): JournalEntry | null {
  const at = Number(index), bytes = Uint8Array.fromHex(String(raw));
  if (entry_type === "Command: Input") {
    const value = findBytes(bytes, inputPath);
    return value === null ? null : { index: at, input: parse(value) };
  }
  const n = findNumber(bytes, 1), value = findBytes(bytes, resultPath);
  return n === null || value === null ? null : { index: at, n, changes: parse(value) as Change[] };
}

/** The field numbers in Restate's protocol that lead to the value of an input, and of a step. */
const inputPath = [14, 1], resultPath = [5, 1];

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** The fields of a protocol buffers message: varints, and length-delimited values. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const readVarint = () => {
    let value = 0;
    for (let shift = 1;; shift *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = readVarint(), number = Math.floor(tag / 8), kind = tag % 8, value = readVarint();
    if (kind === 0) yield { number, value };
    else if (kind === 2) yield { number, value: bytes.subarray(at, at += value) };
    // Restate's messages have no other kinds here: this is not one of them.
    else return;
  }
}

function findNumber(bytes: Uint8Array, number: number): number | null {
  for (const field of fieldsOf(bytes)) {
    if (field.number === number && typeof field.value === "number") return field.value;
  }
  return null;
}

function findBytes(bytes: Uint8Array, path: readonly number[]): Uint8Array | null {
  let found: Uint8Array | null = bytes;
  for (const number of path) {
    const field: Field | undefined = found === null
      ? undefined
      : [...fieldsOf(found)].find((each) => each.number === number);
    found = field?.value instanceof Uint8Array ? field.value : null;
  }
  return found;
}
