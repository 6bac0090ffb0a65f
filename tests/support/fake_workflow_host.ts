/**
 * Processes of workflows that do nothing on their own: a test decides when they send, finish or die. For tests of the
 * manager alone; real processes are behind src/kernel/workflow_host.ts.
 */
import type { RunEnd } from "../../src/protocol/closing.ts";
import type { RunMessage, RunStart } from "../../src/protocol/run.ts";
import type { ThreadSize, WorkflowHost, WorkflowProcess } from "../../src/workflow/local/ports.ts";

/** One run as a process sees it. */
export interface FakeThread {
  readonly start: RunStart;
  readonly attempt: number;
  /** Failures of its current role, before this attempt. */
  readonly failures: number;
  /** Rounds that a person has accepted as they are. */
  readonly accepted: number;
  /** Messages that are durable as far as the process knows. */
  messages: RunMessage[];
  /** True while it waits for an ack. */
  waits: boolean;
  /** Rounds whose role runs once, and that the process may begin. */
  begun: number[];
  /** True while its role, which runs once, waits for the permission to begin. */
  asks: boolean;
  /** True while the process only checks whether the run may move here; `moved` after it did. */
  probed: boolean;
  moved: boolean;
  aborted: string | null;
}

/** An ended run as a process sees it. */
export interface FakeClosing {
  readonly start: RunStart;
  readonly attempt: number;
  readonly end: RunEnd;
  messages: RunMessage[];
  aborted: string | null;
}

export class FakeProcess implements WorkflowProcess {
  readonly id: number;
  readonly workflow: string;
  readonly threads = new Map<string, FakeThread>();
  alive = true;
  recycled: string | null = null;
  /** Called for each run that the process is given. */
  onRun: (thread: FakeThread) => void = () => {};
  /** Called for each role that runs once and may begin. */
  onBegin: (thread: FakeThread, round: number) => void = () => {};

  constructor(id: number, workflow: string) {
    this.id = id;
    this.workflow = workflow;
  }

  run(start: RunStart, attempt: number, { rounds, accepted }: ThreadSize, failures: number): void {
    if (!this.alive) return;
    const thread: FakeThread = {
      start,
      attempt,
      failures,
      accepted,
      messages: [],
      waits: false,
      begun: [],
      asks: false,
      probed: false,
      moved: false,
      aborted: null,
    };
    this.threads.set(start.runId, thread);
    if (rounds === 0) this.onRun(thread);
  }

  probe(start: RunStart, attempt: number, { accepted }: ThreadSize): void {
    if (!this.alive) return;
    const thread = {
      start,
      attempt,
      failures: 0,
      accepted,
      messages: [],
      waits: false,
      begun: [],
      asks: false,
      probed: true,
      moved: false,
      aborted: null,
    };
    this.threads.set(start.runId, thread);
  }

  proceed(runId: string, attempt: number): void {
    const thread = this.threads.get(runId);
    if (!this.alive || thread?.attempt !== attempt) return;
    thread.probed = false;
    thread.moved = true;
    this.onRun(thread);
  }

  // deno-lint-ignore require-await
  async sendThread(runId: string, attempt: number, messages: Iterable<RunMessage>): Promise<void> {
    const thread = this.threads.get(runId);
    const closing = this.closing.get(runId);
    if (closing?.attempt === attempt) closing.messages = [...messages];
    if (!this.alive || thread?.attempt !== attempt) return;
    thread.messages = [...messages];
    if (!thread.probed) this.onRun(thread);
  }

  /** Runs whose `finally` it runs; a run that has ended is no longer in `threads`. */
  readonly closing = new Map<string, FakeClosing>();
  /** Called for each run that the process closes. */
  onClose: (closing: FakeClosing) => void = () => {};

  close(start: RunStart, attempt: number, _rounds: number, end: RunEnd): void {
    if (!this.alive) return;
    const closing = { start, attempt, end, aborted: null, messages: [] };
    this.closing.set(start.runId, closing);
    this.onClose(closing);
  }

  ack(runId: string, attempt: number, message: RunMessage): void {
    const thread = this.threads.get(runId);
    if (thread?.attempt !== attempt) return;
    thread.messages.push(message);
    thread.waits = false;
  }

  begin(runId: string, attempt: number, round: number): void {
    const thread = this.threads.get(runId);
    if (!this.alive || thread?.attempt !== attempt) return;
    thread.begun.push(round);
    thread.asks = false;
    this.onBegin(thread, round);
  }

  abortRun(runId: string, attempt: number, reason: string): void {
    const thread = this.threads.get(runId), closing = this.closing.get(runId);
    if (closing?.attempt === attempt) closing.aborted = reason;
    if (thread?.attempt !== attempt) return;
    thread.aborted = reason;
    // It answers no more, and does nothing.
    if (thread.probed) this.threads.delete(runId);
  }

  recycle(reason: string): void {
    this.recycled ??= reason;
  }
}

export class FakeHost implements WorkflowHost {
  readonly processes: FakeProcess[] = [];
  readonly down = new Set<string>();
  readonly quarantine = new Set<string>();
  onProcess: (process: FakeProcess) => void = () => {};
  readonly #current = new Map<string, FakeProcess>();

  getOrStartProcess(workflow: string): FakeProcess | null {
    if (this.down.has(workflow) || this.quarantine.has(workflow)) return null;
    let process = this.#current.get(workflow);
    // Like a real process: one that is being ended takes no more work.
    if (process === undefined || process.recycled !== null) {
      process = new FakeProcess(this.processes.length + 1, workflow);
      this.processes.push(process);
      this.#current.set(workflow, process);
      this.onProcess(process);
    }
    return process;
  }

  /** The version of the code. */
  code = "v1";

  codeOf(): string {
    return this.code;
  }

  isQuarantined(workflow: string): boolean {
    return this.quarantine.has(workflow);
  }

  /** Allows the workflow's process to start again. */
  lift(workflow: string): void {
    this.down.delete(workflow);
    this.quarantine.delete(workflow);
  }

  /** Makes the next call of `process` create a new one; the old one lives on. */
  replace(workflow: string): void {
    this.#current.delete(workflow);
  }

  /** Ends the process. */
  end(process: FakeProcess): void {
    process.alive = false;
    if (this.#current.get(process.workflow) === process) this.#current.delete(process.workflow);
  }
}
