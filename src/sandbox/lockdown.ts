/**
 * Closes the known escapes from a permission-restricted Web Worker before any user code is loaded. Called once by
 * worker_main.ts. Deno enforces permissions; this file closes what they do not cover: actions on the whole process
 * (exit, abort, signals, working directory) and further threads. Each line was an escape that worked on Deno 2.9.6;
 * tests/faults/attacks tests them.
 */
import process from "node:process";
import workerThreads from "node:worker_threads";

/** Calls `onExitRefused` when user code tries to end the process, and throws an error at it. */
export function lockDown(onExitRefused: (code: number) => void): void {
  const exit = (code?: unknown): never => {
    onExitRefused(typeof code === "number" && Number.isInteger(code) ? code : 0);
    throw new Deno.errors.NotCapable("a sense or role cannot end its process; return instead");
  };
  for (
    const [object, key] of [[Deno, "exit"], [globalThis, "close"], [process, "exit"], [process, "reallyExit"]] as const
  ) {
    pin(object, key, exit);
  }
  for (const key of ["kill", "addSignalListener", "removeSignalListener", "chdir", "umask"]) {
    closeOff(Deno, "Deno", key);
  }
  for (const key of ["kill", "_kill", "abort", "getBuiltinModule", "binding", "dlopen", "chdir", "umask"]) {
    closeOff(process, "process", key);
  }
  // Deno[Deno.internal] gives access to the runtime's own operations.
  pin(Deno, Reflect.get(Deno, "internal"), Object.freeze({}));
  // A nested worker takes 500 ms to start, cannot be stopped, and doubles the memory.
  pin(globalThis, "Worker", undefined);
  // No permission covers the graphics card, its driver runs in this process, and its memory is not measured.
  pin(Object.getPrototypeOf(navigator), "gpu", undefined);
  breakNodeWorker();
  keepAliveAfterStrayErrors();
}

function pin(object: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: false, configurable: false });
}

function closeOff(object: object, name: string, key: string): void {
  pin(object, key, () => {
    throw new Deno.errors.NotCapable(`${name}.${key} affects the whole process and is closed in the sandbox`);
  });
}

/** Static imports of node:worker_threads in npm code ignore the import map: the class itself must fail. */
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

/** Sets the handler of errors outside of any compute or role: a timer that throws, a promise that is never awaited. */
export function reportStrayErrors(report: (thrown: unknown) => void): void {
  onStray = report;
}

/** Without this, one forgotten promise of one sense would end the worker, and so the whole group. */
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
