/**
 * Closes the known escapes from a permission-restricted Web Worker before any user code is loaded. Called once by
 * worker_main.ts. Deno enforces permissions; this file closes what they do not cover: actions on the whole process
 * (exit, abort, signals, working directory, environment), further threads, listeners, and stores outside of the
 * workspace. Each line was an escape that worked on Deno 2.9.6; tests/faults/attacks tests them. realm_names.ts has the
 * names.
 */
import process from "node:process";
import workerThreads from "node:worker_threads";
import { uncurried } from "../base/uncurried.ts";
import { createObject, startsWith, uncurryGetter } from "./primordials.ts";
import { denoNames, findClosed, globalNames, navigatorNames, processNames } from "./realm_names.ts";

/** Calls `onExitRefused` when user code tries to end the process, and throws an error in that code. */
export function lockDown(onExitRefused: (code: number) => void): void {
  const { isInteger } = Number, { NotCapable } = Deno.errors;
  const exit = (code?: unknown): never => {
    onExitRefused(typeof code === "number" && isInteger(code) ? code : 0);
    throw new NotCapable("a sense or role cannot end its process; return instead");
  };
  for (
    const [object, key] of [[Deno, "exit"], [globalThis, "close"], [process, "exit"], [process, "reallyExit"]] as const
  ) {
    pin(object, key, exit);
  }
  closeEnvironment();
  for (const key of findClosed(Deno, denoNames).denied) closeOff(Deno, "Deno", key);
  for (const key of findClosed(process, processNames).denied) closeOff(process, "process", key);
  // Removed rather than closed: libraries check for these names with `typeof`.
  for (const key of findClosed(globalThis, globalNames).denied) pin(globalThis, key, undefined);
  const navigatorPrototype = Object.getPrototypeOf(navigator);
  for (const key of findClosed(navigatorPrototype, navigatorNames).denied) pin(navigatorPrototype, key, undefined);
  // Deno[Deno.internal] gives access to the runtime's own operations.
  pin(Deno, Reflect.get(Deno, "internal"), Object.freeze({}));
  closeSignals();
  breakNodeWorker();
  keepAliveAfterStrayErrors();
}

function pin(object: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: false, configurable: false });
}

const { NotCapable } = Deno.errors;

/** A function, or a getter, becomes a function that throws; anything else becomes undefined. */
function closeOff(object: object, name: string, key: string): void {
  const { value, get } = Object.getOwnPropertyDescriptor(object, key) ?? {};
  const isFunction = typeof value === "function" || get !== undefined;
  pin(object, key, isFunction ? refuse(`${name}.${key} ${reasonFor(key)}`) : undefined);
}

function reasonFor(key: string): string {
  if (/^(listen|serve)/.test(key)) return "is closed in the sandbox: a net grant opens connections, not listeners";
  if (key === "watchFs") return "is closed in the sandbox: the system's watchers are few, and counted for all programs";
  return "affects the whole process and is closed in the sandbox";
}

/** A function that throws. */
function refuse(message: string): () => never {
  return () => {
    throw new NotCapable(message);
  };
}

/**
 * The environment belongs to the process: `http_proxy` would send each request elsewhere, and Deno checks only the host
 * that the code named.
 */
function closeEnvironment(): void {
  const closed = refuse("a variable cannot be set in the sandbox: it affects the whole process");
  for (const key of ["set", "delete"]) pin(Deno.env, key, closed);
  pin(Deno, "env", Deno.env);
  const traps: ProxyHandler<typeof process.env> = createObject(null);
  for (const trap of ["set", "deleteProperty", "defineProperty", "setPrototypeOf"] as const) traps[trap] = closed;
  pin(process, "env", new Proxy(process.env, traps));
}

/** A listener of a signal keeps the process alive when that signal arrives. */
function closeSignals(): void {
  const prototype = Object.getPrototypeOf(process) as Record<string, unknown>;
  for (const key of ["on", "addListener", "prependListener"]) {
    for (const object of [process as unknown as Record<string, unknown>, prototype]) {
      const add: unknown = Object.hasOwn(object, key) ? object[key] : undefined;
      if (typeof add !== "function") continue;
      const call = uncurried(add as (this: unknown, ...args: unknown[]) => unknown);
      pin(object, key, function (this: unknown, event: unknown, listener: unknown): unknown {
        if (typeof event === "string" && startsWith(event, "SIG")) {
          throw new NotCapable("a signal listener affects the whole process and is closed in the sandbox");
        }
        return call(this, event, listener);
      });
    }
  }
}

/** Static imports of node:worker_threads in npm code ignore the import map, so the class itself must fail. */
function breakNodeWorker(): void {
  const NodeWorker = workerThreads.Worker;
  Object.setPrototypeOf(
    NodeWorker,
    class {
      constructor() {
        throw new NotCapable("threads are closed in the sandbox");
      }
    },
  );
  Object.preventExtensions(NodeWorker);
}

let onStray: (thrown: unknown) => void = () => {};

/** Sets the handler of errors outside of any compute or role: a timer that throws, a promise that is never awaited. */
export function reportStrayErrors(report: (thrown: unknown) => void): void {
  onStray = report;
}

const preventDefault = uncurried(Event.prototype.preventDefault);
const reasonOf = uncurryGetter(PromiseRejectionEvent.prototype, "reason");
const errorOf = uncurryGetter(ErrorEvent.prototype, "error");

/** Without this, one forgotten promise of one sense would end the worker, and so the whole group. */
function keepAliveAfterStrayErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    preventDefault(event);
    onStray(reasonOf(event));
  });
  globalThis.addEventListener("error", (event) => {
    preventDefault(event);
    onStray(errorOf(event));
  });
}
