/**
 * The sandbox's end of host_services.ts: sends the requests of the SDK's functions, and passes the answers back to
 * them. Called once by worker_main.ts, before user code.
 */
import type { HostAnswer, HostRequest } from "../protocol/host_request.ts";
import { provideHost } from "../sdk/host.ts";

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

export function installHostClient(port: MessagePort): void {
  const waiting = new Map<number, Waiting>(), post = port.postMessage.bind(port);
  let last = 0;
  port.onmessage = ({ data }) => {
    const answer = data as HostAnswer, request = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.ok) request?.resolve(answer.value);
    else request?.reject(toError(answer));
  };
  provideHost((ask, signal) => {
    const id = ++last;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const cancel = () => {
        waiting.delete(id);
        post({ t: "cancel", id } satisfies HostRequest);
        reject(signal?.reason);
      };
      const settle = (act: () => void) => {
        signal?.removeEventListener("abort", cancel);
        act();
      };
      waiting.set(id, {
        resolve: (value) => settle(() => resolve(value)),
        reject: (reason) => settle(() => reject(reason)),
      });
      signal?.addEventListener("abort", cancel, { once: true });
      post({ ...ask, id });
    });
  });
}

/** The error classes that callers distinguish. */
const kinds: Readonly<Record<string, new (message: string) => Error>> = {
  NotCapable: Deno.errors.NotCapable,
  NotFound: Deno.errors.NotFound,
  PermissionDenied: Deno.errors.PermissionDenied,
  TypeError,
};

function toError({ name, message }: Extract<HostAnswer, { ok: false }>): Error {
  const error = new (kinds[name] ?? Error)(message);
  // Its own stack would point into this file.
  error.stack = `${name}: ${message}`;
  return error;
}
