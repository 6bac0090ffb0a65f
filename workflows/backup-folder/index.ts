/**
 * Backs up a folder with restic or rsync.
 * prepare -> backup -> forget, if old backups are to be removed -> verify -> report.
 * I1. Old backups are removed only after a new, complete one.
 * I2. An interrupted run can be run again: prepare removes what it left, and nothing that another program uses.
 */
import { defineWorkflow, END, formatSize, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { createRestic } from "./restic.ts";
import { createRsync } from "./rsync.ts";
import type { Messages, Step, Tool } from "./settings.ts";

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    tool: option.text("restic"),
    folder: option.text(),
    target: option.text(),
    exclude: option.list({ fallback: [], max: 100 }),
    one_file_system: option.flag(false),
    password_env: option.text("RESTIC_PASSWORD"),
    init: option.flag(false),
    keep_last: option.number(null, { min: 1 }),
    keep_daily: option.number(null, { min: 1 }),
    keep_weekly: option.number(null, { min: 1 }),
    keep_monthly: option.number(null, { min: 1 }),
    delete: option.flag(false),
    marker: option.text(null),
    verify: option.flag(true),
    verify_data: option.text(null),
    timeout: option.duration("6h"),
  });
  const { tool, folder, target, verify_data } = settings;
  if (tool !== "restic" && tool !== "rsync") throw new TypeError(`config.tool must be restic or rsync, not "${tool}"`);
  for (const path of tool === "rsync" ? [folder, target] : [folder]) {
    if (!path.startsWith("/")) throw new TypeError("config.folder, and config.target of rsync, must be absolute paths");
  }
  if (settings.marker !== null && /\/|^\.\.?$/.test(settings.marker)) {
    throw new TypeError("config.marker must be the name of a file");
  }
  if (verify_data !== null && !/^\d{1,3}(?:\.\d+)?%$|^\d+\/\d+$|^\d+[KMGT]$/.test(verify_data)) {
    throw new TypeError(`config.verify_data must be such as 5%, 1/10 or 1G, not "${verify_data}"`);
  }
  return settings;
}

type Settings = ReturnType<typeof readSettings>;

function createTool({ start, config: settings, signal, log }: RoleContext<Settings>): Tool {
  const { folder, target, exclude, one_file_system, timeout } = settings;
  const backup = { folder, target, exclude, oneFileSystem: one_file_system, timeoutMs: timeout, signal, log };
  if (settings.tool === "rsync") {
    return createRsync(backup, { remove: settings.delete, marker: settings.marker });
  }
  const password = Deno.env.get(settings.password_env);
  if (password === undefined || password === "") {
    throw new TypeError(`the variable ${settings.password_env} is not set`);
  }
  const { init, verify_data: verifyData } = settings, tag = `nerve-${start.workflow}`;
  return createRestic(backup, { password, init, keep: toKeep(settings), verifyData, tag });
}

function toKeep({ keep_last, keep_daily, keep_weekly, keep_monthly }: Settings): string[] {
  const numbers = { last: keep_last, daily: keep_daily, weekly: keep_weekly, monthly: keep_monthly };
  return Object.entries(numbers).flatMap(([name, number]) => number === null ? [] : [`--keep-${name}`, String(number)]);
}

const prepare = (context: RoleContext<Settings>): Promise<Step> => createTool(context).prepare();

async function backup(context: RoleContext<Settings>): Promise<Step> {
  const tool = createTool(context), started = performance.now();
  const { content, meta } = await tool.backup();
  // Decided here and stored in the message: the moderator sees messages only.
  const next = { forget: tool.forget !== null && meta.complete === true, verify: context.config.verify };
  return { content, meta: { ...meta, ...next, ms: Math.round(performance.now() - started) } };
}

async function forget(context: RoleContext<Settings>): Promise<Step> {
  return await createTool(context).forget?.() ?? { content: "all backups are kept", meta: {} };
}

const verify = (context: RoleContext<Settings>): Promise<Step> => createTool(context).verify();

function report({ messages, start, config }: RoleContext<Settings>) {
  const { tool, folder } = config, made = find(messages, "backup"), kept = find(messages, "forget");
  const checked = find(messages, "verify"), why = start.prompt === "" ? "" : ` (asked because: ${start.prompt})`;
  if (made?.meta.complete !== true) {
    throw new Error(`the backup of ${folder} is not complete: ${made?.content ?? "none was made"}${why}`);
  }
  const { files, bytes, addedBytes, ms } = made.meta;
  const meta = {
    ...{
      tool,
      folder,
      snapshot: made.meta.snapshot ?? null,
      files,
      bytes,
      addedBytes,
      ms,
      kept: kept?.meta.kept ?? null,
    },
    ...{ verified: checked !== undefined, repositoryBytes: checked?.meta.repositoryBytes ?? null },
  };
  const size = `${String(files)} files (${formatSize(Number(bytes))}), ${formatSize(Number(addedBytes))} of them new`;
  return { content: `backed up ${folder}: ${size}${checked === undefined ? "" : ", verified"}${why}`, meta };
}

function find(messages: Messages, role: string): Messages[number] | undefined {
  return messages.findLast((message) => message.role === role);
}

function isNotInUse(error: unknown): boolean {
  return !(error instanceof Error && error.message.startsWith("the repository is in use"));
}

export default defineWorkflow({
  config: readSettings,
  roles: {
    // Another backup of the same repository may be in progress; nothing else is retried.
    prepare: { run: prepare, retry: { attempts: 5, backoff: "1m", maxBackoff: "10m", nonRetryable: isNotInUse } },
    backup,
    forget,
    verify,
    report,
  },
  moderator: ({ messages }) => {
    const last = messages.at(-1), made = find(messages, "backup");
    switch (last?.role) {
      case undefined:
        return "prepare";
      case "prepare":
        return "backup";
      case "backup":
        return made?.meta.forget === true ? "forget" : made?.meta.verify === true ? "verify" : "report";
      case "forget":
        return made?.meta.verify === true ? "verify" : "report";
      case "verify":
        return "report";
      default:
        return END;
    }
  },
});
