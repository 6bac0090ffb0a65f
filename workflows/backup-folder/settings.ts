/** The settings of backup-folder. Used by index.ts, restic.ts and rsync.ts. */
import type { LogFunction, RoleContext } from "nerve";

/** What both tools are given. */
export interface Backup {
  readonly folder: string;
  /** A repository of restic, or the folder that rsync copies to. */
  readonly target: string;
  readonly exclude: readonly string[];
  readonly oneFileSystem: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly log: LogFunction;
}

/** What a step found, for the message of its role. */
export interface Step {
  readonly content: string;
  readonly meta: { readonly [key: string]: string | number | boolean | null };
}

/** How one tool does the four steps. */
export interface Tool {
  /** Makes sure that a backup can be made now. */
  readonly prepare: () => Promise<Step>;
  /** `meta.complete` says whether all files could be read. */
  readonly backup: () => Promise<Step>;
  /** Removes old backups; null: there is nothing to remove. */
  readonly forget: (() => Promise<Step>) | null;
  /** Throws when what was made is not whole. */
  readonly verify: () => Promise<Step>;
}

export type Messages = RoleContext["messages"];
