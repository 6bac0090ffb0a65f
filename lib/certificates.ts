/**
 * How long the certificates that a server shows are valid: its own, and those up to a root that are needed to trust it.
 * Imported by the senses http-check and tls-expiry.
 * I1. Other certificates that the server sends have no effect: clients ignore them.
 * I2. The work is bounded, whatever a server sends.
 */
import { X509Certificate } from "node:crypto";
import { inspectTls } from "nerve";

export interface CertificateSpan {
  /** The server's own. */
  readonly own: X509Certificate;
  /** The certificates that are needed, the server's own first. */
  readonly needed: readonly X509Certificate[];
  /** The latest start and the earliest end of their validity. */
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** The certificate that ends first. */
  readonly endsFirst: X509Certificate;
}

/** A chain is rarely longer than four; checking a signature takes a tenth of a millisecond. */
const depthMax = 10, signaturesMax = 500;

/**
 * `trusted` are certificates to trust besides the public roots. Only who signed what is verified. Throws when the
 * server cannot be reached or shows no readable certificate.
 */
export async function readCertificateSpan(
  { host, port }: { readonly host: string; readonly port: number },
  trusted: readonly X509Certificate[],
  signal: AbortSignal,
): Promise<CertificateSpan> {
  const { chain, roots } = await inspectTls({ host, port }, signal);
  const [own, ...others] = chain.map((bytes) => new X509Certificate(Uint8Array.fromBase64(bytes)));
  if (own === undefined) throw new Error("the server shows no certificate");
  const anchors = [...trusted, ...roots.map((bytes) => new X509Certificate(Uint8Array.fromBase64(bytes)))];
  return findNeeded(own, others, anchors);
}

/** The certificates in `pem`, the text of `ca_file`. Throws an Error when there are none, or one cannot be read. */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error("ca_file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  return blocks.map((block, at) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new Error(`certificate ${at + 1} of ca_file cannot be read`, { cause });
    }
  });
}

/**
 * Of all paths from `own` up to one of `anchors`, the one that lasts longest: a client needs only one. A path that is
 * not valid now counts only when there is no other. Without any path, the certificates that the server sent, as far as
 * they form a chain.
 */
export function findNeeded(
  own: X509Certificate,
  sent: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): CertificateSpan {
  const isAnchor = new Set(anchors.map(({ fingerprint256 }) => fingerprint256));
  const ways: Way[] = [];
  let left = signaturesMax;
  const follow = (path: readonly X509Certificate[], last: X509Certificate): void => {
    const anchored = isAnchor.has(last.fingerprint256);
    const issuers = anchored || path.length >= depthMax ? [] : [...anchors, ...sent].filter((issuer) => {
      if (issuer.subject !== last.issuer || left <= 0) return false;
      if (path.some((each) => each.fingerprint256 === issuer.fingerprint256)) return false;
      left--;
      return hasSigned(issuer, last);
    });
    if (issuers.length === 0) ways.push({ path, anchored });
    for (const issuer of issuers) follow([...path, issuer], issuer);
  };
  follow([own], own);
  const { path: needed } = ways.reduce((best, way) => isBetter(way, best) ? way : best);
  const end = endOf(needed);
  return {
    own,
    needed,
    startsAt: new Date(Math.max(...needed.map((each) => each.validFromDate.getTime()))),
    endsAt: new Date(end),
    endsFirst: needed.find((each) => each.validToDate.getTime() === end) ?? own,
  };
}

interface Way {
  readonly path: readonly X509Certificate[];
  /** Whether it ends at a trusted certificate. */
  readonly anchored: boolean;
}

function isBetter(way: Way, than: Way): boolean {
  if (way.anchored !== than.anchored) return way.anchored;
  const isGood = isGoodNow(way.path);
  return isGood === isGoodNow(than.path) ? endOf(way.path) > endOf(than.path) : isGood;
}

/** A server may send a successor that becomes valid later beside the certificate that it replaces. */
function isGoodNow(path: readonly X509Certificate[]): boolean {
  const now = Date.now();
  return path.every(({ validFromDate, validToDate }) => validFromDate.getTime() <= now && now < validToDate.getTime());
}

function endOf(path: readonly X509Certificate[]): number {
  return Math.min(...path.map((each) => each.validToDate.getTime()));
}

/** False also where Deno does not support the kind of key. */
function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

const dayMs = 86_400_000;

/** Whole days until the first of the certificates ends, negative afterwards. */
export function countDaysLeft({ endsAt }: CertificateSpan): number {
  return Math.floor((endsAt.getTime() - Date.now()) / dayMs);
}

/** What is wrong, as a sentence; null when nothing is. */
export function findSpanProblem(span: CertificateSpan, daysWanted: number): string | null {
  const { own, endsFirst, startsAt } = span, daysLeft = countDaysLeft(span);
  const which = endsFirst === own
    ? "its certificate"
    : `the certificate of ${nameOf(endsFirst)}, which vouches for it,`;
  if (startsAt.getTime() > Date.now()) {
    const late = span.needed.find((each) => each.validFromDate.getTime() === startsAt.getTime()) ?? own;
    const what = late === own ? "its certificate" : `the certificate of ${nameOf(late)}, which vouches for it,`;
    return `${what} is not valid before ${startsAt.toISOString()}`;
  }
  if (daysLeft < 0) return `${which} has expired`;
  return daysLeft < daysWanted ? `${which} expires in ${daysLeft} days` : null;
}

/** The name to show: its common name, else its whole subject, on one line. */
export function nameOf({ subject }: X509Certificate): string {
  const name = /^CN=(.+)$/m.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ");
  return name.slice(0, 100);
}
