/** What access control needs from the log and its database. kernel/access_wiring.ts implements it. */
import type { Clock } from "../base/time.ts";
import type { AccessScope } from "../protocol/access.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { NewLogRow } from "../protocol/log.ts";

/** A token or a session as it is on disk. */
export interface StoredToken {
  readonly id: string;
  readonly kind: "token" | "session";
  readonly name: string;
  readonly scope: AccessScope;
  readonly hash: string;
  readonly created: number;
  readonly expires: number | null;
  readonly used: number | null;
  readonly revoked: number | null;
}

/** The changes of one write; `rows` are its rows of the log. */
export interface TokenChange {
  readonly put?: StoredToken;
  /** Ids. */
  readonly remove?: readonly string[];
  readonly revoke?: { readonly ids: readonly string[]; readonly at: number };
  readonly rows: readonly NewLogRow[];
}

export interface AccessPorts {
  readonly clock: Clock;
  /** Oldest first. */
  load(): StoredToken[];
  /** Resolves when the change is on disk; rejects with STORE_FAILED. */
  save(change: TokenChange): Promise<void>;
  /** Saves when a token or session was last used, with the next write. */
  saveUse(id: string, at: number): void;
  /** Writes the row, or counts it as a repetition. True when it is new. */
  record(row: Omit<NewLogRow, "payload"> & { readonly payload: JsonObject }, kind: string): boolean;
  reportProblem(message: string): void;
}
