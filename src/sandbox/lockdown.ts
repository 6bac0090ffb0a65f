/**
 * Closes the known ways out of a permission-restricted Web Worker before any user code is loaded.
 * Called once by worker_main.ts. Permissions are Deno's business; this file closes what permissions do not cover: acts on
 * the whole process (exit, abort, signals, working directory) and further threads. Each line here was an escape that
 * worked on Deno 2.9.6; tests/faults/attacks keeps one file for each.
 */
import process from "node:process";
import workerThreads from "node:worker_threads";

/** Calls `exitRefused` when user code asks for the end of the process, and throws to that code. */
export function lockDown(exitRefused: (code: number) => void): void {
  const exit = (code?: unknown): never => {
    exitRefused(typeof code === "number" && Number.isInteger(code) ? code : 0);
    throw new Deno.errors.NotCapable("a sense or role cannot end its process: return from it instead");
  };
  for (
    const [object, key] of [[Deno, "exit"], [globalThis, "close"], [process, "exit"], [process, "reallyExit"]] as const
  ) {
    pin(object, key, exit);
  }
  for (const key of ["kill", "addSignalListener", "removeSignalListener", "chdir", "umask"]) refuse(Deno, "Deno", key);
  for (const key of ["kill", "_kill", "abort", "getBuiltinModule", "binding", "dlopen", "chdir", "umask"]) {
    refuse(process, "process", key);
  }
  // Deno[Deno.internal] reaches the runtime's own operations.
  pin(Deno, Reflect.get(Deno, "internal"), Object.freeze({}));
  // A nested worker starts 500 ms late, cannot be stopped, and doubles the memory.
  pin(globalThis, "Worker", undefined);
  // No permission covers the graphics card, its driver runs in this process, and its memory is counted nowhere.
  pin(Object.getPrototypeOf(navigator), "gpu", undefined);
  breakNodeWorker();
  keepAliveAfterStrayErrors();
}

function pin(object: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: false, configurable: false });
}

function refuse(object: object, name: string, key: string): void {
  pin(object, key, () => {
    throw new Deno.errors.NotCapable(`${name}.${key} acts on the whole process and is closed in the sandbox`);
  });
}

/** A static import of node:worker_threads from npm code ignores the import map: the class itself must fail. */
function breakNodeWorker(): void {
  const NodeWorker = workerThreads.Worker;
  Object.setPrototypeOf(
    NodeWorker,
    class {
      constructor() {
        throw new Deno.errors.NotCapable("threads are closed in the sandbox");
      }
    },
  );
  Object.preventExtensions(NodeWorker);
}

let onStray: (thrown: unknown) => void = () => {};

/** Where errors go that no compute and no role waits for: a timer that throws, a promise nobody awaits. */
export function reportStrayErrors(report: (thrown: unknown) => void): void {
  onStray = report;
}

/** Without this, one forgotten promise of one sense would end the worker, and with it the whole group. */
function keepAliveAfterStrayErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    onStray(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    onStray(event.error);
  });
}
