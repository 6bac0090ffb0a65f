/**
 * The variables in force: reads `env_file` of nerve.yaml again at each reload (config/environment.ts). Used by
 * config_applier.ts, which gives each process the variables that it is granted, and by the kernel, which masks them.
 * I1. A file that disappears, or becomes unusable, under a running daemon removes no variable: an editor may be writing
 *     it. A requested reload, or a restart, treats a missing file as removed.
 */
import type { Clock } from "../base/time.ts";
import {
  type Environment,
  findUnsetVariables,
  hintUnset,
  overOwn,
  readEnvFile,
  resolveEnvFile,
  showEnvFile,
} from "../config/environment.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelEvent } from "../protocol/event.ts";

export class VariablesInForce {
  readonly #paths: WorkspacePaths;
  #path: string | null = null;
  #environment: Environment = overOwn({});
  #problem: string | null = null;
  #warnings: readonly string[] = [];
  #reported: string | null = null;

  /** Reads the file for a start. */
  constructor(config: NerveConfig, paths: WorkspacePaths) {
    this.#paths = paths;
    this.reread(config, true);
  }

  /** The file's path; null when nerve.yaml names none. */
  get path(): string | null {
    return this.#path;
  }

  /** The same object as long as no variable changed. */
  get environment(): Environment {
    return this.#environment;
  }

  /** Why the file on disk is not in force; else null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** `requested`: the user asked for this reload, or it is a start. */
  reread(config: NerveConfig, requested: boolean): void {
    const path = resolveEnvFile(config, this.#paths.root), found = readEnvFile(path, this.#paths);
    const moved = path !== this.#path, had = Object.keys(this.#environment.file).length > 0;
    this.#path = path;
    this.#problem = null;
    this.#warnings = found.kind === "read" ? found.warnings.map((warning) => `${this.#name()}: ${warning}`) : [];
    // An editor that empties the file before writing it removes nothing.
    const emptied = found.kind === "read" && Object.keys(found.variables).length === 0;
    const mayKeep = had && !moved;
    if (found.kind !== "unusable" && !(emptied && mayKeep && !requested)) {
      return this.#take(found.kind === "read" ? found.variables : {});
    }
    const keeps = mayKeep && !(requested && found.kind === "unusable" && found.missing);
    const why = found.kind === "unusable" ? found.why : "is empty";
    this.#problem = `${this.#name()} ${why}: ${keeps ? "its variables stay as they were" : "it sets no variable"}`;
    if (!keeps) this.#take({});
  }

  /** The faults of the file, and the granted variables that are not set. */
  warnings(config: NerveConfig): string[] {
    const unset = findUnsetVariables(config, this.#environment.all).map(({ of, variable, use }) =>
      `${of}: ${variable} ${use}, and set nowhere: ${hintUnset(config.envFile)}`
    );
    return [...this.#problem === null ? [] : [this.#problem], ...this.#warnings, ...unset];
  }

  /** Reports each problem once. */
  report({ clock, emit }: { readonly clock: Clock; emit(event: KernelEvent): void }): void {
    const message = this.#problem;
    if (message !== null && message !== this.#reported) {
      emit({ kind: "problem", source: "kernel", message, ts: clock.now() });
    }
    this.#reported = message;
  }

  #take(file: Environment["file"]): void {
    const names = Object.keys(file), before = this.#environment.file;
    const same = names.length === Object.keys(before).length && names.every((name) => before[name] === file[name]);
    if (!same) this.#environment = overOwn(file);
  }

  #name(): string {
    return showEnvFile(this.#path ?? "", this.#paths.root);
  }
}
