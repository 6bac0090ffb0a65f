/**
 * Reports programs that the user code of units left running, and remembers those that could not be ended: until such a
 * program has ended, the sense or role that started it starts no other. Created by wiring.ts, called by
 * process_events.ts.
 * I1. A process knows what it may not start before it gets any work.
 */
import { stuckCheckMs } from "../base/limits.ts";
import { readProcessStat } from "../base/process_id.ts";
import { parseMark } from "../base/program_mark.ts";
import { isThere, type Program, type SweepResult } from "../base/program_sweep.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { ToProcess } from "../protocol/message.ts";
import { groupKey, parseUnitKey, type UnitKey, workflowKey } from "../protocol/unit.ts";
import type { UnitNotices } from "./unit_notices.ts";

export interface StuckProgramsPorts {
  readonly clock: Clock;
  readonly supervisor: { findProcess(key: UnitKey): Listener | null };
  readonly notices: Pick<UnitNotices, "record">;
}

interface Listener {
  send(message: ToProcess): void;
}

interface StuckProgram {
  readonly key: UnitKey;
  /** The sense or role; empty: the unit itself. */
  readonly subject: string;
  readonly program: Program;
  /** `sense disk-usage: df (pid 12) cannot be ended`. */
  readonly message: string;
}

/** How many programs one notice names. */
const namesMax = 5;

export class StuckPrograms {
  readonly #ports: StuckProgramsPorts;
  readonly #stuck = new Map<number, StuckProgram>();
  #cancel: CancelTimer | null = null;
  #stopped = false;

  constructor(ports: StuckProgramsPorts) {
    this.#ports = ports;
  }

  /** The programs that cannot be ended now, described for people. */
  list(): string[] {
    return [...this.#stuck.values()].map(({ message }) => message);
  }

  /** Call this before the process gets any work. */
  onReady(key: UnitKey, process: Listener): void {
    const subjects = this.#heldOf(key);
    if (Object.keys(subjects).length > 0) process.send({ t: "held", subjects });
  }

  onSwept(key: UnitKey, { ended, stuck, problem }: SweepResult): void {
    if (problem !== null) {
      this.#ports.notices.record(
        key,
        "warn",
        `could not look for what its programs left running: ${problem}`,
        "programs",
      );
    }
    const bySubject = Map.groupBy(ended, subjectOf);
    for (const [subject, programs] of bySubject) {
      const names = programs.slice(0, namesMax).map(({ command, pid }) => `${command} (pid ${pid})`).join(", ");
      const more = programs.length > namesMax ? `, and ${programs.length - namesMax} more` : "";
      const of = describe(key, subject);
      this.#ports.notices.record(key, "info", `ended what ${of} left running: ${names}${more}`, `ended of ${of}`);
    }
    for (const program of stuck) this.#add(key, program);
    if (stuck.length > 0) this.#tell(key);
  }

  /** Handles the programs of all units that an earlier daemon left, when the kernel starts. */
  onLeftovers({ ended, stuck }: Pick<SweepResult, "ended" | "stuck">): void {
    const all = Map.groupBy([...ended, ...stuck], (program) => keyOf(program));
    for (const [key, programs] of all) {
      if (key === null) continue;
      this.onSwept(key, {
        ended: programs.filter((program) => ended.includes(program)),
        stuck: programs.filter((program) => stuck.includes(program)),
        problem: null,
      });
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #add(key: UnitKey, program: Program): void {
    if (this.#stuck.has(program.pid)) return;
    const subject = subjectOf(program), { pid, command } = program;
    const why = readProcessStat(pid)?.state === "D" ? "it hangs in the system (state D)" : "it does not end";
    const message = `${describe(key, subject)}: ${command} (pid ${pid}) cannot be ended: ${why}`;
    this.#stuck.set(pid, { key, subject, program, message });
    this.#ports.notices.record(key, "warn", `${message}; no other is started until it has ended`, `stuck ${pid}`);
    this.#arm();
  }

  #arm(): void {
    if (this.#stopped || this.#stuck.size === 0) return;
    this.#cancel ??= this.#ports.clock.after(stuckCheckMs, () => {
      this.#cancel = null;
      const over = [...this.#stuck.values()].filter(({ program }) => !isThere(program));
      for (const { key, subject, program: { pid, command } } of over) {
        this.#stuck.delete(pid);
        this.#ports.notices.record(
          key,
          "info",
          `${describe(key, subject)}: ${command} (pid ${pid}) has ended`,
          `over ${pid}`,
        );
      }
      for (const key of new Set(over.map(({ key }) => key))) this.#tell(key);
      this.#arm();
    });
  }

  #tell(key: UnitKey): void {
    this.#ports.supervisor.findProcess(key)?.send({ t: "held", subjects: this.#heldOf(key) });
  }

  #heldOf(key: UnitKey): Record<string, string> {
    const held = [...this.#stuck.values()].filter((each) => each.key === key);
    return Object.fromEntries(held.map(({ subject, message }) => [subject, message]));
  }
}

/** The sense or role that started a program; empty: the unit itself. */
function subjectOf({ mark }: Program): string {
  return (mark === null ? null : parseMark(mark))?.subject ?? "";
}

function keyOf({ mark }: Program): UnitKey | null {
  const { kind = "", unit = "" } = (mark === null ? null : parseMark(mark)) ?? {};
  return kind === "group" ? groupKey(unit) : kind === "workflow" ? workflowKey(unit) : null;
}

function describe(key: UnitKey, subject: string): string {
  const { kind, name } = parseUnitKey(key);
  if (subject === "") return `${kind} ${name}`;
  return kind === "group" ? `sense ${subject}` : `role ${subject} of workflow ${name}`;
}
