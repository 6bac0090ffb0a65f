/**
 * What the server keeps of runs, as its SQL interface shows it: which runs there are, and the changes in the journal of each.
 * So a daemon knows of runs that others work on, at no cost for those. Used by follower.ts.
 */
import type { Change } from "../workflow/cluster/ports.ts";
import type { RestateClient } from "./client.ts";

/** A run that the server keeps. */
export interface KeptRun {
  readonly invocation: string;
  readonly runId: string;
  /** How many entries its journal has. */
  readonly size: number;
}

/** One entry of a journal that matters. */
export type JournalEntry =
  | { readonly index: number; readonly input: unknown }
  | { readonly index: number; readonly n: number; readonly changes: readonly Change[] };

/** Those that have not ended, and those that have changed since then. */
export async function listKept(client: RestateClient, service: string, since: number): Promise<KeptRun[]> {
  const changed = `status <> 'completed' or modified_at > '${new Date(since).toISOString()}'`;
  return await queryKept(client, service, changed);
}

/** Those of these runs that the server keeps. */
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
  const sql = "select id, target_service_key, journal_size from sys_invocation where target_handler_name = 'run'" +
    ` and target_service_name like '${service}-%' and (${condition})`;
  return (await client.query(sql)).map(({ id, target_service_key, journal_size }) => {
    return { invocation: String(id), runId: String(target_service_key), size: Number(journal_size) };
  });
}

/** The entries of a journal from an index on, in order. */
export async function readJournal(
  client: RestateClient,
  { invocation }: KeptRun,
  from: number,
): Promise<JournalEntry[]> {
  const sql = `select index, entry_type, raw from sys_journal where id = '${invocation}' and index >= ${from}` +
    " and entry_type in ('Command: Input', 'Notification: Run') order by index";
  return (await client.query(sql)).flatMap(({ index, entry_type, raw }): JournalEntry[] => {
    const at = Number(index), bytes = Uint8Array.fromHex(String(raw));
    if (entry_type === "Command: Input") {
      const value = findBytes(bytes, inputPath);
      return value === null ? [] : [{ index: at, input: parse(value) }];
    }
    const n = findNumber(bytes, 1), value = findBytes(bytes, resultPath);
    return n === null || value === null ? [] : [{ index: at, n, changes: parse(value) as Change[] }];
  });
}

/** The numbers of the fields of Restate's protocol that lead to the value of an input, and to that of a step. */
const inputPath = [14, 1], resultPath = [5, 1];

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message of protocol buffers: numbers, and what has a length. */
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
    // Restate's messages have no other kinds here: it is none of them.
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
