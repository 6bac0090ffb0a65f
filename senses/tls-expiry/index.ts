/**
 * How long the certificates of servers are still valid, including those that vouch for them. A certificate is a problem
 * when it expires soon, has expired, is not valid yet or cannot be read.
 */
import type { X509Certificate } from "node:crypto";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { type Address, parseAddress } from "../../lib/address.ts";
import {
  countDaysLeft,
  findSpanProblem,
  nameOf,
  parseCertificates,
  readCertificateSpan,
} from "../../lib/certificates.ts";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { checks } from "./schema.ts";

export interface TlsExpiry {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the server; empty when `ok`. */
  readonly problems: readonly string[];
  /** In the order of the configuration. */
  readonly servers: readonly Certificate[];
}

export interface Certificate {
  readonly server: string;
  /** When the first of the needed certificates ends. ISO 8601, UTC; null when it could not be read. */
  readonly endsAt: string | null;
  /** Whole days until then, negative afterwards. */
  readonly daysLeft: number | null;
  readonly problem: string | null;
  /** The name of the certificate that ends first: the server's own, or one that vouches for it. */
  readonly endsFirst: string | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<TlsExpiry>> {
  const trusted = settings.ca_file === null ? [] : parseCertificates(Deno.readTextFileSync(settings.ca_file));
  const servers = await Promise.all(settings.servers.map((each) => check(each, { ...settings, trusted }, signal)));
  signal.throwIfAborted();
  const wereWrong = namesOfWrong(readProblems(db, checks, checks.server)), ts = new Date();
  db.transaction((tx) => {
    tx.insert(checks).values(servers.map(({ endsAt, ...each }) => ({ ts, ...each, endsAt: toDate(endsAt) }))).run();
    prune(tx, checks, checks.ts, settings.keep);
  });
  const things = servers.map(({ server, problem }) => ({ name: server, problem }));
  return tellEach({ servers }, { things, wereWrong, always: settings.always, workflow: null });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    servers: option.list({ max: 50 }),
    min_days: option.number(21, { min: 0 }),
    timeout: option.duration("10s"),
    ca_file: option.text(null),
    always: option.flag(true),
    keep: option.duration("90d"),
  });
  return { ...settings, servers: settings.servers.map((server) => parseAddress(server, 443)) };
}

async function check(
  address: Address,
  { timeout, min_days, trusted }: Settings & { readonly trusted: readonly X509Certificate[] },
  signal: AbortSignal,
): Promise<Certificate> {
  const server = address.text;
  try {
    const span = await readCertificateSpan(address, trusted, AbortSignal.any([signal, AbortSignal.timeout(timeout)]));
    return {
      server,
      endsAt: span.endsAt.toISOString(),
      daysLeft: countDaysLeft(span),
      problem: findSpanProblem(span, min_days),
      endsFirst: nameOf(span.endsFirst),
    };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    const problem = `its certificate could not be read: ${reasonOf(thrown)}`;
    return { server, endsAt: null, daysLeft: null, problem, endsFirst: null };
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "it took too long";
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
