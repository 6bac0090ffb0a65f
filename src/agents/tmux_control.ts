/**
 * A client of tmux in control mode: sends commands, and is told what happens. Knows tmux's lines, and nothing of agents.
 * Used by terminal.ts.
 * I1. Commands are answered in their order; after `close` none is waited for.
 * I2. Of a text that looks like tmux's own lines only its own answer suffers: each answer ends with the very numbers that
 *     it began with.
 */

/** What the screen's program does, as far as tmux tells. */
export interface PaneState {
  /** Seconds since 1970; changes when the program prints. */
  readonly activity: string;
  /** Null: it runs. */
  readonly end: { readonly code: number | null; readonly signal: string | null } | null;
}

/**
 * The flag with which this client is to be attached: it gets none of the output, so that a program that floods costs nothing
 * here. To be set at the attach and never later: a tmux whose client has output under way when it is set (3.3a) keeps that
 * output for good, and behind it every answer.
 */
export const controlFlags = "no-output";
/** The format of the subscription that `onState` needs. */
const stateFormat = "#{window_activity} #{pane_dead} #{pane_dead_status} #{pane_dead_signal}";

interface Asked {
  resolve(lines: readonly string[]): void;
  reject(reason: unknown): void;
}

export class TmuxControl {
  readonly #send: (line: string) => void;
  readonly #onState: (state: PaneState) => void;
  readonly #asked: Asked[] = [];
  readonly #attached: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #rest = "";
  /** The answer that is being read: how it ends, and its lines so far. */
  #block: { readonly numbers: string; readonly own: boolean; readonly lines: string[] } | null = null;
  #closed: unknown = null;

  constructor(send: (line: string) => void, onState: (state: PaneState) => void) {
    this.#send = send;
    this.#onState = onState;
    this.#attached.promise.catch(() => {}); // When it is waited for, it fails there.
  }

  /** Follows the state. */
  async follow(columns: number, rows: number): Promise<void> {
    await this.#attached.promise;
    await this.ask(`refresh-client -C ${columns}x${rows}`);
    await this.ask(`refresh-client -B 'state:%*:${stateFormat}'`);
  }

  /** `command` is of this program alone: nothing of others is quoted here. */
  ask(command: string): Promise<readonly string[]> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#send(`${command}\n`);
    });
  }

  receive(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  close(reason: unknown): void {
    this.#closed ??= reason;
    this.#attached.reject(reason);
    for (const { reject } of this.#asked.splice(0)) reject(reason);
  }

  #take(line: string): void {
    const [word = "", ...rest] = line.split(" "), numbers = rest.join(" "), block = this.#block;
    if (block === null) {
      if (word === "%begin") this.#block = { numbers, own: rest[2] === "1", lines: [] };
      else if (word === "%session-changed") this.#attached.resolve();
      else if (word === "%subscription-changed") this.#tell(line);
    } else if ((word === "%end" || word === "%error") && numbers === block.numbers) {
      this.#block = null;
      const asked = block.own ? this.#asked.shift() : undefined;
      if (word === "%end") asked?.resolve(block.lines);
      else asked?.reject(new Error(`tmux: ${block.lines.join("\n")}`));
    } else block.lines.push(line);
  }

  #tell(line: string): void {
    const [, activity, dead, code = "", signal = ""] = / : (\d+) (\d) (\d*) (\w*)$/.exec(line) ?? [];
    if (activity === undefined) return;
    // Its screen closes a moment before tmux knows how it has ended.
    const isOver = dead === "1" && code + signal !== "";
    // On a busy machine tmux (3.3a) may miss the signal of that end, and never asks for it. The end of another child is one more.
    if (dead === "1" && !isOver) this.ask("run-shell -b true").catch(() => {}); // Closed: then all has ended.
    const end = isOver ? { code: code === "" ? null : Number(code), signal: signal === "" ? null : signal } : null;
    this.#onState({ activity, end });
  }
}
