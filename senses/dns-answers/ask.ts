/** Queries nameservers. Used by index.ts. */
import type { Address } from "../../lib/address.ts";
import { readAnswer, sortOnce, type Type, type Wanted } from "./records.ts";

export interface Answer {
  /** Sorted; empty when there are none, null when no nameserver answered. */
  readonly values: readonly string[] | null;
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

type Question = Pick<Wanted, "name" | "type">;

/** Takes the first server's answer; a server that fails or refuses is skipped, as the system's resolver does. */
export async function ask(
  question: Question,
  servers: readonly Address[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const failures: string[] = [];
  for (const server of servers) {
    const started = performance.now(), limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await askServer(question, server, limit);
    signal.throwIfAborted();
    if (answer.values !== null) return { ...answer, latencyMs: Math.round(performance.now() - started) };
    failures.push(`${server.text} ${answer.problem}`);
  }
  return { values: null, latencyMs: null, problem: failures.join(", ") };
}

type Said = Pick<Answer, "values" | "problem">;

async function askServer(question: Question, server: Address, limit: AbortSignal): Promise<Said> {
  const nameServer = { ipAddr: server.host, port: server.port };
  try {
    // With the trailing dot, the system appends none of its search domains.
    const found = await Deno.resolveDns(`${question.name}.`, question.type as "A", { nameServer, signal: limit });
    return { values: sortOnce((found as unknown[]).map((each) => readAnswer(question.type, each))), problem: null };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    if (thrown instanceof Deno.errors.NotFound) return explain(await askCode(question, server, limit));
    if (thrown instanceof DOMException || thrown instanceof Deno.errors.TimedOut) {
      return { values: null, problem: "does not answer" };
    }
    return { values: null, problem: `cannot be asked: ${thrown instanceof Error ? thrown.message : thrown}` };
  }
}

/** Deno reports the same for a name that does not exist, one without such records, and a server that fails. */
function explain(code: number | null): Said {
  switch (code) {
    case 0:
      return { values: [], problem: "there are no such records" };
    case 3:
      return { values: [], problem: "the name does not exist" };
    case 2:
      return { values: null, problem: "fails (SERVFAIL)" };
    case 5:
      return { values: null, problem: "refuses to answer (REFUSED)" };
    case null:
      return { values: null, problem: "tells no records, or fails: it does not answer over TCP, which would say" };
    default:
      return { values: null, problem: `fails (code ${code})` };
  }
}

const codes: Readonly<Record<Type, number>> = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 };

/** The code of a server's answer, read from its head over TCP; null when there is none. */
async function askCode({ name, type }: Question, { host, port }: Address, signal: AbortSignal): Promise<number | null> {
  const id = crypto.getRandomValues(new Uint8Array(2));
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  // One question, recursion desired; then the name, its type, and the class of the internet.
  const query = [...id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, codes[type], 0, 1];
  try {
    using connection = await Deno.connect({ hostname: host, port, signal });
    const end = () => connection.close();
    signal.addEventListener("abort", end, { once: true });
    try {
      const sent = new Uint8Array([query.length >> 8, query.length & 255, ...query]);
      for (let at = 0; at < sent.length;) at += await connection.write(sent.subarray(at));
      const head = new Uint8Array(6);
      for (let at = 0; at < head.length;) {
        const read = await connection.read(head.subarray(at));
        if (read === null) return null;
        at += read;
      }
      return head[2] === id[0] && head[3] === id[1] ? (head[5] ?? 0) & 15 : null;
    } finally {
      signal.removeEventListener("abort", end);
    }
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return null;
  }
}
