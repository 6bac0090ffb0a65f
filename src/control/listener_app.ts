/**
 * The app that the listener serves (Hono): deliveries of hooks, the dashboard, and the control API for callers with a
 * token or a session. tcp_server.ts serves it on its address.
 * I1. It answers requests only under its own names, and only from its own pages (own_names.ts).
 * I2. Without a token or a session it serves only hooks, which have proofs of their own, and the files of the
 *     dashboard, which contain nothing of the workspace.
 * I3. A scope is checked before the API sees the request. Tokens and links are made on the workspace's socket only.
 * I4. Every error is a problem document, except for the page of a link, which a person reads; every denial is counted
 *     and reported.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { NerveError } from "../base/errors.ts";
import { type AdmittedCaller, type Credential, credentialPattern } from "../protocol/access.ts";
import { problemStatus } from "../protocol/problem.ts";
import { takeDelivery } from "./hook_intake.ts";
import type { HookIntakePort } from "./hook_intake.ts";
import type { AccessPort, ControlEnv } from "./kernel_port.ts";
import { isSameOrigin, OwnNames, type RequestHeaders } from "./own_names.ts";
import { createProblemResponse, respondToError } from "./problem_response.ts";
import { apiHeaders, findWebFile, webHeaders } from "./web/files.ts";
import { clearCookie, readCookie, respondLinkFault, setCookie } from "./web/session_cookie.ts";

/** What the server passes to every request. */
export interface ListenerEnv {
  readonly Bindings: ControlEnv["Bindings"] & {
    /** The request's headers, by name in lower case: reading them from a Request takes longer than all the rest. */
    readonly headers?: Readonly<Record<string, string>>;
  };
}

export interface ListenerAppOptions {
  /** The host of its address, as in a URL, without the port. */
  readonly hostname: string;
  /** More names under which it answers, besides those of the loopback; in lower case. */
  readonly hosts: readonly string[];
  /** Called with every error that is a bug in nerve. */
  readonly report: (thrown: unknown) => void;
}

export interface ListenerPorts {
  readonly hooks: HookIntakePort;
  readonly access: ListenerAccess;
  /** The control API (app.ts). */
  readonly api: { fetch(request: Request, env: ControlEnv["Bindings"]): Response | Promise<Response> };
}

/** The part of access that the listener uses. */
export type ListenerAccess = Pick<AccessPort, "admit" | "onDenied" | "openSession" | "revoke" | "cookie">;

export function createListenerApp(ports: ListenerPorts, options: ListenerAppOptions): Hono<ListenerEnv> {
  const names = new OwnNames(options.hostname, options.hosts);
  const app = new Hono<ListenerEnv>().use(checkNames(names, ports.access));
  app.post("/hooks/:name", async (c) => {
    const headers = headersOf(c), name = c.req.param("name"), proven = await admitHook(headers, ports.access);
    return await takeDelivery(ports.hooks, name, headers, c.req.raw.body, proven);
  });
  app.all("/hooks/:name", (c) => {
    const error = new NerveError("USAGE", `${c.req.path} takes deliveries by POST only`);
    return createProblemResponse(405, error, { allow: "POST" });
  });
  addDashboard(app, ports);
  app.get("/metrics", (c) => askApi(c, ports, new Request("http://localhost/v1/metrics")));
  app.all("/v1/*", (c) => askApi(c, ports, c.req.raw));
  app.notFound((c) => createProblemResponse(404, new NerveError("USAGE", `there is no ${c.req.method} ${c.req.path}`)));
  app.onError((thrown) => {
    // The client disconnected while it sent its body (http_server.ts).
    const isGone = thrown instanceof DOMException && thrown.name === "AbortError";
    return respondToError(thrown, isGone ? () => {} : options.report);
  });
  return app;
}

function addDashboard(app: Hono<ListenerEnv>, ports: ListenerPorts): void {
  const { access } = ports;
  app.get("/login", async (c) => {
    const headers = headersOf(c), link = c.req.query("link") ?? "";
    // A browser that prefetches, or a program that checks links, must not use the link up.
    if (c.req.method === "HEAD" || /prefetch|prerender/.test(headers["sec-purpose"] ?? headers["purpose"] ?? "")) {
      return new Response(null, { status: 503, headers: webHeaders });
    }
    try {
      const { cookie } = await access.openSession(link);
      const isSecure = headers["x-forwarded-proto"] === "https";
      return new Response(null, {
        status: 303,
        headers: { ...webHeaders, location: "/", "set-cookie": setCookie(access.cookie, cookie, isSecure) },
      });
    } catch (thrown) {
      if (!(thrown instanceof NerveError)) throw thrown;
      if (thrown.code !== "STORE_FAILED") access.onDenied(thrown, null);
      return respondLinkFault(thrown, problemStatus[thrown.code], headers["accept"] ?? "");
    }
  });
  app.post("/logout", async (c) => {
    const caller = await admit(c, access);
    if (caller.kind === "session") await access.revoke({ name: caller.name });
    return new Response(null, { status: 204, headers: { ...apiHeaders, "set-cookie": clearCookie(access.cookie) } });
  });
  app.get("/:file?", async (c, next) => {
    const found = findWebFile(c.req.path);
    if (found === null) return await next();
    const { type, body, packed, etag } = await found, asked = headersOf(c);
    const headers = { ...webHeaders, "content-type": type, etag, vary: "accept-encoding", "cache-control": "no-cache" };
    if (asked["if-none-match"] === etag) return new Response(null, { status: 304, headers });
    const packs = /\bgzip\b/.test(asked["accept-encoding"] ?? ""), sent = packs ? packed : body;
    const encoding = packs ? { "content-encoding": "gzip" } : {};
    return new Response(sent, { headers: { ...headers, ...encoding, "content-length": String(sent.length) } });
  });
}

/** Answers with the control API, if the caller may use it. */
async function askApi(c: Context<ListenerEnv>, { access, api }: ListenerPorts, request: Request): Promise<Response> {
  const caller = await admit(c, access), { method, path } = c.req;
  const fault = findScopeFault(caller, method, path);
  if (fault !== null) throw deny(access, fault, caller.name);
  const { gone, stopping, clock } = c.env, { ended, ...shown } = caller;
  // Waiting answers and streams also end when the caller's token does.
  const answer = await api.fetch(request, { gone, clock, stopping: AbortSignal.any([stopping, ended]), caller: shown });
  for (const [name, value] of Object.entries(apiHeaders)) answer.headers.set(name, value);
  return answer;
}

function findScopeFault({ kind, name, scope }: AdmittedCaller, method: string, path: string): NerveError | null {
  const who = `the ${kind} ${name} of scope ${scope}`;
  if (scope === "hook") return new NerveError("ACCESS_SCOPE", `${who} only delivers to hooks`);
  if (path.startsWith("/v1/access")) {
    return new NerveError("ACCESS_SCOPE", `${who} cannot create tokens: only the workspace's socket can`);
  }
  if (scope === "operate" || method === "GET" || method === "HEAD") return null;
  return new NerveError("ACCESS_SCOPE", `${who} may only read: this request needs scope operate`);
}

/** Whether a delivery shows a token of nerve; without one its hook checks for a proof. Reports and throws a denial. */
async function admitHook(headers: RequestHeaders, access: ListenerAccess): Promise<boolean> {
  const text = readBearer(headers);
  if (text === null || !credentialPattern.test(text)) return false;
  const { name, scope } = await ask(access, { kind: "token", text });
  if (scope === "hook") return true;
  throw deny(access, new NerveError("ACCESS_SCOPE", `the token ${name} of scope ${scope} delivers to no hook`), name);
}

/** The caller of the request. Reports a denial, and throws it. */
async function admit(c: Context<ListenerEnv>, access: ListenerAccess): Promise<AdmittedCaller> {
  const headers = headersOf(c), shown = findCredential(headers, access.cookie);
  if (shown === null) {
    const hint = "nerve dashboard opens a session, nerve token create makes a token";
    throw deny(
      access,
      new NerveError("ACCESS_MISSING", "the request shows neither a token nor a session", { hint }),
      null,
    );
  }
  const isSafe = c.req.method === "GET" || c.req.method === "HEAD";
  if (shown.kind === "session" && !isSafe && !isSameOrigin(headers)) {
    const error = new NerveError("ORIGIN_REFUSED", "the request uses a session, and does not say from which page");
    throw deny(access, error, null);
  }
  return await ask(access, shown);
}

async function ask(access: ListenerAccess, shown: Credential): Promise<AdmittedCaller> {
  try {
    return await access.admit(shown);
  } catch (thrown) {
    throw thrown instanceof NerveError ? deny(access, thrown, null) : thrown;
  }
}

function readBearer(headers: RequestHeaders): string | null {
  return /^Bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? null;
}

/** A token takes precedence: a client that sends one does so on purpose. */
function findCredential(headers: RequestHeaders, cookie: string): Credential | null {
  const token = readBearer(headers);
  if (token !== null) return { kind: "token", text: token };
  const session = readCookie(headers["cookie"] ?? "", cookie);
  return session === null ? null : { kind: "session", text: session };
}

function deny(access: ListenerAccess, error: NerveError, who: string | null): NerveError {
  access.onDenied(error, who);
  return error;
}

function checkNames(names: OwnNames, access: ListenerAccess): MiddlewareHandler<ListenerEnv> {
  return async (c, next) => {
    const { method, path } = c.req, opens = method === "GET" && (path === "/" || path === "/login");
    const fault = names.findFault(headersOf(c), opens);
    if (fault === null) return await next();
    return createProblemResponse(problemStatus[fault.code], deny(access, fault, null));
  };
}

function headersOf(c: Context<ListenerEnv>): RequestHeaders {
  // Tests call the app without a server.
  return c.env?.headers ?? Object.fromEntries(c.req.raw.headers);
}
