/**
 * Does for code in the sandbox what Deno does not permit there: reads files below /proc and /sys (system_files.ts),
 * shows a server's certificates and sends e-mail (tls_worker.ts). Created by shim.ts, in the trusted thread; the SDK's
 * functions ask through host_client.ts.
 * I1. Every request is checked against the grants of the unit: no sender can do more than they allow.
 * I2. Each request gets one answer. At most `requestsMax` are pending.
 */
import { systemClock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { resolveOwnFile } from "../base/self_exec.ts";
import type { CancelTimer } from "../base/time.ts";
import {
  type HostAnswer,
  type HostRequest,
  type MailRequest,
  parseHostRequest,
  type TlsRequest,
} from "../protocol/host_request.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import { listGrantedFolder, readGrantedFile } from "./system_files.ts";

const requestsMax = 64;
/** How long the TLS thread is kept for the next request: it takes 10 MiB. */
const tlsIdleMs = 10_000;

interface TlsThread {
  send(message: HostRequest): void;
  end(): void;
}

export class HostServices {
  readonly #permissions: SandboxPermissions;
  readonly #port: MessagePort;
  readonly #tls = new Set<number>();
  #waiting = 0;
  #tlsThread: TlsThread | null = null;
  #cancelIdle: CancelTimer | null = null;

  constructor(permissions: SandboxPermissions, port: MessagePort) {
    this.#permissions = permissions;
    this.#port = port;
    port.onmessage = ({ data }) => {
      const request = parseHostRequest(data);
      if (request !== null) return this.#handle(request);
      const { id } = Object(data);
      if (Number.isSafeInteger(id)) {
        this.#send({ id, ok: false, name: "TypeError", message: "the arguments are not valid" });
      }
    };
  }

  #handle(request: HostRequest): void {
    const { t, id } = request;
    if (t === "cancel") {
      if (this.#tls.has(id)) this.#tlsThread?.send(request);
      return;
    }
    if (this.#waiting >= requestsMax) {
      return void this.#send({ id, ok: false, name: "Busy", message: `more than ${requestsMax} requests at a time` });
    }
    this.#waiting++;
    if (t === "tls" || t === "mail") return this.#askTls(request);
    const value = (t === "file" ? readGrantedFile : listGrantedFolder)(request.path, this.#permissions);
    (value as Promise<unknown>).then(
      (value) => this.#answer({ id, ok: true, value }),
      (thrown) => this.#answer({ id, ok: false, name: nameOf(thrown), message: messageOf(thrown) }),
    );
  }

  #answer(answer: HostAnswer): void {
    this.#waiting--;
    this.#send(answer);
  }

  #send(answer: HostAnswer): void {
    this.#port.postMessage(answer);
  }

  #askTls(request: TlsRequest | MailRequest): void {
    this.#cancelIdle?.();
    this.#tls.add(request.id);
    this.#tlsThread ??= this.#startTlsThread();
    this.#tlsThread.send(request);
  }

  /** The thread has the unit's own net permission, so Deno itself decides which hosts it may connect to. */
  #startTlsThread(): TlsThread {
    const permissions = { net: this.#permissions.net, read: [resolveOwnFile("./")], sys: ["ca"] };
    const worker = new Worker(resolveOwnFile("sandbox/tls_worker.ts"), {
      type: "module",
      name: "tls",
      deno: { permissions: permissions as Deno.PermissionOptionsObject },
    });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => this.#onTlsAnswer(data as HostAnswer);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#endTlsThread();
      for (const id of this.#tls) this.#onTlsAnswer({ id, ok: false, name: "Error", message: event.message });
    };
    worker.postMessage(null, [port2]);
    return { send: (message) => port1.postMessage(message), end: () => worker.terminate() };
  }

  #onTlsAnswer(answer: HostAnswer): void {
    if (!this.#tls.delete(answer.id)) return;
    this.#answer(answer);
    if (this.#tls.size > 0) return;
    this.#cancelIdle?.();
    this.#cancelIdle = systemClock.after(tlsIdleMs, () => this.#endTlsThread());
  }

  #endTlsThread(): void {
    this.#tlsThread?.end();
    this.#tlsThread = null;
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "Error";
}
