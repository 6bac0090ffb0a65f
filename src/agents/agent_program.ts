/**
 * A program of an agent: its own process session, an environment with only the variables that it is given, and the mark
 * by which everything that it starts is found and ended with it. Used by the adapters.
 * I1. When `end` or `whenEnded` resolves, nothing that it started is running any longer, unless no signal can end it.
 * I2. A confined program runs no code before Landlock confines it.
 * I3. Its output is read completely, as fast as the output limits allow, so that it never waits for a reader.
 */
import { agentErrorsMaxChars, agentGraceMs, agentSweepMs, agentUnreadMaxBytes } from "../base/agent_limits.ts";
import { formatSize } from "../base/duration.ts";
import { isGoneProcess } from "../base/if_present.ts";
import { outputBytesBurstMax, outputBytesPerSecondMax } from "../base/limits.ts";
import { describeSystemError } from "../base/os_error.ts";
import { markVariable } from "../base/program_mark.ts";
import { endPrograms } from "../base/program_sweep.ts";
import { buildSelfArguments, findOwnProgram } from "../base/self_exec.ts";
import { type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import { confinementVariable, type ProgramConfinement } from "../protocol/agent_confinement.ts";
import { AgentFault, type SessionSetting } from "./ports.ts";

/** How long its last output may take after its end: a process without its mark may hold the pipe open. */
const lastOutputMs = 500;
const msPerTick = 10;

export class AgentProgram {
  readonly #clock: Clock;
  readonly #mark: string;
  readonly #child: Deno.ChildProcess;
  /** The earliest start of its programs, in clock ticks since boot. */
  readonly #since: number = (Deno.osUptime() - 1) * 1_000 / msPerTick;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | null;
  #errors = "";
  /** Bytes. */
  #unread = 0;

  /** `reads`: whether it is sent any input. `onOutput` gets what it prints. Throws an AgentFault. */
  constructor(
    setting: SessionSetting,
    command: readonly string[],
    reads: boolean,
    onOutput: (text: string) => void,
  ) {
    const { clock, mark, cwd } = setting, { program, args, env } = toStart(setting, command);
    this.#clock = clock;
    this.#mark = mark;
    try {
      this.#child = new Deno.Command(program, {
        args,
        cwd,
        detached: true,
        clearEnv: true,
        env,
        stdin: reads ? "piped" : "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (thrown) {
      throw new AgentFault(`${program} cannot be started: ${describeSystemError(thrown)}`);
    }
    this.#input = reads ? this.#child.stdin.getWriter() : null;
    const bytes = new TokenBucket(clock, outputBytesPerSecondMax, outputBytesBurstMax);
    const output = Promise.all([
      readText(this.#child.stdout, onOutput, bytes, clock),
      readText(
        this.#child.stderr,
        (text) => {
          this.#addErrors(text);
          setting.note("errors", text);
        },
        bytes,
        clock,
      ),
    ]);
    output.catch(() => {}); // Handled where the promise is awaited.
    this.#ended = this.#child.status.then(async (status) => {
      await this.#sweep();
      await Promise.race([output, delay(clock, lastOutputMs)]);
      return status;
    });
  }

  /** Sends it a text; `last`: nothing follows. */
  async write(text: string, last = false): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    this.#unread += bytes.length;
    if (this.#unread > agentUnreadMaxBytes) {
      this.#addErrors(`\nit has not read ${formatSize(agentUnreadMaxBytes)} of what it was sent`);
      return void this.end();
    }
    try {
      await this.#input?.write(bytes);
      this.#unread -= bytes.length;
      if (last) await this.#input?.close();
    } catch (thrown) {
      // It has ended, or does not read: its status and its answer show the result.
      this.#addErrors(`\nit did not read what it was sent: ${describeSystemError(thrown)}`);
    }
  }

  /** Resolves when it has ended, with everything that it started. */
  whenEnded(): Promise<Deno.CommandStatus> {
    return this.#ended;
  }

  /** The end of its error output. */
  get errors(): string {
    return this.#errors.trim();
  }

  /** Asks it to end, and kills it if it does not. */
  async end(): Promise<void> {
    this.#signal("SIGTERM");
    const settled = await Promise.race([
      this.#child.status.then(() => true),
      delay(this.#clock, agentGraceMs).then(() => false),
    ]);
    if (!settled) this.#signal("SIGKILL");
    await this.#ended;
  }

  /** Signals the whole process group of the program. */
  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch (thrown) {
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }

  async #sweep(): Promise<void> {
    await endPrograms({
      isCandidate: ({ startTime }) => Number(startTime) >= this.#since,
      isTarget: (mark) => mark === this.#mark,
      waitMs: agentSweepMs,
    });
  }

  #addErrors(text: string): void {
    this.#errors = (this.#errors + text).slice(-agentErrorsMaxChars);
  }
}

/** The command of an agent's program: itself, or a process that confines itself and becomes it. Also for terminals. */
export function toStart(
  { mark, env, wall }: Pick<SessionSetting, "mark" | "env" | "wall">,
  command: readonly string[],
): { readonly program: string; readonly args: string[]; readonly env: Record<string, string> } {
  const [program = "", ...args] = command, marked = { ...env, [markVariable]: mark };
  if (wall === null) return { program, args, env: marked };
  const own: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  for (const name of ["DENO_DIR", "XDG_CACHE_HOME"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) own[name] = value;
  }
  // Deno's cache is in the user's home: that of the agent is empty.
  if (own.DENO_DIR === undefined) own.HOME = Deno.env.get("HOME") ?? "/";
  const names = Object.keys(own),
    set = Object.fromEntries(names.flatMap((name) => name in env ? [[name, env[name]]] : []));
  const confinement: ProgramConfinement = { rules: wall, unset: names, set: set as Record<string, string> };
  return {
    program: findOwnProgram(),
    args: [...buildSelfArguments("sandbox/agent_program_entry.ts"), "__confined", ...command],
    env: { ...marked, ...own, [confinementVariable]: JSON.stringify(confinement) },
  };
}

async function readText(
  stream: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
  bytes: TokenBucket,
  clock: Clock,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    onText(decoder.decode(chunk, { stream: true }));
    const waitMs = bytes.charge(chunk.length);
    if (waitMs > 0) await delay(clock, waitMs);
  }
}
