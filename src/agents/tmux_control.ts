/**
 * A client of tmux in control mode: sends commands, and receives notifications. Knows tmux's lines, and nothing of
 * agents. Used by terminal.ts.
 * I1. Commands are answered in order; after `close` none is awaited.
 * I2. Text that looks like tmux's own lines spoils only its own answer: each answer ends with exactly the numbers that
 *     it began with.
 */

/** The state of the screen's program, as far as tmux reports it. */
export interface PaneState {
  /** Seconds since 1970; changes when the program prints. */
  readonly activity: string;
  /** Null: it is running. */
  readonly end: { readonly code: number | null; readonly signal: string | null } | null;
}

/**
 * The flag with which this client must be attached: it gets no output, so that a program that floods its screen costs
 * nothing here. Set it at the attach, never later: a tmux (3.3a) whose client has output in flight at that moment keeps
 * that output forever, and every answer behind it.
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
  /** The answer being read: how it ends, and its lines so far. */
  #block: { readonly numbers: string; readonly own: boolean; readonly lines: string[] } | null = null;
  #closed: unknown = null;

  constructor(send: (line: string) => void, onState: (state: PaneState) => void) {
    this.#send = send;
    this.#onState = onState;
    this.#attached.promise.catch(() => {}); // Handled where the promise is awaited.
  }

  /** Subscribes to the state. */
  async follow(columns: number, rows: number): Promise<void> {
    await this.#attached.promise;
    await this.ask(`refresh-client -C ${columns}x${rows}`);
    await this.ask(`refresh-client -B 'state:%*:${stateFormat}'`);
  }

  /** `command` must consist of nerve's own text only: nothing is quoted here. */
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
    // The screen closes a moment before tmux knows how its program ended.
    const isOver = dead === "1" && code + signal !== "";
    // On a busy machine tmux (3.3a) may miss the SIGCHLD of that end. The end of another child sends a new one.
    if (dead === "1" && !isOver) this.ask("run-shell -b true").catch(() => {}); // Closed: then everything has ended.
    const end = isOver ? { code: code === "" ? null : Number(code), signal: signal === "" ? null : signal } : null;
    this.#onState({ activity, end });
  }
}
