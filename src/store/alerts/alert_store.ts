/**
 * The states of alerts, in the table `alert_states` of data/logs.db, written together with the rows of their changes.
 * Used by kernel/alert_wiring.ts.
 */
import type { Json } from "../../protocol/json.ts";
import { stringifyWellFormed } from "../../protocol/json.ts";
import type { LogRow, NewLogRow } from "../../protocol/log.ts";
import type { Step } from "../commit/operations.ts";
import type { LogStore } from "../log/log_store.ts";
import { setMeta } from "../log/meta_store.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** `state` null: the state is deleted. */
export interface StoredAlertState {
  readonly alert: string;
  readonly key: string;
  readonly state: Json;
}

export interface AlertStateWrite {
  readonly states: readonly StoredAlertState[];
  /** Entries for `meta`. */
  readonly values: readonly (readonly [key: string, value: string])[];
}

export class AlertStore {
  readonly #statements: StatementCache;
  readonly #log: LogStore;

  constructor(statements: StatementCache, log: LogStore) {
    this.#statements = statements;
    this.#log = log;
  }

  load(): StoredAlertState[] {
    return readAlertStates(this.#statements);
  }

  /** Saves everything in one write. Each row is made with the id that it gets, before `complete` is called. */
  save(rows: readonly ((id: number) => NewLogRow)[], complete: () => AlertStateWrite): LogRow[] {
    return this.#log.appendAll(rows, () => {
      const { states, values } = complete();
      return [...states.map(toStep), ...values.map(([key, value]) => setMeta(key, value))];
    });
  }
}

export function readAlertStates(statements: StatementCache): StoredAlertState[] {
  const rows = statements.get("select alert, key, state from alert_states").all();
  return rows.map(({ alert, key, state }) => ({
    alert: String(alert),
    key: String(key),
    state: JSON.parse(String(state)),
  }));
}

function toStep({ alert, key, state }: StoredAlertState): Step {
  if (state === null) return { sql: "delete from alert_states where alert = ? and key = ?", values: [alert, key] };
  return {
    sql: "insert into alert_states values (?, ?, ?) on conflict (alert, key) do update set state = excluded.state",
    values: [alert, key, stringifyWellFormed(state) ?? "null"],
  };
}
