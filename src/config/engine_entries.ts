/** Builds an entry of `engines` in nerve.yaml: sets defaults, checks the rules between its keys. Called by build.ts. */
import type { EngineDefinition } from "../protocol/engine.ts";
import { quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { EngineShape } from "./schema.ts";
import { readSecretNames } from "./secret_names.ts";

const addressText = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;
const keyText = /^publickeyv1_[1-9A-HJ-NP-Za-km-z]{20,60}$/;
const secretHint = "write secret: env ENGINE_SECRET, and its value into env_file";
const serviceText = /^[A-Za-z][A-Za-z0-9-]{0,62}$/;

/** The name of the engine that is part of nerve. */
export const localEngine = "local";

/** `others`: the engines before it. Each has its own address: the second one at an address would never get a run. */
export function buildEngine(
  name: string,
  shape: Partial<EngineShape>,
  others: Iterable<EngineDefinition>,
  diagnostics: DiagnosticList,
): EngineDefinition {
  const path = ["engines", name];
  if (name === localEngine) {
    diagnostics.error(path, "is the name of the engine that is part of nerve", "write another name, such as cluster");
  }
  const need = (key: "kind" | "ingress" | "admin" | "listen" | "identity", hint: string) => {
    diagnostics.error(path, `the key "${key}" is missing`, hint);
    return "";
  };
  if ((shape.kind ?? null) === null) need("kind", "write kind: restate");
  const readUrl = (key: "ingress" | "admin" | "endpoint", text: string): string => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
      diagnostics.error([...path, key], `${quote(text)} is not an address`, "write http://127.0.0.1:8080");
    } else if (url.username !== "" || url.password !== "") {
      diagnostics.error(
        [...path, key],
        "an address of an engine has no user and password",
        "leave out what is before @",
      );
    }
    return text.replace(/\/+$/, "");
  };
  const readUrls = (key: "ingress" | "admin", hint: string): string[] => {
    const value = shape[key] ?? [], all = typeof value === "string" ? [value] : value;
    if (all.length === 0) need(key, hint);
    return all.map((each) => readUrl(key, each));
  };
  const listen = shape.listen ?? need("listen", "write listen: 127.0.0.1:9080"), match = addressText.exec(listen);
  if (listen !== "" && (match === null || Number(match[2]) > 65_535 || Number(match[2]) === 0)) {
    diagnostics.error([...path, "listen"], `${quote(listen)} is not an address with a port`, "write 127.0.0.1:9080");
  }
  const other = [...others].find(({ hostname, port }) => `${hostname}:${port}` === listen.replace(/^\[|\](?=:)/g, ""));
  if (other !== undefined) {
    const message = `engine ${quote(other.name)} listens at ${listen}, too`;
    diagnostics.error([...path, "listen"], message, "write another port");
  }
  return {
    name,
    kind: "restate",
    ingress: readUrls("ingress", "write ingress: http://127.0.0.1:8080"),
    admin: readUrls("admin", "write admin: http://127.0.0.1:9070"),
    hostname: (match?.[1] ?? "").replace(/^\[|\]$/g, ""),
    port: Number(match?.[2] ?? 0),
    endpoint: shape.endpoint == null ? `http://${listen}` : readUrl("endpoint", shape.endpoint),
    identity: readKeys(shape.identity ?? null, path, diagnostics),
    secrets: shape.secret == null ? [] : readSecretNames(shape.secret, [...path, "secret"], secretHint, diagnostics),
    service: readService(shape.service ?? "nerve", path, diagnostics),
  };
}

function readKeys(keys: string | readonly string[] | null, path: string[], diagnostics: DiagnosticList): string[] {
  const all = keys === null ? [] : typeof keys === "string" ? [keys] : [...keys];
  if (all.length === 0) {
    const hint =
      "write identity: publickeyv1_...; the server's log names its key, and docs/engines.md says how it gets one";
    diagnostics.error(path, 'the key "identity" is missing: anybody could call this daemon', hint);
  }
  for (const key of all) {
    if (keyText.test(key)) continue;
    diagnostics.error([...path, "identity"], `${quote(key)} is not a public key of Restate`, "write publickeyv1_...");
  }
  return all;
}

function readService(name: string, path: string[], diagnostics: DiagnosticList): string {
  if (serviceText.test(name)) return name;
  const rule = "letters, digits and hyphens, beginning with a letter, at most 63";
  diagnostics.error([...path, "service"], `${quote(name)} cannot be the name of a service: ${rule}`);
  return name;
}
