/**
 * A terminal for one session: tmux on a socket of its own, which runs the agent's program. Used by terminal_adapter.ts.
 * tmux itself is not confined, but its program is: the socket is where no agent reaches it, because a tmux client obeys
 * the other side of its socket.
 * I1. When `end` or `whenEnded` resolves, neither tmux nor anything in it is running.
 * I2. Text typed into it contains no character that the terminal would obey.
 */
import { join } from "node:path";
import {
  agentGraceMs,
  terminalAnswerMs,
  terminalColumns,
  terminalHistoryLines,
  terminalRows,
} from "../base/agent_limits.ts";
import { findOnPath } from "../base/find_on_path.ts";
import { messageOf } from "../base/errors.ts";
import { describeSystemError } from "../base/os_error.ts";
import { delay } from "../base/time.ts";
import { AgentProgram, toStart } from "./agent_program.ts";
import { terminalSocket } from "../protocol/session.ts";
import { AgentFault, type SessionSetting } from "./ports.ts";
import { controlFlags, type PaneState, TmuxControl } from "./tmux_control.ts";

/** The name of the only session of its tmux. */
const target = "=agent:";
/** The delay between the text and the key that sends it: otherwise some programs take both for one paste. */
const enterMs = 200;

const settings = [
  ["set", "-g", "remain-on-exit", "on"],
  ["set", "-g", "status", "off"],
  ["set", "-g", "history-limit", String(terminalHistoryLines)],
  // No variables of an attaching client get into it.
  ["set", "-g", "update-environment", ""],
];

export class Terminal {
  readonly #setting: SessionSetting;
  readonly #tmux: string;
  readonly #socket: string;
  readonly #program: AgentProgram;
  readonly #control: TmuxControl;
  readonly #ended: Promise<unknown>;
  #state: PaneState | null = null;
  /** Why nothing runs in it any longer. */
  #over: AgentFault | null = null;
  /** When it printed last. */
  #changedAt: number;
  #onChange: () => void = () => {};

  /** Throws an AgentFault. */
  constructor(setting: SessionSetting, command: readonly string[]) {
    const { clock, cwd, env } = setting, tmux = findOnPath("tmux", env.PATH ?? "");
    if (tmux === null) {
      throw new AgentFault("protocol terminal needs the program tmux, which is not there: apt install tmux");
    }
    const [program = ""] = command;
    if (findOnPath(program, env.PATH ?? "", cwd) === null) {
      throw new AgentFault(`${program} cannot be started: there is no such program`);
    }
    this.#setting = setting;
    this.#tmux = tmux;
    this.#changedAt = clock.monotonic();
    this.#socket = join(setting.sockets(), terminalSocket(setting.sessionId));
    const start = toStart(setting, command), words = [start.program, ...start.args].map(escapeWord);
    // A single word would be a line for a shell.
    const inside = ["sh", "-c", 'exec "$0" "$@"', ...words];
    const before = settings.flatMap((words) => [...words, ";"]);
    this.#program = new AgentProgram(
      { ...setting, wall: null, env: { LANG: "C.UTF-8", ...start.env, TERM: "xterm-256color" } },
      [tmux, "-u", "-S", this.#socket, "-f", "/dev/null", "-C", "start-server", ";", ...before].concat(
        ["new-session", "-s", "agent", "-f", controlFlags, "-c", cwd, "--", ...inside],
      ),
      true,
      (text) => this.#control.receive(text),
    );
    this.#control = new TmuxControl((line) => void this.#program.write(line), (state) => this.#note(state));
    this.#ended = this.#program.whenEnded().then(() => {
      removeSocket(this.#socket);
      const { errors } = this.#program;
      this.#over ??= new AgentFault(`its terminal has ended${errors === "" ? "" : `: ${errors}`}`, true, true);
      this.#control.close(this.#over);
      this.#onChange();
    });
    this.#control.follow(terminalColumns, terminalRows).catch((thrown) => {
      this.#over ??= new AgentFault(`its terminal cannot be followed: ${messageOf(thrown)}`, true);
      this.#onChange();
    });
  }

  whenEnded(): Promise<unknown> {
    return this.#ended;
  }

  /** Types a text, and sends it. */
  async type(text: string): Promise<void> {
    await this.#load(toTyped(text));
    this.#changedAt = this.#setting.clock.monotonic();
    await this.#ask(`paste-buffer -d -p -r -b prompt -t ${target}`);
    await delay(this.#setting.clock, enterMs);
    await this.#ask(`send-keys -t ${target} Enter`);
    this.#changedAt = this.#setting.clock.monotonic();
  }

  /** The text on the screen; with `whole`, also what has scrolled off since `forget`. Without trailing blanks. */
  async read(whole: boolean): Promise<string> {
    const lines = await this.#ask(`capture-pane -p -J ${whole ? "-S - " : ""}-t ${target}`);
    return lines.map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** Excludes from `read` what has scrolled off the screen so far. */
  async forget(): Promise<void> {
    await this.#ask(`clear-history -t ${target}`);
  }

  /**
   * Resolves when its program has printed nothing for `idleMs` and the last line matches `ready`, if given. Rejects
   * with an AgentFault when the program has ended, or with the reason of `signal`.
   */
  async whenQuiet(idleMs: number, ready: RegExp | null, signal: AbortSignal): Promise<void> {
    const { clock } = this.#setting;
    for (;;) {
      signal.throwIfAborted();
      await this.#failIfEnded();
      const leftMs = this.#changedAt + idleMs - clock.monotonic();
      if (leftMs <= 0) {
        const last = (await this.read(false)).split("\n").at(-1) ?? "";
        if (ready === null || ready.test(last)) return;
      }
      await this.#nextChange(leftMs > 0 ? leftMs : idleMs, signal);
    }
  }

  /** tmux answers immediately. Throws an AgentFault when it does not: the screen is unknown then. */
  async #ask(command: string): Promise<readonly string[]> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#setting.clock.after(terminalAnswerMs, () => {
      late.reject(new AgentFault("its terminal does not answer", true, true));
    });
    try {
      return await Promise.race([this.#control.ask(command), late.promise]);
    } finally {
      cancel();
    }
  }

  async end(): Promise<void> {
    const asked = this.#control.ask("kill-server").catch(() => {}); // It ends with that command.
    const { clock } = this.#setting;
    await Promise.race([asked.then(() => this.#ended), this.#ended, delay(clock, agentGraceMs)]);
    await this.#program.end();
    await this.#ended;
  }

  #note(state: PaneState): void {
    if (state.activity !== this.#state?.activity) this.#changedAt = this.#setting.clock.monotonic();
    this.#state = state;
    this.#onChange();
  }

  async #failIfEnded(): Promise<void> {
    const end = this.#state?.end ?? null;
    if (this.#over !== null) throw this.#over;
    if (end === null) return;
    const lines = (await this.read(true)).split("\n").filter((line) => !/^Pane is dead/.test(line));
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was ended by signal ${end.signal}`;
    throw new AgentFault(`its program ${how}: ${lines.join("\n").trim().slice(-500)}`, true, true);
  }

  /** Resolves after `ms`, at the next change, or when the terminal ends. */
  async #nextChange(ms: number, signal: AbortSignal): Promise<void> {
    const change = Promise.withResolvers<void>(), over = () => change.resolve();
    this.#onChange = over;
    const cancel = this.#setting.clock.after(ms, over);
    signal.addEventListener("abort", over, { once: true });
    await change.promise;
    cancel();
    signal.removeEventListener("abort", over);
  }

  /** Passed as the input of a program: a command line is limited, and tmux may take its end for its own syntax. */
  async #load(text: string): Promise<void> {
    // Started without the session's mark: the end of this program does not end the others.
    const child = new Deno.Command(this.#tmux, {
      args: ["-S", this.#socket, "load-buffer", "-b", "prompt", "-"],
      clearEnv: true,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const [{ success, stderr }] = await Promise.all([child.output(), sendAll(child.stdin, text)]);
    if (!success) throw new AgentFault(`its terminal takes no text: ${new TextDecoder().decode(stderr).trim()}`, true);
  }
}

/** Sends the text. The status of a program that ended early shows why. */
async function sendAll(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stdin);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

/** A word of tmux's command line that ends in a semicolon would end the command. */
function escapeWord(word: string): string {
  return word.endsWith(";") ? `${word.slice(0, -1)}\\;` : word;
}

/** A character that ends the paste would turn what follows into commands. */
function toTyped(text: string): string {
  // deno-lint-ignore no-control-regex -- Those are meant.
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "").trimEnd();
}

function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) {
      throw new AgentFault(`${path} cannot be removed: ${describeSystemError(thrown)}`);
    }
  }
}
