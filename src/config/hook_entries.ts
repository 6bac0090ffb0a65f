/** Builds an entry of `hooks`, and `listen`: sets defaults, checks the rules between their keys. Called by build.ts. */
import { parseDuration } from "../base/duration.ts";
import {
  defaultHookBacklog,
  defaultHookRate,
  defaultHookRateMs,
  hookBodyMaxBytes,
  hookDedupMax,
  hookRateMax,
} from "../base/hook_limits.ts";
import { hintNearest } from "../base/did_you_mean.ts";
import type { HookDefinition, HookKey, HookProof, ListenDefinition } from "../protocol/hook.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { FileShape, HookShape } from "./schema.ts";
import { readSecretNames } from "./secret_names.ts";

interface Scheme {
  readonly proof: HookProof;
  readonly dedup: readonly HookKey[];
}

const header = (name: string): HookKey => ({ kind: "header", name });

/**
 * The known senders. GitHub and Gitea sign only the body, so that a recorded delivery could be sent again under another
 * id: the same body therefore also counts as the same delivery.
 */
const schemes: Readonly<Record<string, Scheme>> = {
  github: {
    proof: { kind: "hmac", hash: "sha256", header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
    dedup: [header("x-github-delivery"), { kind: "body" }],
  },
  gitea: {
    proof: { kind: "hmac", hash: "sha256", header: "x-gitea-signature", prefix: "", encoding: "hex" },
    dedup: [header("x-gitea-delivery"), { kind: "body" }],
  },
  gitlab: {
    proof: { kind: "token", header: "x-gitlab-token", prefix: "" },
    dedup: [header("x-gitlab-event-uuid")],
  },
  standard: { proof: { kind: "standard" }, dedup: [header("webhook-id")] },
  stripe: { proof: { kind: "stripe" }, dedup: [{ kind: "body" }] },
  bearer: { proof: { kind: "token", header: "authorization", prefix: "Bearer " }, dedup: [] },
};

const schemeNames = Object.keys(schemes);
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

export function buildHook(name: string, shape: Partial<HookShape>, diagnostics: DiagnosticList): HookDefinition {
  const path = ["hooks", name], scheme = readVerify(shape.verify ?? null, path, diagnostics);
  const dedup = shape.dedup ?? null;
  return {
    name,
    verify: typeof shape.verify === "string" ? shape.verify : describeProof(scheme.proof),
    secrets: readSecrets(shape.secret ?? null, path, diagnostics),
    proof: scheme.proof,
    dedup: dedup === null ? scheme.dedup : readDedup(dedup, [...path, "dedup"], diagnostics),
    maxBodyBytes: readMaxBody(shape.max_body ?? null, [...path, "max_body"], diagnostics),
    rate: readRate(shape.rate ?? null, [...path, "rate"], diagnostics),
    backlog: shape.backlog ?? defaultHookBacklog,
  };
}

function readMaxBody(bytes: number | null, path: ConfigPath, diagnostics: DiagnosticList): number {
  if (bytes !== null && bytes > hookBodyMaxBytes) diagnostics.error(path, `must be at most ${hookBodyMaxBytes} bytes`);
  return bytes ?? hookBodyMaxBytes;
}

function describeProof(proof: HookProof): string {
  return proof.kind === "hmac"
    ? `hmac ${proof.hash} in ${proof.header}`
    : proof.kind === "token"
    ? `token in ${proof.header}`
    : proof.kind;
}

const noScheme: Scheme = schemes["bearer"] as Scheme;

function readVerify(verify: HookShape["verify"] | null, at: ConfigPath, diagnostics: DiagnosticList): Scheme {
  const path = [...at, "verify"];
  if (verify === null || verify === undefined) {
    const hint = `write one of ${schemeNames.join(", ")}, or { hmac: sha256, header: X-Signature }`;
    diagnostics.error(at, 'the key "verify" is missing: it says how a delivery proves where it comes from', hint);
    return noScheme;
  }
  if (typeof verify === "string") {
    const known = Object.hasOwn(schemes, verify) ? schemes[verify] : undefined;
    if (known !== undefined) return known;
    diagnostics.error(path, `${quote(verify)} is not a way to verify`, () => hintNearest(verify, schemeNames));
    return noScheme;
  }
  const { hmac, token, header: named, prefix, encoding } = verify;
  if ((hmac ?? null) !== null && (token ?? null) !== null) {
    diagnostics.error([...path, "token"], "a delivery is verified by hmac or by token", "remove one of them");
  }
  if ((hmac ?? null) === null && (token ?? null) === null) {
    const hint = "write { hmac: sha256, header: X-Signature } or { token: X-Token }";
    diagnostics.error(path, "has neither hmac nor token", hint);
    return noScheme;
  }
  if (hmac !== null && hmac !== undefined) {
    if ((named ?? null) === null) diagnostics.error(path, 'the key "header" is missing', "write header: X-Signature");
    const proof = { kind: "hmac", hash: hmac, prefix: prefix ?? "", encoding: encoding ?? "hex" } as const;
    return { proof: { ...proof, header: checkHeader(named ?? "", [...path, "header"], diagnostics) }, dedup: [] };
  }
  for (const key of ["header", "encoding"] as const) {
    if ((verify[key] ?? null) === null) continue;
    diagnostics.error([...path, key], `${key} has no effect without hmac`, "token names the header itself");
  }
  const name = checkHeader(token ?? "", [...path, "token"], diagnostics);
  return { proof: { kind: "token", header: name, prefix: prefix ?? "" }, dedup: [] };
}

function checkHeader(name: string, path: ConfigPath, diagnostics: DiagnosticList): string {
  if (name !== "" && !headerName.test(name)) diagnostics.error(path, `${quote(name)} is not the name of a header`);
  return name.toLowerCase();
}

function readSecrets(secret: HookShape["secret"] | null, at: ConfigPath, diagnostics: DiagnosticList): string[] {
  const hint = "write secret: env GIT_HOOK_SECRET, and its value into env_file";
  if (secret === null || secret === undefined) {
    diagnostics.error(at, 'the key "secret" is missing: without one, anybody could deliver', hint);
    return [];
  }
  return readSecretNames(secret, [...at, "secret"], hint, diagnostics);
}

function readDedup(dedup: string | readonly string[], path: ConfigPath, diagnostics: DiagnosticList): HookKey[] {
  const listed = typeof dedup === "string" ? [dedup] : dedup;
  if (listed.length > hookDedupMax) diagnostics.error(path, `has more than ${hookDedupMax} keys`);
  return listed.flatMap((each, index): HookKey[] => {
    if (each === "body") return [{ kind: "body" }];
    if (each === "none" && listed.length === 1) return [];
    const name = /^header\s+(\S+)$/.exec(each)?.[1];
    if (name !== undefined && headerName.test(name)) return [header(name.toLowerCase())];
    const at = typeof dedup === "string" ? path : [...path, index];
    diagnostics.error(at, `${quote(each)} is no key of a delivery`, "write header X-Delivery-Id, body or none");
    return [];
  });
}

function readRate(text: string | null, path: ConfigPath, diagnostics: DiagnosticList): HookDefinition["rate"] {
  const standard = { count: defaultHookRate, perMs: defaultHookRateMs };
  if (text === null) return standard;
  const match = /^(\d+) per (\S+)$/.exec(text.trim()), span = parseDuration(match?.[2] ?? "");
  const count = Number(match?.[1]);
  if (match === null || !span.ok || span.value === 0) {
    diagnostics.error(path, `${quote(text)} is not a rate`, "write 100 per 1s");
  } else if (count < 1 || count > hookRateMax) diagnostics.error(path, `must be at least 1 and at most ${hookRateMax}`);
  else return { count, perMs: span.value };
  return standard;
}

/** Accepts no names: `localhost` may mean another address than the sender expects. */
const addressText = /^(?:((?:\d{1,3}\.){3}\d{1,3})|\[([\da-f:.]+)\]):(\d{1,5})$/i;

export function buildListen({ listen }: FileShape, diagnostics: DiagnosticList): ListenDefinition | null {
  if (listen === null || listen === undefined) return null;
  const isText = typeof listen === "string", path = isText ? ["listen"] : ["listen", "address"];
  const text = isText ? listen : listen.address ?? null, hosts = isText ? [] : listen.hosts ?? [];
  if (text === null) {
    diagnostics.error(["listen"], 'the key "address" is missing', "write address: 127.0.0.1:7077");
    return null;
  }
  const [, v4, v6, digits] = addressText.exec(text) ?? [], hostname = v4 ?? v6?.toLowerCase(), port = Number(digits);
  if (hostname === undefined || port > 65_535 || v4?.split(".").some((part) => Number(part) > 255)) {
    diagnostics.error(path, `${quote(text)} is not an IP address with a port`, "write 127.0.0.1:7077");
    return null;
  }
  hosts.forEach((each, index) => {
    if (hostName.test(each)) return;
    const at = ["listen", "hosts", index];
    diagnostics.error(at, `${quote(each)} is not the name of a host`, "write hooks.example.com, without a port");
  });
  return { hostname, port, hosts: hosts.map((each) => each.toLowerCase()) };
}

const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
