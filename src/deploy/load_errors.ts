/**
 * What is wrong with code on disk, as reload.ts found out by trying it: told once in the log and to the terminal, and
 * kept for the views until the code changes. Senses that have no old version to fall back on are the desk's business.
 */
import type { Clock } from "../base/time.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { ReloadReply } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { LogSource, NewLogRow } from "../protocol/log.ts";
import type { LoadProblem } from "../protocol/message.ts";
import { formatPlace } from "../protocol/signal.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { CurrentConfig } from "./current_config.ts";
import type { SenseLoads } from "./ports.ts";
import type { TrialProblems } from "./trial_load.ts";

export interface LoadErrorPorts {
  readonly current: CurrentConfig;
  readonly supervisor: Pick<Supervisor, "present">;
  readonly senses: SenseLoads;
  readonly clock: Clock;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

interface LoadError {
  readonly kind: "sense" | "workflow";
  readonly problems: TrialProblems;
  /** The process that still has the version before; null when there is none. */
  readonly keptBy: number | null;
}

export class LoadErrors {
  readonly #ports: LoadErrorPorts;
  readonly #errors = new Map<UnitKey, LoadError>();

  constructor(ports: LoadErrorPorts) {
    this.#ports = ports;
  }

  /** Process `keptBy` goes on with the code before, because the new one does not load. */
  refused({ key, spec }: UnitPlan, problems: TrialProblems, keptBy: number): void {
    const kind = spec.kind === "workflow" ? "workflow" : "sense";
    this.#errors.set(key, { kind, problems, keptBy });
    for (const [name, list] of problems) this.#tell(`${kind}:${name}`, name, list, true);
  }

  /** The new code is in force; `problems` is what of it does not load. */
  tried({ key, spec }: UnitPlan, problems: TrialProblems): void {
    this.#errors.delete(key);
    if (spec.kind === "workflow") {
      if (problems.size > 0) this.#errors.set(key, { kind: "workflow", problems, keptBy: null });
      for (const [name, list] of problems) this.#tell(`workflow:${name}`, name, list, false);
      return;
    }
    const { senses } = this.#ports;
    for (const { name } of spec.senses) {
      const list = problems.get(name) ?? [];
      // What loads on an empty database is told when it has loaded on its own, unless it was said to be broken.
      if (list.length > 0 || (senses.record(name)?.loadProblems.length ?? 0) > 0) senses.loaded(name, list);
    }
  }

  forget(key: UnitKey): void {
    this.#errors.delete(key);
  }

  /** For a view of the sense or workflow: why its newest code does not run; null when it does. */
  problemOf(key: UnitKey, name: string): string | null {
    const error = this.#errors.get(key), [first] = error?.problems.get(name) ?? [];
    if (error === undefined || first === undefined) return null;
    // The old code is gone with its process, however that ended: the next one loads what is on disk.
    const kept = error.keptBy !== null && this.#ports.supervisor.present(key)?.id === error.keptBy;
    return `${kept ? "still on the previous version: " : "cannot be loaded: "}${sentence(first)}`;
  }

  /** For the answer to a reload. */
  of(key: UnitKey): ReloadReply["problems"] {
    const error = this.#errors.get(key);
    if (error === undefined) return this.#ofSenses(key);
    return [...error.problems].flatMap(([name, list]) =>
      list.map(({ message, place }) => ({
        about: `${error.kind}:${name}`,
        message: error.keptBy === null ? message : `still on the previous version: ${message}`,
        place,
      }))
    );
  }

  #ofSenses(key: UnitKey): ReloadReply["problems"] {
    const { senses, current } = this.#ports;
    const members = current.unit(key)?.spec.senses ?? [];
    return members.flatMap(({ name }) =>
      (senses.record(name)?.loadProblems ?? []).map(({ message, place }) => ({
        about: `sense:${name}`,
        message,
        place,
      }))
    );
  }

  #tell(source: LogSource, name: string, problems: readonly LoadProblem[], previous: boolean): void {
    const type = source.startsWith("workflow:") ? "workflow.load_failed" : "sense.load_failed";
    const payload = { previous, problems: problems.map((problem) => ({ ...problem })) };
    this.#ports.append({ source, type, refId: name, causeId: null, payload });
    const kept = previous ? "still on the previous version, because the new one " : "";
    for (const problem of problems) {
      const message = `${kept}cannot be loaded: ${sentence(problem)}`;
      this.#ports.emit({ kind: "problem", source, message, ts: this.#ports.clock.now() });
    }
  }
}

function sentence({ message, place }: LoadProblem): string {
  return `${message}${formatPlace(place)}`;
}
