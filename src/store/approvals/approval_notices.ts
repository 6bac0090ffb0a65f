/**
 * Which open requests had notices, in the table `approval_notices`: triggers of the schema make and remove its rows.
 * Used by kernel/approval_notices.ts.
 */
import type { ApprovalSummary } from "../../protocol/approval.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { summaryColumns, toSummary } from "./approval_sql.ts";

/** A request that is due for a notice; `told`: how many notices it had. */
export interface UntoldRequest {
  readonly seq: number;
  readonly told: number;
  readonly approval: ApprovalSummary;
}

export class ApprovalNoticeStore {
  readonly #statements: StatementCache;
  readonly #writer: GroupCommit;

  constructor(statements: StatementCache, writer: GroupCommit) {
    this.#statements = statements;
    this.#writer = writer;
  }

  /**
   * Requests without a notice, and those whose last notice was at or before `before`, in wall milliseconds; the longest
   * without one first. Leaves out requests of the workflow `except`.
   */
  listDue(before: number | null, except: string, limit: number): UntoldRequest[] {
    const columns = summaryColumns.split(", ").map((column) => `a.${column}`).join(", ");
    const sql = `
select n.seq as seq, n.told as told, ${columns} from approval_notices n join approvals a on a.seq = n.seq
where (n.told_at is null or n.told_at <= ?) and a.workflow <> ? order by n.told_at, n.seq limit ?`;
    const rows = this.#statements.get(sql).all(before ?? -1, except, limit);
    return rows.map((row) => ({ seq: Number(row.seq), told: Number(row.told), approval: toSummary(row) }));
  }

  /** The time of the oldest last notice of an open request; null when no request had one. */
  firstToldAt(except: string): number | null {
    const sql = `
select n.told_at as at from approval_notices n join approvals a on a.seq = n.seq
where n.told_at is not null and a.workflow <> ? order by n.told_at limit 1`;
    const row = this.#statements.get(sql).get(except);
    return row === undefined ? null : Number(row.at);
  }

  /** Never throws for a disk failure: then the same run sends the notice again. */
  markTold({ seq, told }: UntoldRequest, at: number): void {
    const sql = "update approval_notices set told = ?, told_at = ? where seq = ?";
    this.#writer.write([{ sql, values: [told + 1, at, seq] }]);
  }

  /** Moves notices from the future to now: the clock was set back. */
  forgetFuture(now: number): void {
    if (this.#statements.get("select 1 from approval_notices where told_at > ? limit 1").get(now) === undefined) return;
    this.#writer.write([{ sql: "update approval_notices set told_at = ? where told_at > ?", values: [now, now] }]);
  }
}
