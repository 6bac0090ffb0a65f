/** The settings of backup-folder. Used by index.ts, restic.ts and rsync.ts. */
import type { LogFunction, RoleContext } from "nerve";

/** The settings that both tools use. */
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

/** The result of a step, for the message of its role. */
export interface Step {
  readonly content: string;
  readonly meta: { readonly [key: string]: string | number | boolean | null };
}

/** How a tool does the four steps. */
export interface Tool {
  /** Ensures that a backup can be made now. */
  readonly prepare: () => Promise<Step>;
  /** `meta.complete`: whether all files could be read. */
  readonly backup: () => Promise<Step>;
  /** Removes old backups; null: there is nothing to remove. */
  readonly forget: (() => Promise<Step>) | null;
  /** Throws when the backup is not intact. */
  readonly verify: () => Promise<Step>;
}

export type Messages = RoleContext["messages"];
