/**
 * Checks what nameservers answer for names. It can start a workflow when an answer is missing, is not as expected, or
 * has changed.
 */
import { and, desc, eq, isNotNull } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { type Address, parseAddress } from "../../lib/address.ts";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { type Answer, ask } from "./ask.ts";
import { parseRecords, type Wanted } from "./records.ts";
import { answers } from "./schema.ts";

export interface DnsAnswers {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the record; empty when `ok`. */
  readonly problems: readonly string[];
  /** In the order of the configuration. */
  readonly records: readonly DnsRecord[];
}

export interface DnsRecord {
  /** `NAME TYPE`. */
  readonly record: string;
  /** Sorted; empty when there are none, null when no nameserver answered. */
  readonly values: readonly string[] | null;
  /** The last answer, if this one differs; else null. */
  readonly before: readonly string[] | null;
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

/** As many as the system's resolver asks. */
const serversMax = 3;
const atATime = 10;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<DnsAnswers>> {
  const records: DnsRecord[] = [];
  const servers = settings.servers.length > 0 ? settings.servers : readSystemServers();
  for (let start = 0; start < settings.wanted.length; start += atATime) {
    const some = settings.wanted.slice(start, start + atATime);
    const said = await Promise.all(some.map((each) => ask(each, servers, settings.timeout, signal)));
    records.push(...some.map((wanted, index) => judge(db, wanted, said[index] as Answer, settings.allow_others)));
  }
  const wereWrong = namesOfWrong(readProblems(db, answers, answers.record)), ts = new Date();
  db.transaction((tx) => {
    tx.insert(answers).values(records.map(({ before: _, ...row }) => ({ ts, ...row }))).run();
    prune(tx, answers, answers.ts, settings.keep);
  });
  const changed = records.filter(({ before }) => before !== null);
  // A wrong answer that differs from the last one is news, too.
  for (const { record } of changed) wereWrong.delete(record);
  const things = records.map(({ record, problem }) => ({ name: record, problem }));
  const changes = changed.filter(({ problem }) => problem === null).map(describeChange);
  return tellEach({ records }, { things, wereWrong, changes, ...settings });
}

/** A change is reported like a problem, but is not one. */
function describeChange({ record, values, before }: DnsRecord): string {
  return `${record}: ${listOf(values ?? [])} instead of ${listOf(before ?? [])}`;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    records: option.list({ max: 100 }),
    servers: option.list({ fallback: [], max: serversMax }),
    timeout: option.duration("5s"),
    allow_others: option.flag(false),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  const servers = settings.servers.map(readServer);
  return { ...settings, servers, wanted: parseRecords(settings.records) };
}

/** Deno accepts a nameserver only by its address. */
function readServer(text: string): Address {
  const server = parseAddress(
    /^[\da-fA-F]*:[\da-fA-F:.]*$/.test(text) && !/^[\d.]+:\d+$/.test(text) ? `[${text}]` : text,
    53,
  );
  if (!/^[\d.]+$|:/.test(server.host)) throw new TypeError(`config.servers must hold addresses, not "${text}"`);
  return { ...server, text };
}

function readSystemServers(): Address[] {
  const lines = Deno.readTextFileSync("/etc/resolv.conf").matchAll(/^\s*nameserver\s+([\da-fA-F:.]+)/gm);
  const servers = [...lines].slice(0, serversMax).map(([, address = ""]) => readServer(address));
  if (servers.length === 0) throw new Error("/etc/resolv.conf names no nameserver: name one under config.servers");
  return servers;
}

function judge(db: SenseDatabase, { record, expected }: Wanted, answer: Answer, othersAllowed: boolean): DnsRecord {
  const { values, latencyMs } = answer;
  const last = db.select({ values: answers.values }).from(answers)
    .where(and(eq(answers.record, record), isNotNull(answers.values))).orderBy(desc(answers.id)).limit(1).get();
  const isOther = values !== null && last?.values != null && JSON.stringify(last.values) !== JSON.stringify(values);
  const problem = answer.problem ?? findDifference(values ?? [], expected, othersAllowed);
  return { record, values, before: isOther ? last?.values ?? null : null, latencyMs, problem };
}

function findDifference(
  values: readonly string[],
  expected: readonly string[] | null,
  othersAllowed: boolean,
): string | null {
  if (expected === null) return null;
  const missing = expected.filter((value) => !values.includes(value));
  const others = othersAllowed ? [] : values.filter((value) => !expected.includes(value));
  const parts = [
    ...missing.length > 0 ? [`lacks ${listOf(missing)}`] : [],
    ...others.length > 0 ? [`has ${listOf(others)}`] : [],
  ];
  return parts.length === 0 ? null : `${parts.join(", ")}${missing.length > 0 ? "" : ", which is not expected"}`;
}

const textMax = 300;

function listOf(values: readonly string[]): string {
  const text = values.length === 0 ? "nothing" : values.join(", ");
  return text.length > textMax ? `${text.slice(0, textMax)}...` : text;
}
