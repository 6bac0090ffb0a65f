/**
 * The thread behind the kernel's that commits for it: does batches of operations over a connection of its own, one after
 * the other, each one transaction. Started by commit_thread.ts. Here the disk may take its time, and so may another
 * program's lock and the emptying of the write-ahead log.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";
import { type Operation, Transaction } from "./operations.ts";
import { openDatabase, StatementCache } from "./sqlite.ts";

/** What the kernel's thread sends: first the path of the database, then batches. */
export type ToCommitter = string | readonly Operation[];

/** Of each operation whether it was done, or what SQLite said of it. */
export type Done = boolean | string;

export type FromCommitter =
  | { readonly kind: "ready" }
  | { readonly kind: "committed"; readonly results: readonly Done[]; readonly tookMs: number }
  /** Nothing of the batch was done; before `ready`, nothing ever will be. */
  | { readonly kind: "failed"; readonly message: string };

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) throw new Error("nerve bug: the committer was started without its port");
  const tell = (message: FromCommitter) => port.postMessage(message);
  try {
    const db = openDatabase(event.data), statements = new StatementCache(db);
    port.onmessage = ({ data }) => tell(commit(db, statements, data));
    tell({ kind: "ready" });
  } catch (thrown) {
    tell({ kind: "failed", message: messageOf(thrown) });
  }
}, { once: true });

function commit(db: DatabaseSync, statements: StatementCache, operations: readonly Operation[]): FromCommitter {
  try {
    statements.get("begin immediate").run();
    const transaction = new Transaction(db, statements), results: Done[] = [];
    for (const operation of operations) results.push(done(db, () => transaction.perform(operation)));
    const from = performance.now();
    statements.get("commit").run();
    return { kind: "committed", results, tookMs: performance.now() - from };
  } catch (thrown) {
    if (db.isTransaction) statements.get("rollback").run();
    return { kind: "failed", message: messageOf(thrown) };
  }
}

/** Throws when nothing of the batch is left. */
function done(db: DatabaseSync, work: () => boolean): Done {
  try {
    return work();
  } catch (thrown) {
    if (!db.isTransaction) throw thrown;
    return messageOf(thrown);
  }
}
