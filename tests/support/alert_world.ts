/**
 * Alerts on a fake clock over a log in memory that can die at any write: `die` makes it ignore every later one, and
 * `restart` continues from what it has. Definitions are written as in nerve.yaml.
 */
import assert from "node:assert/strict";
import { AlertOperations } from "../../src/alerts/alert_operations.ts";
import { AlertRunner } from "../../src/alerts/alert_runner.ts";
import type { AlertRunRequest, AlertStorePort } from "../../src/alerts/ports.ts";
import type { AlertDefinition, AlertState } from "../../src/protocol/alert.ts";
import type { Json } from "../../src/protocol/json.ts";
import type { LogRow, NewLogRow } from "../../src/protocol/log.ts";
import type { Signal } from "../../src/protocol/signal.ts";
import { FakeClock } from "./fake_clock.ts";
import { configOf } from "./parsed_config.ts";

export function definitionsOf(alerts: string): Map<string, AlertDefinition> {
  const config = configOf(`
senses: { disk: { throttle: 1s }, cpu: {} }
reflexes: [{ sense: disk, interval: 1s }, { sense: cpu, interval: 1s }]
workflows: { notify: {}, other: {} }
alerts:
${alerts.split("\n").map((line) => `  ${line}`).join("\n")}`);
  return new Map(config.alerts);
}

export class AlertWorld {
  readonly clock: FakeClock;
  readonly rows: LogRow[] = [];
  readonly states = new Map<string, { alert: string; key: string; state: Json }>();
  readonly values = new Map<string, string>();
  /** By id; the same id again attaches. */
  readonly runs = new Map<string, AlertRunRequest>();
  readonly problems: string[] = [];
  readonly published: Signal[] = [];
  /** How often a run was requested that existed already. */
  attached = 0;
  /** What `startRun` does before it answers; tests replace it. */
  beforeStart: (request: AlertRunRequest) => Promise<void> = () => Promise.resolve();
  definitions: Map<string, AlertDefinition>;
  runner: AlertRunner;
  operations: AlertOperations;
  /** How many writes are left before the daemon dies. */
  left = Infinity;
  writes = 0;
  /** The most signals in a page that is read at a start. */
  pageMax = Infinity;
  #life = 0;

  constructor(alerts: string, clock: FakeClock = new FakeClock()) {
    this.clock = clock;
    this.definitions = definitionsOf(alerts);
    this.runner = this.#create();
    this.operations = new AlertOperations(this.runner, clock);
  }

  static async start(alerts: string): Promise<AlertWorld> {
    const world = new AlertWorld(alerts);
    await world.runner.start();
    return world;
  }

  /** A sense signals: its row is written, then alerts process it. False: the daemon died before the row was written. */
  async tell(sense: string, payload: Json): Promise<boolean> {
    const { clock } = this,
      row = this.#write(() => {
        const made = { id: this.#nextId(), ts: clock.now(), source: `sense:${sense}`, type: "sense.signal" as const };
        this.rows.push({ ...made, refId: sense, causeId: null, payload: { payload } });
        return this.rows.at(-1) ?? null;
      });
    if (row == null) return false;
    this.runner.onSignal({ id: row.id, sense, payload, ts: row.ts });
    await clock.tick(0);
    return true;
  }

  /** From now on nothing is written, as after kill -9. */
  die(): void {
    this.left = 0;
  }

  get isDead(): boolean {
    return this.left <= 0;
  }

  /** Starts another daemon with the data on disk. `stop`: the previous one ended in order. */
  async restart({ stop = false, downMs = 0 }: { stop?: boolean; downMs?: number } = {}): Promise<void> {
    if (stop) this.runner.stop();
    this.die();
    this.runner.stop();
    this.#life++;
    await this.clock.tick(downMs);
    this.left = Infinity;
    this.runner = this.#create();
    this.operations = new AlertOperations(this.runner, this.clock);
    await this.runner.start();
    await this.clock.tick(0);
  }

  /** Changes the definitions, as a reload does. */
  async redefine(alerts: string): Promise<void> {
    this.definitions = definitionsOf(alerts);
    this.runner.configure(this.definitions.values());
    await this.clock.tick(0);
  }

  /** `TYPE KEY` of each row of alerts, without the `alert.`. */
  story(alert?: string): string[] {
    return this.alertRows(alert).map(({ type, payload }) => {
      const { key } = payload as { key?: string };
      return `${type.slice("alert.".length)}${key === undefined || key === "" ? "" : ` ${key}`}`;
    });
  }

  alertRows(alert?: string): LogRow[] {
    return this.rows.filter(({ source }) =>
      source.startsWith("alert:") && (alert ?? source.slice(6)) === source.slice(6)
    );
  }

  /** `STATE KEY: SUMMARY` of each run, in the order of their starts. */
  told(): string[] {
    return [...this.runs.values()].map(({ payload }) => {
      const { state, key, summary } = payload as unknown as { state: string; key: string; summary: string };
      return `${state}${key === "" ? "" : ` ${key}`}: ${summary}`;
    });
  }

  state(alert: string, key = ""): AlertState {
    const found = this.operations.view(alert).states.find((each) => each.key === key);
    return found ?? assert.fail(`alert ${alert} has no state ${key}`);
  }

  #create(): AlertRunner {
    const life = this.#life, alive = () => life === this.#life;
    const runner = new AlertRunner({
      clock: this.clock,
      store: this.#store(),
      publish: (signal) => void (this.isDead || this.published.push(signal)),
      startRun: async (request) => {
        await this.beforeStart(request);
        // A request of a dead daemon never resolves.
        const never = new Promise<never>(() => {});
        if (!alive() || this.isDead) return await never;
        const known = this.runs.get(request.runId);
        if (known === undefined) return this.#write(() => this.runs.set(request.runId, request)) ?? await never;
        assert.deepEqual(known, request, "the same run is asked for with the same input");
        return void this.attached++;
      },
      reportProblem: (alert, message) => this.problems.push(`${alert}: ${message}`),
    });
    runner.configure(this.definitions.values());
    return runner;
  }

  #store(): AlertStorePort {
    return {
      loadStates: () => structuredClone([...this.states.values()]),
      getValue: (key) => this.values.get(key) ?? null,
      save: (makers, complete) => this.#save(makers, complete),
      lastRowId: () => this.rows.at(-1)?.id ?? 0,
      readSignals: (afterId) => {
        const found = this.rows.filter(({ id, type }) => type === "sense.signal" && id > afterId);
        const signals = found.slice(0, this.pageMax).map(({ id, ts, source, payload }) => ({
          id,
          ts,
          sense: source.slice("sense:".length),
          payload: (payload as { payload: Json }).payload,
        }));
        return { signals, hasMore: found.length > this.pageMax };
      },
      readPayload: (rowId) => {
        const row = this.rows.find(({ id }) => id === rowId);
        return row === undefined ? null : (row.payload as { payload: Json }).payload;
      },
    };
  }

  #save(
    makers: readonly ((id: number) => NewLogRow)[],
    complete: Parameters<AlertStorePort["save"]>[1],
  ): readonly LogRow[] {
    const first = this.#nextId(), ts = this.clock.now();
    const rows = makers.map((make, index) => ({ ...make(first + index), id: first + index, ts }));
    const { states, values } = structuredClone(complete());
    this.#write(() => {
      this.rows.push(...structuredClone(rows));
      for (const { alert, key, state } of states) {
        if (state === null) this.states.delete(`${alert}\n${key}`);
        else this.states.set(`${alert}\n${key}`, { alert, key, state });
      }
      for (const [key, value] of values) this.values.set(key, value);
      return true;
    });
    return rows;
  }

  #nextId(): number {
    return (this.rows.at(-1)?.id ?? 0) + 1;
  }

  #write<T>(write: () => T): T | null {
    if (this.left <= 0) return null;
    this.left--;
    this.writes++;
    return write();
  }
}
