/** Checks whether a URL answers as expected, how fast, and how long its certificate is still valid. */
import type { X509Certificate } from "node:crypto";
import { desc, eq } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import {
  type CertificateSpan,
  countDaysLeft,
  findSpanProblem,
  parseCertificates,
  readCertificateSpan,
} from "../../lib/certificates.ts";
import { hideUserinfo, hideUserinfoOfInvalid } from "../../lib/url.ts";
import { askPinned } from "./pinned.ts";
import { checks } from "./schema.ts";

export interface HttpCheck {
  /** Without user and password. */
  readonly url: string;
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  readonly status: number | null;
  readonly latencyMs: number | null;
  /**
   * Whole days until the certificate, or one that is needed to trust it, expires; negative afterwards. Null for http:
   * and when it could not be read.
   */
  readonly certificateDaysLeft: number | null;
}

export interface Answer {
  readonly status: number | null;
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<HttpCheck | null> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  const target = readTarget(settings);
  const [first, certificate] = await Promise.all([ask(target, limit), readCertificate(target, limit)]);
  const answer = await askAgain(target, first, certificate, limit);
  signal.throwIfAborted();
  const problems = findProblems(settings, answer, certificate).map(hideUserinfo);
  const check: HttpCheck = {
    url: hideUserinfo(settings.url.href),
    ok: problems.length === 0,
    problems,
    status: answer.status,
    latencyMs: answer.latencyMs,
    certificateDaysLeft: isSpan(certificate) ? countDaysLeft(certificate) : null,
  };
  const wasOk = wasLastOk(db, check.url);
  db.insert(checks).values({ ts: new Date(), ...check, problems }).run();
  prune(db, checks, checks.ts, settings.keep);
  return check.ok && wasOk && !settings.always ? null : check;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { url, ca_file, ...settings } = readConfig(config, {
    url: option.text(),
    timeout: option.duration("10s"),
    expect_status: option.number(null, { min: 100, max: 599 }),
    max_latency: option.duration(null),
    min_certificate_days: option.number(14, { min: 0 }),
    ca_file: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  const parsed = URL.parse(url);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    throw new TypeError(`config.url must be an http: or https: address, not "${hideUserinfoOfInvalid(url)}"`);
  }
  return { ...settings, ca_file, url: parsed };
}

/** The settings with the content of `ca_file`, which is read each time, since it may be renewed. */
interface Target extends Settings {
  readonly caCerts: string[];
  readonly trusted: readonly X509Certificate[];
}

function readTarget(settings: Settings): Target {
  const caCerts = settings.ca_file === null ? [] : [Deno.readTextFileSync(settings.ca_file)];
  return { ...settings, caCerts, trusted: caCerts.flatMap(parseCertificates) };
}

/** Redirects are not followed: they may lead to hosts that this sense has no permission for. */
async function ask({ url, caCerts }: Target, signal: AbortSignal): Promise<Answer> {
  // A new client each time: a pooled connection would hide how long a new visitor waits.
  using client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
  const started = performance.now();
  try {
    const response = await fetch(url, { redirect: "manual", signal, client });
    const latencyMs = Math.round(performance.now() - started);
    await response.body?.cancel();
    return { status: response.status, latencyMs, problem: null };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return { status: null, latencyMs: null, problem: reasonOf(thrown) };
  }
}

/** Null when there is none, or a text with the reason why it could not be read. */
type Certificate = CertificateSpan | null | string;

async function readCertificate({ url, trusted }: Target, signal: AbortSignal): Promise<Certificate> {
  if (url.protocol !== "https:") return null;
  try {
    return await readCertificateSpan({ host: hostOf(url), port: Number(url.port || 443) }, trusted, signal);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return reasonOf(thrown);
  }
}

function isSpan(certificate: Certificate): certificate is CertificateSpan {
  return typeof certificate === "object" && certificate !== null;
}

/** The host without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Deno's fetch rejects a server certificate that is its own authority, even when `ca_file` contains it. */
async function askAgain(
  { url, trusted }: Target,
  first: Answer,
  certificate: Certificate,
  signal: AbortSignal,
): Promise<Answer> {
  if (first.problem === null || !isSpan(certificate)) return first;
  const { own } = certificate, isNamed = trusted.some(({ fingerprint256 }) => fingerprint256 === own.fingerprint256);
  const host = hostOf(url), isFor = (own.checkHost(host) ?? own.checkIP(host)) !== undefined;
  if (!isNamed || !isFor || countDaysLeft(certificate) < 0) return first;
  const started = performance.now();
  try {
    const status = await askPinned(url, host, own, signal);
    return { status, latencyMs: Math.round(performance.now() - started), problem: null };
  } catch (thrown) {
    return { status: null, latencyMs: null, problem: reasonOf(thrown) };
  }
}

function findProblems(settings: Settings, answer: Answer, certificate: Certificate): string[] {
  const { expect_status: wanted, max_latency: slowest, min_certificate_days: daysWanted } = settings;
  const { status, latencyMs, problem } = answer;
  const problems: string[] = [];
  if (problem !== null) problems.push(`no answer: ${problem}`);
  if (status !== null && (wanted === null ? status < 200 || status > 399 : status !== wanted)) {
    problems.push(`status ${status} instead of ${wanted ?? "200 to 399"}`);
  }
  if (latencyMs !== null && slowest !== null && latencyMs > slowest) {
    problems.push(`answered after ${latencyMs} ms, more than ${slowest} ms`);
  }
  // When there is no answer at all, one problem is enough.
  if (typeof certificate === "string" && problem === null) {
    problems.push(`its certificate could not be read: ${certificate}`);
  }
  const ofCertificate = isSpan(certificate) ? findSpanProblem(certificate, daysWanted) : null;
  if (ofCertificate !== null) problems.push(ofCertificate);
  return problems;
}

function wasLastOk(db: SenseDatabase, url: string): boolean {
  const last = db.select({ ok: checks.ok }).from(checks).where(eq(checks.url, url)).orderBy(desc(checks.id)).limit(1);
  return last.get()?.ok ?? true;
}

/** The cause of a failed fetch is more precise than its message. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "it took too long";
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return (cause instanceof Error ? cause.message : String(cause)).replace(/^error sending request.*?\): /, "");
}
