/** A kernel supervisor over kernels that a test controls, on a clock that stands still. */
import assert from "node:assert/strict";
import type { LogLine } from "../../src/base/log_line.ts";
import {
  type KernelEnd,
  type KernelListener,
  KernelSupervisor,
  type KernelSupervisorEnd,
} from "../../src/daemon/kernel_supervisor.ts";
import { FakeClock } from "./fake_clock.ts";

export class FakeKernel {
  readonly signals: string[] = [];
  now = "S";
  readonly #end = Promise.withResolvers<KernelEnd>();

  constructor(readonly pid: number, readonly listener: KernelListener) {}

  get end(): Promise<KernelEnd> {
    return this.#end.promise;
  }

  state(): string {
    return this.now;
  }

  signal(signal: string): void {
    this.signals.push(signal);
  }

  beat(): void {
    this.listener.onRecord({ t: "beat" });
  }

  ready(): void {
    this.listener.onRecord({ t: "ready" });
  }

  exit(code: number, message = `exited with code ${code}`): void {
    this.#end.resolve({ code, message });
  }
}

/** A started kernel supervisor, and everything that it did. */
export function superviseKernel() {
  const clock = new FakeClock(), kernels: FakeKernel[] = [], lines: LogLine[] = [], states: string[] = [];
  const workspace = { there: true };
  let end: KernelSupervisorEnd | null = null;
  const supervisor: KernelSupervisor = new KernelSupervisor({
    clock,
    start: (listener) => {
      kernels.push(new FakeKernel(100 + kernels.length, listener));
      return last();
    },
    workspaceExists: () => workspace.there,
    log: (line) => lines.push(line),
    onChange: () => states.push(supervisor.state),
  });
  const last = () => kernels.at(-1) ?? assert.fail("no kernel was started");
  supervisor.over.then((how) => end = how);
  supervisor.start();
  return { supervisor, clock, kernels, workspace, lines, states, last, end: () => end };
}

export async function runningKernel() {
  const kept = superviseKernel();
  kept.last().ready();
  await kept.clock.tick(0);
  return kept;
}
