/**
 * Sends an HTTP request with a JSON body, and tries again while the server cannot take it.
 * I1. Every attempt has the run's id in the header `Idempotency-Key`, by which the receiver recognizes a repeat.
 * I2. No secret, user or password is in a message, a row of the log, or an error.
 */
import { defineWorkflow, END, type Json, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { encodeUserinfo, hideUserinfo, hideUserinfoOfInvalid } from "../../lib/url.ts";
import { send } from "./request.ts";
import { fillTemplate } from "../../lib/template.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const defaultBody =
  '{"runId":"{{runId}}","workflow":"{{workflow}}","text":"{{prompt}}","payload":"{{payload}}","trigger":"{{trigger}}"}';
const shownMaxChars = 2_000;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    url: option.text(),
    method: option.text("POST"),
    body: option.text(defaultBody),
    headers: option.list({ fallback: [], max: 50 }),
    secret_env: option.text(null),
    secret_header: option.text("authorization"),
    secret_prefix: option.text("Bearer "),
    attempts: option.number(5, { min: 1, max: 100 }),
    timeout: option.duration("10s"),
    retry_delay: option.duration("1s"),
    max_wait: option.duration("10m"),
  });
  const { url, method } = settings;
  if (!["http:", "https:"].includes(URL.parse(url)?.protocol ?? "")) {
    throw new TypeError(
      `config.url must be an http: or https: address, not "${hideUserinfoOfInvalid(url).slice(0, 100)}"`,
    );
  }
  if (!methods.includes(method)) throw new TypeError(`config.method must be one of ${methods.join(", ")}`);
  return {
    ...settings,
    url: encodeUserinfo(url),
    headers: settings.headers.map(readHeader),
    template: readTemplate(settings.body),
  };
}

function readHeader(line: string): [string, string] {
  const at = line.indexOf(":"), name = line.slice(0, at).trim();
  // The value may be secret.
  if (!/^[\w-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(line)) {
    throw new TypeError(`config.headers must hold lines such as "X-Kind: alert"`);
  }
  return [name.toLowerCase(), line.slice(at + 1).trim()];
}

function readTemplate(body: string): Json {
  try {
    return JSON.parse(body);
  } catch (thrown) {
    throw new TypeError(`config.body must be JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function readSecret(name: string | null): string | null {
  if (name === null) return null;
  const secret = Deno.env.get(name);
  if (secret === undefined || secret === "") throw new TypeError(`the variable ${name} is not set`);
  return secret;
}

/** Shorter texts are not hidden, unless they are the secret itself: they may be part of any word. */
const hiddenMinChars = 4;

/** What a receiver may send back of the request and must be hidden, the longest first. */
function listHidden(url: string, secret: string | null): string[] {
  const { username, password, search } = new URL(url), names = [username, password];
  const plain = names.map((name) => {
    try {
      return decodeURIComponent(name);
    } catch (thrown) {
      if (!(thrown instanceof URIError)) throw thrown;
      return name;
    }
  });
  const basic = new TextEncoder().encode(plain.join(":")).toBase64();
  return [secret ?? "", ...username + password === "" ? [] : [basic, password, plain[1] ?? ""], search.slice(1)]
    .filter((each) => each.length >= hiddenMinChars || each === secret && each !== "")
    .sort((a, b) => b.length - a.length);
}

async function request({ start, config: settings, signal, log }: RoleContext<ReturnType<typeof readSettings>>) {
  const { url, method } = settings, secret = readSecret(settings.secret_env);
  const { runId, workflow, prompt, payload } = start, trigger: Json = JSON.parse(JSON.stringify(start.trigger));
  const hasBody = method !== "GET";
  const body = hasBody
    ? JSON.stringify(fillTemplate(settings.template, { runId, workflow, prompt, payload, trigger }))
    : null;
  const headers = {
    "user-agent": "nerve",
    ...hasBody ? { "content-type": "application/json" } : {},
    ...Object.fromEntries(settings.headers),
    ...secret === null ? {} : { [settings.secret_header.toLowerCase()]: `${settings.secret_prefix}${secret}` },
    "idempotency-key": runId,
  };
  const hidden = listHidden(url, secret);
  const mask = (text: string) => hidden.reduce((bare, each) => bare.replaceAll(each, "***"), hideUserinfo(text));
  const { attempts, timeout, retry_delay, max_wait } = settings;
  const limits = { attempts, timeoutMs: timeout, firstDelayMs: retry_delay, retryAfterMaxMs: max_wait };
  const shown = hideUserinfo(url).replace(/[?#].*$/s, "");
  try {
    const { status, attempt, text } = await send({ url, method, headers, body, mask }, limits, signal, log);
    const meta = { url: shown, method, status, attempt, answer: text.slice(0, shownMaxChars) };
    return { content: `${method} ${shown} was answered with ${status} at attempt ${attempt}`, meta };
  } catch (thrown) {
    if (signal.aborted || thrown instanceof Deno.errors.NotCapable || !(thrown instanceof Error)) throw thrown;
    throw new Error(`${method} ${shown}: ${mask(thrown.message)}`);
  }
}

export default defineWorkflow({
  config: readSettings,
  roles: { request },
  moderator: ({ messages }) => (messages.length === 0 ? "request" : END),
});
