/** Collects the problems of one file: adds their places, keeps at most `problemsMax` and counts the rest. */
import { problemsMax } from "../base/limits.ts";
import type { Place } from "../protocol/signal.ts";
import { type ConfigPath, formatConfigPath, type Problem, sortProblems } from "./diagnostic.ts";

/** A hint that takes time (a search for the nearest name) is a function, called only when the hint is shown. */
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

  /** Further problems are only counted, so an expensive check may be skipped. */
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

  /** Adds the problems and counts of another list, without the problems that `isMisled` matches. */
  addAll(other: ProblemList, isMisled: (problem: Problem) => boolean = () => false): void {
    for (const problem of other.#problems) if (!isMisled(problem)) this.add(problem);
    this.#omitted += other.#omitted;
    if (other.#omitted > 0) this.#errors += other.#errors;
  }

  /** All problems, sorted by place. */
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
