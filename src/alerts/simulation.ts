/**
 * Runs an alert over given signals in virtual time: for `nerve alert test`. Uses the same expressions and the same
 * machine as the daemon. Pure.
 */
import type { AlertDefinition, AlertStatus } from "../protocol/alert.ts";
import type { Json } from "../protocol/json.ts";
import { createState, type MachineState, type Observation, step } from "./machine.ts";
import { type AlertFault, CompiledAlert } from "./rule.ts";

/** A signal of the simulation. `at`: milliseconds since the simulated start of the daemon. */
export interface SimulatedSignal {
  readonly at: number;
  readonly payload: Json;
}

export interface SimulatedState {
  readonly status: AlertStatus;
  /** Null while inactive. */
  readonly summary: string | null;
}

interface Simulated {
  readonly key: string;
  machine: MachineState;
  wakeAt: number | null;
  summary: string | null;
  last: Json;
}

const inactive: SimulatedState = { status: "inactive", summary: null };
const silent: Observation = { verdict: null };

export class Simulation {
  readonly #compiled: CompiledAlert;
  readonly #states = new Map<string, Simulated>();
  readonly #signals: readonly SimulatedSignal[];
  #next = 0;
  #now = 0;
  /** The faults, each once. */
  readonly faults: string[] = [];

  /** `signals`: sorted by time. */
  constructor(definition: AlertDefinition, signals: readonly SimulatedSignal[]) {
    this.#compiled = new CompiledAlert(definition);
    this.#signals = signals;
    if (definition.key === null || definition.absentMs !== null) this.#admit("");
  }

  /** The state of a key once everything up to `at` has happened. Times may only grow. */
  stateAt(at: number, key: string): SimulatedState {
    this.#advance(at);
    const state = this.#states.get(key);
    if (state === undefined) return inactive;
    const { status } = state.machine;
    return { status, summary: status === "inactive" ? null : state.summary };
  }

  #advance(until: number): void {
    for (;;) {
      const signal = this.#signals[this.#next], signalAt = signal?.at ?? Infinity;
      const waking = [...this.#states.values()].filter(({ wakeAt }) => wakeAt !== null)
        .sort((a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0))[0];
      const wakeAt = waking?.wakeAt ?? Infinity;
      if (Math.min(signalAt, wakeAt) > until) break;
      // At the same moment, a signal comes before a timer.
      if (signal !== undefined && signalAt <= wakeAt) {
        this.#next++;
        this.#now = signalAt;
        this.#hear(signal.payload);
      } else if (waking !== undefined) {
        this.#now = wakeAt;
        this.#step(waking, null);
      }
    }
    this.#now = until;
  }

  #hear(payload: Json): void {
    const key = this.#compiled.keyOf(payload), first = this.#states.get("");
    if (key.fault !== null) {
      this.#tell(key.fault);
      if (first !== undefined) this.#step(first, silent);
      return;
    }
    if (first !== undefined && key.value !== "") this.#states.delete("");
    const state = this.#states.get(key.value) ?? this.#admit(key.value), { last } = state;
    const input = { signal: payload, key: key.value, last: () => last };
    const { observation, fault } = this.#compiled.observe(input, state.machine.holds);
    if (fault !== null) this.#tell(fault);
    state.last = payload;
    this.#step(state, observation, last);
  }

  #step(state: Simulated, observation: Observation | null, last: Json = null): void {
    const { state: machine, change, wakeAt } = step(this.#compiled.rule, state.machine, this.#now, observation);
    state.machine = machine;
    state.wakeAt = wakeAt;
    if (change === null) return;
    const { key } = state;
    if (machine.absent) return void (state.summary = this.#compiled.summarizeAbsence(key));
    const { summary, fault } = this.#compiled.summarize({ signal: state.last, key, last: () => last });
    if (fault !== null) this.#tell(fault);
    state.summary = summary;
  }

  #admit(key: string): Simulated {
    const state: Simulated = { key, machine: createState(this.#now), wakeAt: null, summary: null, last: null };
    this.#states.set(key, state);
    this.#step(state, null);
    return state;
  }

  #tell({ expression, message }: AlertFault): void {
    const text = `${expression} failed: ${message}`;
    if (!this.faults.includes(text)) this.faults.push(text);
  }
}
