/**
 * Restarts a service: a systemd unit, or anything that a command restarts. A dry run by default.
 * before -> restart -> after, the last two again while the service is down and attempts are left -> report.
 * I1. A dry run restarts nothing. A service that already runs is restarted only if the configuration says so.
 * I2. Attempts are bounded, and a run that leaves the service down ends as failed.
 * I3. Nothing from outside, neither prompt nor payload, becomes part of a command.
 */
import {
  defineWorkflow,
  END,
  type JsonObject,
  option,
  pause,
  readConfig,
  type RoleContext,
  type RunMessage,
} from "nerve";
import { type Command, formatCommand, succeeds } from "./command.ts";

interface Service {
  readonly name: string;
  readonly restart: Command;
  /** Exits with code 0 when the service runs. */
  readonly check: Command;
}

function readSettings(config: JsonObject) {
  const { unit, user, command, check, ...rest } = readConfig(config, {
    unit: option.text(null),
    user: option.flag(false),
    command: option.list({ fallback: [] }),
    check: option.list({ fallback: [] }),
    even_if_running: option.flag(false),
    attempts: option.number(3, { min: 1, max: 10 }),
    settle: option.duration("5s"),
    timeout: option.duration("90s"),
    dry_run: option.flag(true),
  });
  return {
    ...rest,
    service: unit !== null ? toSystemdService(unit, user, command, check) : toCommandService(command, check),
  };
}

function toSystemdService(unit: string, user: boolean, command: readonly string[], check: readonly string[]): Service {
  if (command.length + check.length > 0) throw new TypeError("config must hold either unit, or command and check");
  if (!/^[\w@][\w:.@\\-]{0,255}$/.test(unit)) throw new TypeError(`config.unit is not the name of a unit: "${unit}"`);
  const systemctl = (...args: string[]) => ({
    program: "systemctl",
    args: [...user ? ["--user"] : [], "--no-ask-password", ...args, "--", unit],
  });
  return { name: unit, restart: systemctl("restart"), check: systemctl("is-active", "--quiet") };
}

function toCommandService(command: readonly string[], check: readonly string[]): Service {
  const [program, ...args] = command, [checker, ...checkArgs] = check;
  if (program === undefined || checker === undefined) {
    throw new TypeError("config must hold either unit, or command and check");
  }
  const restart = { program, args };
  return { name: formatCommand(restart), restart, check: { program: checker, args: checkArgs } };
}

type Settings = ReturnType<typeof readSettings>;

async function before(context: RoleContext<Settings>) {
  const { service, dry_run, even_if_running, timeout } = context.config;
  const running = await succeeds(service.check, timeout, context.signal);
  const wanted = !running || even_if_running;
  const meta = { service: service.name, running, restart: wanted && !dry_run, wouldRestart: wanted && dry_run };
  return { content: `${service.name} ${running ? "runs" : "does not run"}`, meta };
}

async function restart(context: RoleContext<Settings>) {
  const { service, dry_run, timeout } = context.config;
  // The configuration may have changed since the run began; it must still allow the restart.
  if (dry_run || service.name !== context.messages[0]?.meta.service) {
    throw new Error(`nerve.yaml no longer lets this run restart ${String(context.messages[0]?.meta.service)}`);
  }
  const attempt = countAttempts(context.messages) + 1;
  const succeeded = await succeeds(service.restart, timeout, context.signal);
  const line = formatCommand(service.restart);
  return { content: `attempt ${attempt}: ${line} ${succeeded ? "succeeded" : "failed"}`, meta: { attempt, succeeded } };
}

async function after(context: RoleContext<Settings>) {
  const { service, attempts, settle, timeout } = context.config;
  await pause(settle, context.signal);
  const running = await succeeds(service.check, timeout, context.signal);
  // Decided here and stored in the message: the moderator sees messages only.
  const again = !running && countAttempts(context.messages) < attempts;
  return { content: `${service.name} ${running ? "runs" : "does not run"}`, meta: { running, again } };
}

function report({ messages, config: { service }, start }: RoleContext<Settings>) {
  const [first] = messages, last = messages.at(-1), attempts = countAttempts(messages);
  const why = start.prompt === "" ? "" : ` (asked because: ${start.prompt})`;
  if (last?.role === "after" && last.meta.running !== true) {
    throw new Error(`${service.name} does not run after ${attempts} attempts${why}`);
  }
  const meta = {
    service: service.name,
    dryRun: first?.meta.wouldRestart === true,
    attempts,
    running: last?.meta.running,
  };
  if (attempts > 0) return { content: `${service.name} runs after ${attempts} attempts${why}`, meta };
  if (!meta.dryRun) return { content: `${service.name} already runs: nothing was done${why}`, meta };
  return { content: `dry run: would run ${formatCommand(service.restart)}${why}`, meta };
}

function countAttempts(messages: readonly RunMessage[]): number {
  return messages.filter(({ role }) => role === "restart").length;
}

export default defineWorkflow({
  config: readSettings,
  roles: { before, restart, after, report },
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    switch (last?.role) {
      case undefined:
        return "before";
      case "before":
        return last.meta.restart === true ? "restart" : "report";
      case "restart":
        return "after";
      case "after":
        return last.meta.again === true ? "restart" : "report";
      default:
        return END;
    }
  },
});
