/**
 * The checks of nerve.yaml that concern several entries at once: names that must exist, reflexes that would feed
 * themselves, schedules that never fire, permissions that do more than they seem to. Pure; called by parse.ts.
 * What needs the disk is in check_folders.ts, what needs absolute paths in check_grants.ts.
 */
import { formatDuration } from "../base/duration.ts";
import { groupsMax, sensesMax, workflowsMax } from "../base/limits.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { findCronFault, findTimezoneFault } from "./cron.ts";
import { clipText, type ConfigPath, formatConfigPath, quote } from "./diagnostic.ts";
import type { ProblemList } from "./diagnostic_list.ts";
import { hintNearest } from "./did_you_mean.ts";
import type { Uncertainties } from "./error_recovery.ts";
import { groupMembers, type NerveConfig, permissionNames, type PermissionRequest, type SenseConfig } from "./types.ts";

/** False when there are too many entries for the other checks to be worth their time. */
export function checkCounts(config: NerveConfig, problems: ProblemList): boolean {
  const counts = [
    ["senses", config.senses.size, sensesMax],
    ["groups", config.groups.size, groupsMax],
    ["workflows", config.workflows.size, workflowsMax],
  ] as const;
  for (const [section, found, max] of counts) {
    if (found > max) problems.error([section], `${found} ${section} are too many: at most ${max}`, hintGroups(section));
  }
  return counts.every(([, found, max]) => found <= max);
}

function hintGroups(section: string): string | null {
  return section === "groups" ? "a sense without group is a group of its own: let several share one" : null;
}

/** Every check. `positions` are those of the reflexes in nerve.yaml, `doubts` what of it is not as its author meant it. */
export function checkConfig(
  config: NerveConfig,
  positions: readonly number[],
  problems: ProblemList,
  doubts: Uncertainties,
): void {
  checkReferences(config, positions, problems, doubts);
  checkCycles(config, positions, problems, doubts);
  checkIdle(config, positions, problems);
  for (const sense of config.senses.values()) checkLongCompute(sense, problems);
  for (const sense of config.senses.values()) warnOpenSandbox(sense.permissions, ["senses", sense.name], problems);
  for (const flow of config.workflows.values()) warnOpenSandbox(flow.permissions, ["workflows", flow.name], problems);
  for (const name of config.groups.keys()) checkGroup(config, name, problems);
}

/** Names that must exist, and schedules. */
function checkReferences(
  config: NerveConfig,
  positions: readonly number[],
  problems: ProblemList,
  doubts: Uncertainties,
): void {
  const checkSense = (name: string, path: ConfigPath) => {
    if (!doubts.senses) checkIsSense(config, name, path, problems);
  };
  config.reflexes.forEach((reflex, index) => {
    const path = ["reflexes", positions[index] ?? index];
    checkSense(reflex.sense, [...path, "sense"]);
    reflex.on.forEach((source, at) => {
      if (source === reflex.sense) problems.error([...path, "on", at], `${quote(source)} would trigger itself`);
      else checkSense(source, [...path, "on", at]);
    });
    const zone = reflex.timezone === null ? null : findTimezoneFault(reflex.timezone);
    if (zone !== null) problems.error([...path, "timezone"], zone.message, zone.hint);
    // A line that never fires takes 0.7 ms to find out: thousands of them must not hold up the kernel.
    const cron = reflex.cron === null || problems.full ? null : findCronFault(reflex.cron);
    if (cron !== null) problems.error([...path, "cron"], cron.message, cron.hint);
  });
  for (const { name, peers } of config.senses.values()) {
    if (peers === "all") continue;
    peers.forEach((peer, index) => {
      const path = ["senses", name, "peers", index];
      if (peer === name) problems.error(path, "a sense is not its own peer", "its own database is ctx.db");
      else checkSense(peer, path);
    });
  }
}

function checkIsSense(config: NerveConfig, name: string, path: ConfigPath, problems: ProblemList): void {
  if (config.senses.has(name)) return;
  if (config.workflows.has(name)) {
    problems.error(path, `${quote(name)} is a workflow, not a sense`, "a sense starts it by a workflow directive");
  } else problems.error(path, unknownText("sense", clipText(name)), () => hintNearest(name, config.senses.keys()));
}

/**
 * Senses that would wake each other without end. A throttle anywhere in the circle slows it down to something a person
 * may have wanted, so only senses without one count.
 */
function checkCycles(
  config: NerveConfig,
  positions: readonly number[],
  problems: ProblemList,
  { entries }: Uncertainties,
): void {
  const wakes = new Map<string, Map<string, ConfigPath>>();
  const unthrottled = (name: string) =>
    config.senses.get(name)?.throttleMs === null && !entries.has(formatConfigPath(["senses", name]));
  config.reflexes.forEach((reflex, index) => {
    reflex.on.forEach((source, at) => {
      if (source === reflex.sense || !unthrottled(source) || !unthrottled(reflex.sense)) return;
      const targets = wakes.get(source) ?? new Map<string, ConfigPath>();
      targets.set(reflex.sense, ["reflexes", positions[index] ?? index, "on", at]);
      wakes.set(source, targets);
    });
  });
  for (let circle = findCircle(wakes); circle !== null; circle = findCircle(wakes)) {
    const [first = "", second = ""] = circle;
    const path = wakes.get(first)?.get(second) ?? ["reflexes"];
    const round = [...circle, first].join(" -> ");
    problems.error(path, `senses wake each other without end: ${round}`, "give one of them a throttle");
    // One report for each sense at most: the file is fixed one circle at a time.
    for (const name of circle) wakes.delete(name);
  }
}

/** A circle of the graph, or null. Drops what cannot lie on one: after that, any walk must come back to itself. */
function findCircle(wakes: Map<string, Map<string, ConfigPath>>): string[] | null {
  for (let dropped = true; dropped;) {
    dropped = false;
    for (const [source, targets] of wakes) {
      for (const target of targets.keys()) if (!wakes.has(target)) targets.delete(target);
      if (targets.size === 0) dropped = wakes.delete(source);
    }
  }
  const walk: string[] = [];
  let at = wakes.keys().next().value;
  while (at !== undefined && !walk.includes(at)) {
    walk.push(at);
    at = wakes.get(at)?.keys().next().value;
  }
  return at === undefined ? null : walk.slice(walk.indexOf(at));
}

/** Entries that do nothing, and ticks that a throttle swallows. */
function checkIdle(config: NerveConfig, positions: readonly number[], problems: ProblemList): void {
  if (config.senses.size === 0) problems.warning([], "no sense is configured: there is nothing to do");
  const scheduled = new Set(config.reflexes.map((reflex) => reflex.sense));
  for (const name of config.senses.keys()) {
    if (!scheduled.has(name)) {
      problems.warning(["senses", name], "no reflex schedules it", `add { sense: ${name}, interval: 30s }`);
    }
  }
  const used = new Set([...config.senses.values()].map((sense) => sense.group));
  for (const name of config.groups.keys()) {
    if (!used.has(name)) problems.warning(["groups", name], "no sense is in this group", () => hintNearest(name, used));
  }
  config.reflexes.forEach(({ sense, intervalMs }, index) => {
    const throttleMs = config.senses.get(sense)?.throttleMs ?? null;
    if (intervalMs === null || throttleMs === null || intervalMs >= throttleMs) return;
    const message =
      `ticks come every ${formatDuration(intervalMs)}, but the throttle of ${sense} lets through one in ` +
      formatDuration(throttleMs);
    problems.warning(["reflexes", positions[index] ?? index, "interval"], message);
  });
}

const longComputeMs = 60 * 60_000;

function checkLongCompute(sense: SenseConfig, problems: ProblemList): void {
  const patience = sense.timeoutMs + sense.gracePeriodMs;
  if (patience <= longComputeMs) return;
  const message = `a compute that hangs holds its group for ${formatDuration(patience)}`;
  const key = sense.timeoutMs > sense.gracePeriodMs ? "timeout" : "grace_period";
  problems.warning(["senses", sense.name, key], message, "give it a timeout under 1h");
}

/** Grants after which the sandbox protects little. */
function warnOpenSandbox(request: PermissionRequest, path: ConfigPath, problems: ProblemList): void {
  for (const name of permissionNames) {
    const wanted = request[name];
    const at = [...path, "permissions", name];
    if (wanted === undefined) continue;
    if (name === "run") {
      problems.warning(
        at,
        "run opens the sandbox: a program runs with all that you may do",
        "keep it to programs that only report",
      );
    } else if (name === "write" && wanted === true) {
      problems.error(at, "write: true covers nerve.yaml, the log and the control socket", "name folders in a list");
    } else if (name === "ffi") problems.warning(at, "ffi opens the sandbox: native code is not confined");
    else if (wanted === true) problems.warning(at, `${name}: true opens the sandbox`, "name what is needed in a list");
  }
}

/** Senses of one group share their permissions: says who gains what, and from whom. */
function checkGroup(config: NerveConfig, group: string, problems: ProblemList): void {
  const members = groupMembers(config, group);
  const givers = members.filter((sense) => Object.keys(sense.permissions).length > 0);
  for (const sense of members) {
    const gains: string[] = [];
    for (const other of givers) {
      const gained = other === sense ? [] : findGains(sense.permissions, other.permissions);
      if (gained.length > 0) gains.push(`${formatList(gained)} from ${other.name}`);
    }
    if (gains.length === 0) continue;
    const message = `gains permissions through the group ${quote(group)}: ${formatList(gains)}`;
    problems.warning(["senses", sense.name], message, "a sense without group, or in another, keeps to its own");
  }
}

function findGains(own: PermissionRequest, other: PermissionRequest): string[] {
  return permissionNames.flatMap((name) => {
    const [have, wanted] = [own[name], other[name]];
    if (wanted === undefined || have === true) return [];
    if (wanted === true) return [`${name}: everything`];
    const values = wanted.filter((value) => !have?.includes(value));
    return values.length === 0 ? [] : [`${name} ${formatList(values)}`];
  });
}

const listedMax = 5;

function formatList(items: readonly string[]): string {
  const shown = items.slice(0, listedMax).join(", ");
  return items.length > listedMax ? `${shown} and ${items.length - listedMax} more` : shown;
}
