/** Gathers problems of one file: finds their places, keeps at most `problemsMax` of them, and counts the rest. */
import { problemsMax } from "../base/limits.ts";
import type { Place } from "../protocol/signal.ts";
import { type ConfigPath, formatConfigPath, type Problem, sortProblems } from "./diagnostic.ts";

/** A hint that costs time (a search for the nearest name) comes as a function, which is called only when it is shown. */
export type Hint = string | null | (() => string | null);

export class ProblemList {
  readonly #placeOf: (path: ConfigPath) => Place;
  readonly #problems: Problem[] = [];
  #errors = 0;
  #omitted = 0;

  constructor(placeOf: (path: ConfigPath) => Place) {
    this.#placeOf = placeOf;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** What is found from now on is only counted: a check that costs time may leave it out. */
  get full(): boolean {
    return this.#problems.length >= problemsMax;
  }

  error(path: ConfigPath, message: string, hint: Hint = null): void {
    this.#create("error", path, message, hint);
  }

  warning(path: ConfigPath, message: string, hint: Hint = null): void {
    this.#create("warning", path, message, hint);
  }

  add(problem: Problem): void {
    if (problem.severity === "error") this.#errors++;
    if (!this.full) this.#problems.push(problem);
    else this.#omitted++;
  }

  /** Takes over what another list gathered and counted, but for what `misled` names. */
  addAll(other: ProblemList, misled: (problem: Problem) => boolean = () => false): void {
    for (const problem of other.#problems) if (!misled(problem)) this.add(problem);
    this.#omitted += other.#omitted;
    if (other.#omitted > 0) this.#errors += other.#errors;
  }

  /** In the order of the file. */
  sorted(): Problem[] {
    const sorted = sortProblems(this.#problems);
    if (this.#omitted === 0) return sorted;
    const message = `${this.#omitted} more problems are not shown`;
    return [...sorted, { severity: this.hasErrors ? "error" : "warning", path: "", message, hint: null, place: null }];
  }

  #create(severity: Problem["severity"], path: ConfigPath, message: string, hint: Hint): void {
    const { full } = this;
    const place = full ? null : this.#placeOf(path);
    const advice = typeof hint === "function" ? (full ? null : hint()) : hint;
    this.add({ severity, path: formatConfigPath(path), message, hint: advice, place });
  }
}
