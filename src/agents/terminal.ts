/**
 * A terminal for one session: tmux on a socket of its own, with the agent's program in it. Used by terminal_adapter.ts.
 * tmux itself is not confined, its program is: its socket lies where no agent reaches it, since whoever attaches obeys
 * what the other side of that socket says.
 * I1. When `end` resolves, or `whenEnded`, neither tmux nor anything that runs in it is there.
 * I2. What is typed into it has no character that the terminal would obey.
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
/** Between the text and the key that sends it: some programs take both for one paste otherwise. */
const enterMs = 200;

const settings = [
  ["set", "-g", "remain-on-exit", "on"],
  ["set", "-g", "status", "off"],
  ["set", "-g", "history-limit", String(terminalHistoryLines)],
  // Nothing of whoever attaches gets into it.
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
  /** Why nothing runs in it any more. */
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
    // One word alone would be a line for a shell.
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

  /** What is on the screen; `whole`: and what has left it since `forget`. Without the blanks at its end. */
  async read(whole: boolean): Promise<string> {
    const lines = await this.#ask(`capture-pane -p -J ${whole ? "-S - " : ""}-t ${target}`);
    return lines.map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** What has left the screen is not read any more. */
  async forget(): Promise<void> {
    await this.#ask(`clear-history -t ${target}`);
  }

  /**
   * Resolves when its program has printed nothing for `idleMs`, and the last line is one that `ready` fits, if there is
   * one. Rejects with an AgentFault when the program has ended, or with the reason of `signal`.
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

  /** tmux answers at once. Throws an AgentFault when it does not: then nothing is known of what is on its screen. */
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
    const asked = this.#control.ask("kill-server").catch(() => {}); // It ends with that.
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

  /** Resolves after `ms`, at the next change, or when it ends. */
  async #nextChange(ms: number, signal: AbortSignal): Promise<void> {
    const change = Promise.withResolvers<void>(), over = () => change.resolve();
    this.#onChange = over;
    const cancel = this.#setting.clock.after(ms, over);
    signal.addEventListener("abort", over, { once: true });
    await change.promise;
    cancel();
    signal.removeEventListener("abort", over);
  }

  /** By the input of a program: a text on the command line has bounds, and may end in what tmux takes for its own. */
  async #load(text: string): Promise<void> {
    // Without the mark of the session: the end of this program is not the end of the others.
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

/** A program that has ended says why by its status. */
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

/** A character that ends the paste would make commands of what follows it. */
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
