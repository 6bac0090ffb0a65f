/**
 * The thread behind the kernel's that commits for it: does batches of operations over a connection of its own, one after
 * the other, each one transaction. Started by commit_thread.ts. Here the disk may take its time, and so may another
 * program's lock and the emptying of the write-ahead log.
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
  const tell = (message: FromCommitter) => port.postMessage(message);
  try {
    const db = openVerified(event.data), statements = new StatementCache(db);
    port.onmessage = ({ data }) => {
      if (data !== null) return tell(commit(db, statements, data));
      db.close();
      tell({ kind: "closed" });
    };
    tell({ kind: "ready" });
  } catch (thrown) {
    tell({ kind: "failed", message: messageOf(thrown) });
  }
}, { once: true });

/** Makes no file: looks first, and whether it was the right one afterwards. */
function openVerified(file: OpenedDatabase): DatabaseSync {
  assertSame(file);
  const db = openDatabase(file.path);
  assertSame(file);
  return db;
}

function assertSame({ path, identity }: OpenedDatabase): void {
  if (identity === null || identifyFile(path) !== identity) throw new Error(`${path} is another file by now`);
}

function commit(db: DatabaseSync, statements: StatementCache, operations: readonly Operation[]): FromCommitter {
  try {
    statements.get("begin immediate").run();
    const transaction = new Transaction(db, statements), results: OperationResult[] = [];
    for (const operation of operations) results.push(performOperation(db, () => transaction.perform(operation)));
    const from = performance.now();
    statements.get("commit").run();
    return { kind: "committed", results, tookMs: performance.now() - from };
  } catch (thrown) {
    if (db.isTransaction) statements.get("rollback").run();
    return { kind: "failed", message: messageOf(thrown) };
  }
}

/** Throws when nothing of the batch is left. */
function performOperation(db: DatabaseSync, work: () => boolean): OperationResult {
  try {
    return work();
  } catch (thrown) {
    if (!db.isTransaction) throw thrown;
    return messageOf(thrown);
  }
}
