/**
 * Ties each program that user code starts to the compute or attempt that starts it. Puts a mark (base/program_mark.ts)
 * into the program's environment. When the compute or attempt has ended, has the kernel end the programs that it left
 * running (process/program_ends.ts). Installed by worker_main.ts before any user code loads, in units that may start
 * programs; used by both runtimes.
 * I1. `runWork` settles only when no program that was started in it is running, or the kernel knows which ones are
 *     left.
 * I2. A program is refused when its compute or attempt has ended. So is one of a sense or role whose earlier program
 *     could not be ended.
 * The programs stay in the process group of the unit: one signal ends them all with it.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { systemClock } from "../base/clock.ts";
import { formatWork, markVariable } from "../base/program_mark.ts";
import type { KernelChannel } from "./runtime.ts";

/** One compute or one attempt of a role; or a part of either, whose programs end before it does. */
interface Work {
  readonly number: number;
  readonly subject: string;
  /** The work that this is a part of. */
  readonly whole: Work | null;
  readonly parts: Set<Work>;
  /** Whether the work has started a program. */
  started: boolean;
  ended: boolean;
  /** Resolves when the kernel has ended the programs that the work left running. */
  left: Promise<void> | null;
}

interface Tracker {
  readonly mark: string;
  readonly kernel: KernelChannel;
  readonly current: AsyncLocalStorage<Work>;
  /** By number: the work that waits for the kernel's answer. */
  readonly ending: Map<number, () => void>;
  readonly active: Set<Work>;
  held: ReadonlyMap<string, string>;
  last: number;
}

let tracker: Tracker | null = null;

/** `mark`: the beginning of each program's mark. */
export async function installPrograms(mark: string, kernel: KernelChannel): Promise<void> {
  // Loaded only here: a process without programs saves 0.5 MiB.
  const { AsyncLocalStorage } = await import("node:async_hooks");
  tracker = {
    ...{ mark, kernel, held: new Map(), last: 0 },
    ...{ current: new AsyncLocalStorage(), ending: new Map(), active: new Set() },
  };
  replaceStarters(tracker);
}

/** Runs `act` for a sense or role. Every program that it starts, however indirectly, ends before this settles. */
export async function runWork<T>(subject: string, act: () => T | Promise<T>): Promise<T> {
  return tracker === null ? await act() : await track(tracker, subject, null, act);
}

/** Like `runWork`, for a part of the compute or attempt that calls this: programs that the part starts end with it. */
export async function runPart<T>(act: () => Promise<T>): Promise<T> {
  if (tracker === null) return await act();
  const whole = tracker.current.getStore();
  if (whole === undefined) {
    throw new Deno.errors.NotCapable("only a compute or a role may start this: it ends with them");
  }
  return await track(tracker, whole.subject, whole, act);
}

async function track<T>(
  tracker: Tracker,
  subject: string,
  whole: Work | null,
  act: () => T | Promise<T>,
): Promise<T> {
  const ended = whole?.ended ?? false;
  const work: Work = { number: ++tracker.last, subject, whole, parts: new Set(), started: false, ended, left: null };
  tracker.active.add(work);
  whole?.parts.add(work);
  try {
    return await tracker.current.run(work, act);
  } finally {
    await end(tracker, work);
    whole?.parts.delete(work);
  }
}

async function end(tracker: Tracker, work: Work): Promise<void> {
  work.ended = true;
  tracker.active.delete(work);
  const parts = [...work.parts].map((part) => end(tracker, part));
  if (work.started) work.left ??= endWork(tracker, work);
  await Promise.all([work.left, ...parts]);
}

/**
 * A signal that aborts with `signal`, for the code of the compute or attempt that calls this. A listener runs in the
 * async context of the code that aborts: with the kernel's own signal, programs that a listener starts would belong to
 * no work.
 */
export function bindSignal(signal: AbortSignal): AbortSignal {
  const work = tracker?.current.getStore();
  if (tracker === null || work === undefined) return signal;
  const { current } = tracker, bound = new AbortController();
  const abort = () => current.run(work, () => bound.abort(signal.reason));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return bound.signal;
}

function endWork({ kernel, ending, active }: Tracker, { number }: Work): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  ending.set(number, resolve);
  kernel.send({ t: "programs_end", work: number, aloneAt: active.size === 0 ? systemClock.now() : null });
  return promise;
}

/** The kernel has ended the programs that the work left running. */
export function onProgramsEnded(work: number): void {
  tracker?.ending.get(work)?.();
  tracker?.ending.delete(work);
}

/** `subjects`: for each sense or role that may start no program, the reason. */
export function onHeld(subjects: Readonly<Record<string, string>>): void {
  if (tracker !== null) tracker.held = new Map(Object.entries(subjects));
}

/** The options with which a program is started; throws when it may not start. */
function toMarked<Options extends { env?: Record<string, string> | undefined }>(
  { current, held, mark }: Tracker,
  program: unknown,
  options: Options | undefined,
): Options & { env: Record<string, string> } {
  const work = current.getStore() ?? null;
  if (work?.ended === true) {
    throw new Deno.errors.NotCapable(`${program} is not started: the compute or attempt that starts it has ended`);
  }
  const reason = held.get(work?.subject ?? "");
  if (reason !== undefined) throw new Deno.errors.Busy(`${program} is not started: ${reason}`);
  for (let each = work; each !== null; each = each.whole) each.started = true;
  const own = mark + formatWork(work?.number ?? 0, work?.subject ?? "");
  return { ...options as Options, env: { ...options?.env, [markVariable]: own } };
}

/** Replaces every way to start a program, for good. */
function replaceStarters(tracker: Tracker): void {
  const { Command } = Deno;
  class MarkedCommand {
    readonly #program: string | URL;
    readonly #options: Deno.CommandOptions | undefined;

    constructor(program: string | URL, options?: Deno.CommandOptions) {
      this.#program = program;
      this.#options = options;
    }

    // As in Deno, an invalid program makes the promise reject.
    async output(): Promise<Deno.CommandOutput> {
      return await this.#create().output();
    }

    outputSync(): Deno.CommandOutput {
      return this.#create().outputSync();
    }

    spawn(): Deno.ChildProcess {
      return this.#create().spawn();
    }

    #create(): Deno.Command {
      return new Command(this.#program, toMarked(tracker, this.#program, this.#options));
    }
  }
  pin("Command", Object.defineProperty(MarkedCommand, "name", { value: "Command" }));
  const toCommand = (program: string | URL, second?: unknown, third?: Deno.CommandOptions) =>
    new MarkedCommand(program, Array.isArray(second) ? { ...third, args: second } : second as Deno.CommandOptions);
  pin("spawn", (...args: Parameters<typeof toCommand>) => toCommand(...args).spawn());
  pin("spawnAndWait", (...args: Parameters<typeof toCommand>) => toCommand(...args).output());
  pin("spawnAndWaitSync", (...args: Parameters<typeof toCommand>) => toCommand(...args).outputSync());
  // Deprecated, and not in the types of Deno 2.9.6.
  const run: unknown = Reflect.get(Deno, "run");
  if (typeof run !== "function") return;
  pin(
    "run",
    (options: { cmd: unknown[]; env?: Record<string, string> }) => run(toMarked(tracker, options?.cmd?.[0], options)),
  );
}

function pin(key: string, value: unknown): void {
  if (key in Deno) Object.defineProperty(Deno, key, { value, writable: false, configurable: false });
}
