/**
 * The main module of the commit thread: performs batches of operations over its own connection, one after another, each
 * as one transaction. Started by commit_thread.ts. A slow disk, another program's lock, and the checkpoint of the
 * write-ahead log block only this thread.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { identifyFile } from "../../base/file_identity.ts";
import { openDatabase, StatementCache } from "../sqlite/database.ts";
import type { FromCommitter, OpenedDatabase, OperationResult } from "./commit_messages.ts";
import { type Operation, Transaction } from "./operations.ts";

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) throw new Error("nerve bug: the committer was started without its port");
  const send = (message: FromCommitter) => port.postMessage(message);
  try {
    const db = openVerified(event.data), statements = new StatementCache(db);
    port.onmessage = ({ data }) => {
      if (data !== null) return send(commit(db, statements, data));
      db.close();
      send({ kind: "closed" });
    };
    send({ kind: "ready" });
  } catch (thrown) {
    send({ kind: "failed", message: messageOf(thrown) });
  }
}, { once: true });

/** Opens the database without creating a file: checks the file's identity before and after. */
function openVerified(file: OpenedDatabase): DatabaseSync {
  assertSame(file);
  const db = openDatabase(file.path, { existing: true });
  assertSame(file);
  return db;
}

function assertSame({ path, identity }: OpenedDatabase): void {
  if (identity === null || identifyFile(path) !== identity) throw new Error(`${path} was replaced by another file`);
}

function commit(db: DatabaseSync, statements: StatementCache, operations: readonly Operation[]): FromCommitter {
  try {
    statements.get("begin immediate").run();
    const transaction = new Transaction(db, statements), results: OperationResult[] = [];
    for (const operation of operations) results.push(performOperation(db, () => transaction.perform(operation)));
    transaction.seal();
    const from = performance.now();
    statements.get("commit").run();
    return { kind: "committed", results, tookMs: performance.now() - from };
  } catch (thrown) {
    if (db.isTransaction) statements.get("rollback").run();
    return { kind: "failed", message: messageOf(thrown) };
  }
}

/** Throws when SQLite has rolled back the whole batch. */
function performOperation(db: DatabaseSync, work: () => boolean): OperationResult {
  try {
    return work();
  } catch (thrown) {
    if (!db.isTransaction) throw thrown;
    return messageOf(thrown);
  }
}
