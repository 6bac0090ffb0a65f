/** Tokens and sessions of the listener: the table `access_tokens` of data/logs.db. Used by kernel/access_wiring.ts. */
import type { NewLogRow } from "../../protocol/log.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import type { LogStore } from "../log/log_store.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** A row as it is on disk; times are in milliseconds. */
export interface TokenRow {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly scope: string;
  readonly hash: string;
  readonly created: number;
  readonly expires: number | null;
  readonly used: number | null;
  readonly revoked: number | null;
}

export interface TokenWrite {
  readonly put?: TokenRow;
  readonly remove?: readonly string[];
  readonly revoke?: { readonly ids: readonly string[]; readonly at: number };
  /** The log rows that record the change. */
  readonly rows: readonly NewLogRow[];
}

export class TokenStore {
  readonly #statements: StatementCache;
  readonly #writer: GroupCommit;
  readonly #log: LogStore;

  constructor(statements: StatementCache, writer: GroupCommit, log: LogStore) {
    this.#statements = statements;
    this.#writer = writer;
    this.#log = log;
  }

  /** All tokens and sessions, oldest first. */
  list(): TokenRow[] {
    const sql =
      "select id, kind, name, scope, hash, created, expires, used, revoked from access_tokens order by created";
    return this.#statements.get(sql).all() as unknown as TokenRow[];
  }

  /** Makes all changes in one write. Resolves when it is on disk; rejects with STORE_FAILED. */
  async save({ put, remove = [], revoke, rows }: TokenWrite): Promise<void> {
    const removed = remove.map((id): Step => ({ sql: "delete from access_tokens where id = ?", values: [id] }));
    const revoked = (revoke?.ids ?? []).map((id): Step => ({
      sql: "update access_tokens set revoked = ? where id = ? and revoked is null",
      values: [revoke?.at ?? null, id],
    }));
    this.#log.appendAll(rows.map((row) => () => row), () => [
      ...removed,
      ...put === undefined ? [] : [insertToken(put)],
      ...revoked,
    ]);
    await this.#log.durable(true);
  }

  saveUse(id: string, at: number): void {
    this.#writer.write([{ sql: "update access_tokens set used = ? where id = ?", values: [at, id] }]);
  }
}

function insertToken(row: TokenRow): Step {
  const { id, kind, name, scope, hash, created, expires, used, revoked } = row;
  return {
    sql: "insert into access_tokens values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    values: [id, kind, name, scope, hash, created, expires, used, revoked],
  };
}
