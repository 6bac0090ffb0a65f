/**
 * Runs a program that the configuration names; its exit code decides.
 * run, again while it fails and attempts are left -> report.
 * I1. Nothing from outside becomes part of the command, except arguments that the configuration lists word by word.
 * I2. A run whose program has failed ends as failed, and its messages contain what the program printed.
 */
import {
  command,
  defineWorkflow,
  END,
  type Json,
  type JsonObject,
  option,
  pause,
  readConfig,
  type RoleContext,
} from "nerve";

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    command: option.list({ max: 200 }),
    allowed_arguments: option.list({ fallback: [], max: 200 }),
    folder: option.text(null),
    timeout: option.duration("1h"),
    success_codes: option.list({ fallback: ["0"], max: 50 }),
    attempts: option.number(1, { min: 1, max: 20 }),
    retry_delay: option.duration("10s"),
    log_output: option.flag(true),
  });
  const [program, ...args] = settings.command;
  if (program === undefined) throw new TypeError("config.command must name a program");
  const codes = settings.success_codes.map((code) => {
    if (!/^\d{1,3}$/.test(code)) throw new TypeError(`config.success_codes must hold exit codes, not "${code}"`);
    return Number(code);
  });
  return { ...settings, program, args, codes };
}

type Settings = ReturnType<typeof readSettings>;

async function run({ start, messages, config: settings, signal, log, idempotencyKey }: RoleContext<Settings>) {
  const { program, timeout, folder, codes, attempts } = settings;
  const attempt = messages.length + 1, args = [...settings.args, ...readArguments(start.payload, settings)];
  if (attempt > 1) await pause(settings.retry_delay, signal);
  const started = performance.now();
  const { code, output } = await command(program, args, {
    signal,
    timeout,
    env: { RUN_ID: start.runId, IDEMPOTENCY_KEY: idempotencyKey },
    ...folder === null ? {} : { cwd: folder },
    ...settings.log_output ? { log } : {},
  });
  const succeeded = codes.includes(code), ms = Math.round(performance.now() - started);
  // Decided here and stored in the message: the moderator sees messages only.
  const again = !succeeded && attempt < attempts;
  const meta = { command: formatCommand(program, args), attempt, code, succeeded, again, ms };
  return { content: output === "" ? `exit code ${code}, and no output` : output, meta };
}

/** Arguments of the payload, each of which must be allowed. */
function readArguments(payload: Json, { allowed_arguments: allowed }: Settings): string[] {
  const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
  const asked: Json | undefined = isObject ? (payload as Record<string, Json>).arguments : undefined;
  if (asked === undefined) return [];
  if (!Array.isArray(asked)) throw new TypeError("payload.arguments must be a list");
  return asked.map((each) => {
    if (typeof each === "string" && allowed.includes(each)) return each;
    throw new TypeError(
      `config.allowed_arguments does not have ${JSON.stringify(each).slice(0, 100)}: nothing was run`,
    );
  });
}

function report({ messages, start }: RoleContext<Settings>) {
  const last = messages.at(-1), { command: line, code, attempt, ms, succeeded } = last?.meta ?? {};
  const why = start.prompt === "" ? "" : ` (asked because: ${start.prompt})`;
  const how = `${String(line)} ended with exit code ${String(code)} at attempt ${String(attempt)}${why}`;
  if (succeeded !== true) throw new Error(`${how}: ${lastLine(last?.content ?? "")}`);
  return { content: how, meta: { command: line, code, attempts: attempt, ms } };
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.slice(0, 300) ?? "";
}

/** Formats a command for readers only. */
function formatCommand(program: string, args: readonly string[]): string {
  const words = [program, ...args].map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word));
  return words.join(" ").slice(0, 1_000);
}

export default defineWorkflow({
  config: readSettings,
  roles: { run, report },
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    if (last === undefined) return "run";
    if (last.role === "report") return END;
    return last.meta.again === true ? "run" : "report";
  },
});
