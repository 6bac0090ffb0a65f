/** Collects the diagnostics of one file: adds their places, keeps at most `diagnosticsMax` and counts the rest. */
import { diagnosticsMax } from "../base/limits.ts";
import type { Place } from "../protocol/signal.ts";
import { type ConfigPath, type Diagnostic, formatConfigPath, sortDiagnostics } from "./diagnostic.ts";

/** A hint that takes time (a search for the nearest name) is a function, called only when the hint is shown. */
export type Hint = string | null | (() => string | null);

/** The most hints that are computed: no one reads more, and each may take the kernel's thread a few milliseconds. */
const hintedMax = 100;

/** The place of the key or item at `path`; with `within`, of that character of its text. */
export type PlaceOf = (path: ConfigPath, within?: number) => Place;

export class DiagnosticList {
  readonly #placeOf: PlaceOf;
  readonly #diagnostics: Diagnostic[] = [];
  #errors = 0;
  #omitted = 0;

  constructor(placeOf: PlaceOf) {
    this.#placeOf = placeOf;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** Further diagnostics are only counted, so an expensive check may be skipped. */
  get full(): boolean {
    return this.#diagnostics.length >= diagnosticsMax;
  }

  /** `within`: where in the text at `path` the fault is. */
  error(path: ConfigPath, message: string, hint: Hint = null, within?: number): void {
    this.#create("error", path, message, hint, within);
  }

  warning(path: ConfigPath, message: string, hint: Hint = null, within?: number): void {
    this.#create("warning", path, message, hint, within);
  }

  /** An error that holds only the sense or workflow at `path`. */
  hold(path: ConfigPath, message: string, hint: Hint = null): void {
    this.#create("error", path, message, hint, undefined, true);
  }

  add(diagnostic: Diagnostic): void {
    if (diagnostic.severity === "error") this.#errors++;
    if (!this.full) this.#diagnostics.push(diagnostic);
    else this.#omitted++;
  }

  /** Adds the diagnostics and counts of another list, without the diagnostics that `isMisled` matches. */
  addAll(other: DiagnosticList, isMisled: (diagnostic: Diagnostic) => boolean = () => false): void {
    for (const diagnostic of other.#diagnostics) if (!isMisled(diagnostic)) this.add(diagnostic);
    this.#omitted += other.#omitted;
    if (other.#omitted > 0) this.#errors += other.#errors;
  }

  /** All diagnostics, sorted by place. */
  sorted(): Diagnostic[] {
    const sorted = sortDiagnostics(this.#diagnostics);
    if (this.#omitted === 0) return sorted;
    const message = `${this.#omitted} more problems are not shown`;
    return [...sorted, { severity: this.hasErrors ? "error" : "warning", path: "", message, hint: null, place: null }];
  }

  #create(
    severity: Diagnostic["severity"],
    path: ConfigPath,
    message: string,
    hint: Hint,
    within?: number,
    holds = false,
  ): void {
    const { full } = this;
    const place = full ? null : this.#placeOf(path, within);
    const isHinted = this.#diagnostics.length < hintedMax;
    const advice = typeof hint === "function" ? (isHinted ? hint() : null) : hint;
    this.add({ severity, path: formatConfigPath(path), message, hint: advice, place, ...holds ? { holds } : {} });
  }
}
