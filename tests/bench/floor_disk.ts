/**
 * What SQLite and the disk allow: the rows and changes of durable runs written with the log's own schema, without any
 * engine. Not included: JSON apart from the payloads, replies to callers, and processes except in `bareRun`.
 */
import { DatabaseSync } from "node:sqlite";
import { logMigrations } from "../../src/store/log/schema.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { median, percentile, repeated, timed } from "./figure.ts";
import { Echo } from "./floor_echo.ts";

const payload = JSON.stringify({ round: 1, role: "a", content: "done", meta: {} });

/** A database with the schema of data/logs.db, `synchronous = FULL`, and the three statements of a run. */
class BareLog implements Disposable {
  readonly #db: DatabaseSync;
  readonly #insertRun;
  readonly #countMessage;
  readonly #end;
  readonly #insertRow;
  #id = 0;

  constructor(path: string) {
    this.#db = openDatabase(path);
    for (const script of logMigrations) this.#db.exec(script);
    this.#insertRun = this.#db.prepare(
      "insert into workflow_runs (run_id, workflow, status, attempt, rounds, max_rounds, prompt, payload, trigger," +
        " queued_at, started_at) values (?, 'w', 'started', 1, 0, 10, '', '{}', '{}', 1, 1)",
    );
    this.#countMessage = this.#db.prepare(
      "update workflow_runs set rounds = rounds + 1 where run_id = ? and status = 'started' and attempt = 1",
    );
    this.#end = this.#db.prepare(
      "update workflow_runs set status = 'completed', exit_code = 0, ended_at = 2 where run_id = ?",
    );
    this.#insertRow = this.#db.prepare("insert into logs values (?, ?, 'workflow:w', 'run.message', ?, null, ?)");
  }

  commit(work: () => void): void {
    this.#db.exec("begin immediate");
    work();
    this.#db.exec("commit");
  }

  row(refId: string): void {
    this.#insertRow.run(++this.#id, 1, refId, payload);
  }

  begin(runId: string): void {
    this.#insertRun.run(runId);
    this.row(runId);
  }

  message(runId: string): void {
    this.#countMessage.run(runId);
    this.row(runId);
  }

  end(runId: string): void {
    this.#end.run(runId);
    this.row(runId);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** Runs per second when `inFlight` runs take each of their steps in one common commit. */
export async function bareRuns(folder: string, roles: number, inFlight: number, rounds: number): Promise<number> {
  using log = new BareLog(`${folder}/bare-${crypto.randomUUID()}.db`);
  const ms = await timed(() => {
    for (let round = 0; round < rounds; round++) {
      const ids = Array.from({ length: inFlight }, (_, index) => `${round}-${index}`);
      log.commit(() => ids.forEach((id) => log.begin(id)));
      for (let role = 0; role < roles; role++) log.commit(() => ids.forEach((id) => log.message(id)));
      log.commit(() => ids.forEach((id) => log.end(id)));
    }
  });
  return rounds * inFlight / ms * 1_000;
}

/**
 * Milliseconds from begin to end of one run at a time: for each of its roles a line to another process and back, and a
 * commit; the last commit contains the end as well.
 */
export async function bareRun(folder: string, roles: number, times: number): Promise<{ p50: number; p99: number }> {
  await using echo = await Echo.start(folder);
  using log = new BareLog(`${folder}/bare-${crypto.randomUUID()}.db`);
  const spans: number[] = [];
  for (let time = 0; time < times; time++) {
    const id = `run-${time}`;
    spans.push(
      await timed(async () => {
        log.commit(() => log.begin(id));
        for (let role = 1; role <= roles; role++) {
          await echo.roundTrip(payload);
          log.commit(() => {
            log.message(id);
            if (role === roles) log.end(id);
          });
        }
      }),
    );
  }
  return { p50: percentile(spans, 50), p99: percentile(spans, 99) };
}

/** Milliseconds of a commit of one row, the median of so many. */
export async function bareCommitMs(folder: string, commits: number = 100): Promise<number> {
  using log = new BareLog(`${folder}/bare-${crypto.randomUUID()}.db`);
  return median(await repeated(commits, () => timed(() => log.commit(() => log.row("cpu")))));
}

/** Rows per second in transactions of `batch` rows. */
export async function bareRows(folder: string, batch: number, batches: number): Promise<number> {
  using log = new BareLog(`${folder}/bare-${crypto.randomUUID()}.db`);
  const ms = await timed(() => {
    for (let index = 0; index < batches; index++) {
      log.commit(() => {
        for (let row = 0; row < batch; row++) log.row("cpu");
      });
    }
  });
  return batch * batches / ms * 1_000;
}
