/**
 * The checks of nerve.yaml between entries: names that must exist, reflexes that trigger each other in a loop,
 * schedules that never fire, permissions that grant more than they seem to. Pure; called by parse.ts. check_folders.ts
 * has the checks that read the disk, permissions/check_grants.ts those that need absolute paths.
 */
import { formatDuration } from "../base/duration.ts";
import { alertsMax } from "../base/alert_limits.ts";
import { enginesMax } from "../base/engine_limits.ts";
import { hooksMax } from "../base/hook_limits.ts";
import { groupsMax, promptMaxBytes, sensesMax, workflowsMax } from "../base/limits.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { byteLength } from "../protocol/json.ts";
import { findCronFault, findTimezoneFault } from "./cron.ts";
import { clipText, type ConfigPath, formatConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import { localEngine } from "./engine_entries.ts";
import { findNearest, hintNearest } from "../base/did_you_mean.ts";
import type { Uncertainties } from "./error_recovery.ts";
import { groupMembers, type NerveConfig, permissionNames, type PermissionRequest, type SenseConfig } from "./types.ts";

/** False when there are so many entries that the other checks would take too long. */
export function checkCounts(config: NerveConfig, diagnostics: DiagnosticList): boolean {
  const counts = [
    ["senses", config.senses.size, sensesMax],
    ["groups", config.groups.size, groupsMax],
    ["workflows", config.workflows.size, workflowsMax],
    ["alerts", config.alerts.size, alertsMax],
    ["hooks", config.hooks.size, hooksMax],
    ["engines", config.engines.size, enginesMax],
  ] as const;
  for (const [section, found, max] of counts) {
    if (found > max) {
      diagnostics.error([section], `${found} ${section} are too many: at most ${max}`, hintGroups(section));
    }
  }
  return counts.every(([, found, max]) => found <= max);
}

function hintGroups(section: string): string | null {
  return section === "groups" ? "a sense without a group has one of its own: let several senses share a group" : null;
}

/** Runs every check. `positions`: those of the reflexes in nerve.yaml; `uncertainties`: what no check may rely on. */
export function checkConfig(
  config: NerveConfig,
  positions: readonly number[],
  diagnostics: DiagnosticList,
  uncertainties: Uncertainties,
): void {
  checkReferences(config, positions, diagnostics, uncertainties);
  checkCycles(config, positions, diagnostics, uncertainties);
  checkIdle(config, positions, diagnostics);
  for (const sense of config.senses.values()) checkLongCompute(sense, diagnostics);
  for (const sense of config.senses.values()) warnOpenSandbox(sense.permissions, ["senses", sense.name], diagnostics);
  for (const flow of config.workflows.values()) {
    warnOpenSandbox(flow.permissions, ["workflows", flow.name], diagnostics);
  }
  for (const name of config.groups.keys()) checkGroup(config, name, diagnostics);
}

/** Checks schedules, and that the names in references exist. */
function checkReferences(
  config: NerveConfig,
  positions: readonly number[],
  diagnostics: DiagnosticList,
  uncertainties: Uncertainties,
): void {
  const checkSense = (name: string, path: ConfigPath) => {
    if (!uncertainties.senses) checkIsSense(config, name, path, diagnostics);
  };
  config.reflexes.forEach((reflex, index) => {
    const path = ["reflexes", positions[index] ?? index];
    checkSense(reflex.sense, [...path, "sense"]);
    reflex.on.forEach((source, at) => {
      if (source === reflex.sense) {
        diagnostics.error([...path, "on", at], `sense ${quote(source)} would trigger itself`);
      } else if (!config.alerts.has(source)) checkSense(source, [...path, "on", at]);
    });
    checkClock(reflex, path, diagnostics);
  });
  for (const { name, engine } of config.workflows.values()) {
    if (engine === null || config.engines.has(engine)) continue;
    const hint = () =>
      engine === localEngine
        ? "leave the key out: runs are kept by the local engine unless it names another one"
        : hintNearest(engine, config.engines.keys()) ?? "describe it under engines (docs/engines.md)";
    diagnostics.error(["workflows", name, "engine"], `there is no engine ${quote(engine)}`, hint);
  }
  for (const { name, schedule } of config.workflows.values()) {
    schedule.forEach((line, index) => {
      const path = ["workflows", name, "schedule", index];
      checkClock(line, path, diagnostics);
      if (byteLength(line.prompt) > promptMaxBytes) {
        diagnostics.error([...path, "prompt"], `is larger than ${promptMaxBytes} bytes`);
      }
    });
  }
  const { notify } = config.approvals;
  if (notify !== null && !config.workflows.has(notify)) {
    const text = unknownText("workflow", clipText(notify));
    diagnostics.error(["approvals", "notify"], text, () => hintNearest(notify, config.workflows.keys()));
  }
  for (const [section, units] of [["senses", config.senses], ["workflows", config.workflows]] as const) {
    for (const { name, peers } of units.values()) {
      if (peers === "all") continue;
      peers.forEach((peer, index) => {
        const path = [section, name, "peers", index], isSelf = section === "senses" && peer === name;
        if (isSelf) diagnostics.error(path, "a sense cannot be its own peer", "its own database is ctx.db");
        else checkSense(peer, path);
      });
    }
  }
}

function checkClock(
  { cron, timezone }: { readonly cron: string | null; readonly timezone: string | null },
  path: ConfigPath,
  diagnostics: DiagnosticList,
): void {
  const zone = timezone === null ? null : findTimezoneFault(timezone);
  if (zone !== null) diagnostics.error([...path, "timezone"], zone.message, zone.hint);
  // Detecting a line that never fires takes 0.7 ms: thousands of them must not block the kernel.
  const fault = cron === null || cron === "" || diagnostics.full ? null : findCronFault(cron);
  if (fault !== null) diagnostics.error([...path, "cron"], fault.message, fault.hint);
}

function checkIsSense(config: NerveConfig, name: string, path: ConfigPath, diagnostics: DiagnosticList): void {
  if (config.senses.has(name)) return;
  if (config.workflows.has(name)) {
    diagnostics.error(path, `${quote(name)} is a workflow, not a sense`, "a sense starts it with a workflow directive");
  } else diagnostics.error(path, unknownText("sense", clipText(name)), () => hintNearest(name, config.senses.keys()));
}

/**
 * Reports senses that would trigger each other endlessly, directly or through an alert. A throttle in the cycle slows
 * it down to something the author may have wanted, so only senses without a throttle count.
 */
function checkCycles(
  config: NerveConfig,
  positions: readonly number[],
  diagnostics: DiagnosticList,
  { entries }: Uncertainties,
): void {
  const triggers = new Map<string, Map<string, ConfigPath>>();
  const unthrottled = (name: string) =>
    config.alerts.has(name) ||
    config.senses.get(name)?.throttleMs === null && !entries.has(formatConfigPath(["senses", name]));
  config.reflexes.forEach((reflex, index) => {
    reflex.on.forEach((source, at) => {
      if (source === reflex.sense || !unthrottled(source) || !unthrottled(reflex.sense)) return;
      const targets = triggers.get(source) ?? new Map<string, ConfigPath>();
      targets.set(reflex.sense, ["reflexes", positions[index] ?? index, "on", at]);
      triggers.set(source, targets);
    });
  });
  for (const { name, sense } of config.alerts.values()) {
    if (config.senses.has(name) || !unthrottled(sense)) continue;
    const targets = triggers.get(sense) ?? new Map<string, ConfigPath>();
    triggers.set(sense, targets.set(name, ["alerts", name, "sense"]));
  }
  for (let cycle = findCycle(triggers); cycle !== null; cycle = findCycle(triggers)) {
    const [first = "", second = ""] = cycle;
    const path = triggers.get(first)?.get(second) ?? ["reflexes"];
    const chain = [...cycle, first].join(" -> ");
    diagnostics.error(path, `senses trigger each other endlessly: ${chain}`, "give one of them a throttle");
    // At most one report per sense: the author fixes one cycle at a time.
    for (const name of cycle) triggers.delete(name);
  }
}

/** A cycle of the graph, or null. Drops nodes outside any cycle first: after that, every walk returns to itself. */
function findCycle(triggers: Map<string, Map<string, ConfigPath>>): string[] | null {
  for (let dropped = true; dropped;) {
    dropped = false;
    for (const [source, targets] of triggers) {
      for (const target of targets.keys()) if (!triggers.has(target)) targets.delete(target);
      if (targets.size === 0) dropped = triggers.delete(source);
    }
  }
  const walk: string[] = [];
  let at = triggers.keys().next().value;
  while (at !== undefined && !walk.includes(at)) {
    walk.push(at);
    at = triggers.get(at)?.keys().next().value;
  }
  return at === undefined ? null : walk.slice(walk.indexOf(at));
}

/** Warns of entries without any effect, and of ticks that a throttle suppresses. */
function checkIdle(config: NerveConfig, positions: readonly number[], diagnostics: DiagnosticList): void {
  if (config.senses.size + config.workflows.size === 0) {
    diagnostics.warning([], "no sense and no workflow is configured, so nothing will run");
  }
  const scheduled = new Set(config.reflexes.map((reflex) => reflex.sense));
  for (const name of config.senses.keys()) {
    if (!scheduled.has(name)) {
      diagnostics.warning(["senses", name], "no reflex schedules it", `add { sense: ${name}, interval: 30s }`);
    }
  }
  const used = new Set([...config.senses.values()].map((sense) => sense.group));
  for (const name of config.groups.keys()) {
    if (!used.has(name)) {
      diagnostics.warning(["groups", name], "no sense is in this group", () => hintGroup(name, used));
    }
  }
  config.reflexes.forEach(({ sense, intervalMs }, index) => {
    const throttleMs = config.senses.get(sense)?.throttleMs ?? null;
    if (intervalMs === null || throttleMs === null || intervalMs >= throttleMs) return;
    const message = `ticks come every ${formatDuration(intervalMs)}, but the throttle of ${sense} allows one in ` +
      formatDuration(throttleMs);
    diagnostics.warning(["reflexes", positions[index] ?? index, "interval"], message);
  });
}

/** A group without a sense is not necessarily misspelt: suggests a name only if a similar one is in use. */
function hintGroup(name: string, used: Iterable<string>): string | null {
  const near = findNearest(name, used);
  return near === null ? null : `did you mean "${near}"?`;
}

const longComputeMs = 60 * 60_000;

function checkLongCompute(sense: SenseConfig, diagnostics: DiagnosticList): void {
  const totalMs = sense.timeoutMs + sense.gracePeriodMs;
  if (totalMs <= longComputeMs) return;
  const message = `a compute that hangs blocks its group for ${formatDuration(totalMs)}`;
  const key = sense.timeoutMs > sense.gracePeriodMs ? "timeout" : "grace_period";
  diagnostics.warning(["senses", sense.name, key], message, "give it a timeout under 1h");
}

/** Reports grants that leave the sandbox little effect. */
function warnOpenSandbox(request: PermissionRequest, path: ConfigPath, diagnostics: DiagnosticList): void {
  for (const name of permissionNames) {
    const wanted = request[name];
    const at = [...path, "permissions", name];
    if (wanted === undefined) continue;
    if (name === "write" && wanted === true) {
      diagnostics.error(at, "write: true covers nerve.yaml, the log and the control socket", "list folders instead");
    } else if (name === "ffi") {
      diagnostics.warning(at, "ffi opens the sandbox: Deno's permissions do not hold native code");
    } else if (wanted === true) diagnostics.warning(at, `${name}: true opens the sandbox`, "list only what is needed");
  }
  if (request.unconfined !== true) return;
  diagnostics.warning(
    [...path, "permissions", "unconfined"],
    "unconfined opens the sandbox: its programs and libraries may do all that you may",
    "leave it out, and grant what its programs read, write and connect to",
  );
}

/** Senses of one group share their permissions: warns which sense gains which permissions, and from which sense. */
function checkGroup(config: NerveConfig, group: string, diagnostics: DiagnosticList): void {
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
    diagnostics.warning(
      ["senses", sense.name],
      message,
      "a sense without a group, or in another one, has only its own permissions",
    );
  }
}

function findGains(own: PermissionRequest, other: PermissionRequest): string[] {
  const opened = other.unconfined === true && own.unconfined !== true ? ["unconfined"] : [];
  const gained = permissionNames.flatMap((name) => {
    const [have, wanted] = [own[name], other[name]];
    if (wanted === undefined || have === true) return [];
    if (wanted === true) return [`${name}: everything`];
    const values = wanted.filter((value) => !have?.includes(value));
    return values.length === 0 ? [] : [`${name} ${formatList(values)}`];
  });
  return [...gained, ...opened];
}

const listedMax = 5;

function formatList(items: readonly string[]): string {
  const shown = items.slice(0, listedMax).join(", ");
  return items.length > listedMax ? `${shown} and ${items.length - listedMax} more` : shown;
}
