/**
 * Replaces "node:sqlite" for code in the sandbox, through module_gate.ts: SQLite bypasses Deno's permissions when it
 * opens, locks and deletes files. This module has the export names of the real one, so that a static import of them
 * gets this error, too.
 */
throw new Deno.errors.NotCapable(
  "node:sqlite is closed in the sandbox: use ctx.sqlite or ctx.db for the sense's own database, ctx.peers for those of " +
    "other senses, and ctx.logs for the log",
);

export function DatabaseSync(): void {}
export function StatementSync(): void {}
export function Session(): void {}
export function SQLTagStore(): void {}
export function backup(): void {}
export function constants(): void {}

export default undefined;
