/**
 * The load errors that reload.ts found when it tried code from disk. Reports each once, in the log and on the terminal,
 * and keeps it for display until the code changes. Senses without a previous version are handled by sensing/manager.ts.
 */
import type { Clock } from "../base/time.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { ReloadReply } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { LogSource } from "../protocol/log_source.ts";
import type { LoadProblem } from "../protocol/message.ts";
import { formatPlace } from "../protocol/signal_text.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { CurrentConfig } from "./current_config.ts";
import type { SenseLoads } from "./ports.ts";
import type { TrialProblems } from "./trial_load.ts";

export interface LoadErrorPorts {
  readonly current: CurrentConfig;
  readonly supervisor: Pick<UnitSupervisor, "findProcess">;
  readonly senses: SenseLoads;
  readonly clock: Clock;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

interface LoadError {
  readonly kind: "sense" | "workflow";
  readonly problems: TrialProblems;
  /** The id of the process that still runs the previous version; null when there is none. */
  readonly keptBy: number | null;
}

export class LoadErrors {
  readonly #ports: LoadErrorPorts;
  readonly #errors = new Map<UnitKey, LoadError>();

  constructor(ports: LoadErrorPorts) {
    this.#ports = ports;
  }

  /** Records that the new code does not load, and that process `keptBy` continues with the previous code. */
  recordRefused({ key, spec }: UnitPlan, problems: TrialProblems, keptBy: number): void {
    const kind = spec.kind === "workflow" ? "workflow" : "sense";
    this.#errors.set(key, { kind, problems, keptBy });
    for (const [name, list] of problems) this.#report(`${kind}:${name}`, name, list, true);
  }

  /** Records that the new code is in force; `problems`: the parts that do not load. */
  recordTried({ key, spec }: UnitPlan, problems: TrialProblems): void {
    this.#errors.delete(key);
    if (spec.kind === "workflow") {
      if (problems.size > 0) this.#errors.set(key, { kind: "workflow", problems, keptBy: null });
      for (const [name, list] of problems) this.#report(`workflow:${name}`, name, list, false);
      return;
    }
    const { senses } = this.#ports;
    for (const { name } of spec.senses) {
      const list = problems.get(name) ?? [];
      // A load on an empty database reports no success, unless the sense was reported as broken: its real load does.
      if (list.length > 0 || (senses.recordOf(name)?.loadProblems.length ?? 0) > 0) senses.onLoaded(name, list);
    }
  }

  /** Whether a workflow does not load, and no process has its previous code. */
  isBroken(key: UnitKey): boolean {
    return this.#errors.get(key)?.keptBy === null;
  }

  forget(key: UnitKey): void {
    this.#errors.delete(key);
  }

  /** Why the newest code of a sense or workflow does not run; null when it does. */
  describeProblem(key: UnitKey, name: string): string | null {
    const error = this.#errors.get(key), [first] = error?.problems.get(name) ?? [];
    if (error === undefined || first === undefined) return null;
    // The old code ends with its process, whatever the reason: the next one loads what is on disk.
    const kept = error.keptBy !== null && this.#ports.supervisor.findProcess(key)?.id === error.keptBy;
    return `${kept ? "still on the previous version: " : "cannot be loaded: "}${toSentence(first)}`;
  }

  /** The problems of a unit, for the reply to a reload. */
  listProblems(key: UnitKey): ReloadReply["problems"] {
    const error = this.#errors.get(key);
    if (error === undefined) return this.#listSenseProblems(key);
    return [...error.problems].flatMap(([name, list]) =>
      list.map(({ message, place }) => ({
        about: `${error.kind}:${name}`,
        message: error.keptBy === null ? message : `still on the previous version: ${message}`,
        place,
      }))
    );
  }

  #listSenseProblems(key: UnitKey): ReloadReply["problems"] {
    const { senses, current } = this.#ports;
    const members = current.findUnit(key)?.spec.senses ?? [];
    return members.flatMap(({ name }) =>
      (senses.recordOf(name)?.loadProblems ?? []).map(({ message, place }) => ({
        about: `sense:${name}`,
        message,
        place,
      }))
    );
  }

  #report(source: LogSource, name: string, problems: readonly LoadProblem[], previous: boolean): void {
    const type = source.startsWith("workflow:") ? "workflow.load_failed" : "sense.load_failed";
    const payload = { previous, problems: problems.map((problem) => ({ ...problem })) };
    this.#ports.append({ source, type, refId: name, causeId: null, payload });
    const kept = previous ? "still on the previous version, because the new one " : "";
    for (const problem of problems) {
      const message = `${kept}cannot be loaded: ${toSentence(problem)}`;
      this.#ports.emit({ kind: "problem", source, message, ts: this.#ports.clock.now() });
    }
  }
}

function toSentence({ message, place }: LoadProblem): string {
  return `${message}${formatPlace(place)}`;
}
