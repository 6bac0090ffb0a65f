/**
 * Which packages of Debian or Ubuntu have updates, security updates above all, according to apt; whether its index is
 * fresh, and whether the machine needs a restart. It can start a workflow when a problem begins.
 */
import { desc } from "drizzle-orm";
import {
  defineSense,
  formatDuration,
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
} from "nerve";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { readIndexTime, readReboot, simulate, type Update } from "./apt.ts";
import { checks } from "./schema.ts";

export interface PackageUpdates {
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  /** How many packages would be upgraded, and how many of them for security. */
  readonly updates: number;
  readonly security: number;
  /** Packages on hold that have an update; the list has the first 50. */
  readonly held: readonly Update[];
  /** Upgrades that need more changes than are allowed, and those that this machine will get later. */
  readonly keptBack: number;
  readonly phased: number;
  /** The first 50 of `updates`, those for security first. */
  readonly packages: readonly Update[];
  /** When apt last fetched its index; null when it has none. */
  readonly indexAt: string | null;
  /** Null: no restart is required. Else the packages that require it. */
  readonly reboot: readonly string[] | null;
}

const packagesMax = 50;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<PackageUpdates>> {
  const found = await look(settings, AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]));
  signal.throwIfAborted();
  const wasOk = db.select({ ok: checks.ok }).from(checks).orderBy(desc(checks.id)).limit(1).get()?.ok ?? true;
  store(db, found, settings.keep);
  return tell(found, { ...settings, wasOk, news: findNews("packages", wasOk, found.problems) });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  return readConfig(config, {
    max_security: option.number(0, { min: 0 }),
    max_updates: option.number(null, { min: 0 }),
    max_index_age: option.duration("2d"),
    reboot: option.flag(true),
    timeout: option.duration("2m"),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("90d"),
  });
}

async function look(settings: Settings, signal: AbortSignal): Promise<PackageUpdates> {
  const indexAt = await readIndexTime(), reboot = await readReboot();
  const { updates, keptBack, phased } = await simulate(false, signal);
  // Packages on hold are those that are upgraded only when holds are ignored.
  const all = keptBack.length === 0 ? updates : (await simulate(true, signal)).updates;
  const held = all.filter(({ name }) => keptBack.includes(name));
  const security = updates.filter((each) => each.security);
  const problems = findProblems(settings, { indexAt, reboot, security, updates: updates.length, held });
  return {
    ok: problems.length === 0,
    problems,
    updates: updates.length,
    security: security.length,
    held: held.slice(0, packagesMax),
    keptBack: keptBack.length - held.length,
    phased: phased.length,
    packages: [...security, ...updates.filter((each) => !each.security)].slice(0, packagesMax),
    indexAt: indexAt?.toISOString() ?? null,
    reboot: reboot?.slice(0, packagesMax) ?? null,
  };
}

interface Facts {
  readonly indexAt: Date | null;
  readonly reboot: readonly string[] | null;
  readonly security: readonly Update[];
  readonly updates: number;
  readonly held: readonly Update[];
}

function findProblems(settings: Settings, { indexAt, reboot, security, updates, held }: Facts): string[] {
  const { max_security, max_updates, max_index_age } = settings, problems: string[] = [];
  const named = (list: readonly Update[]) =>
    `${list.slice(0, 3).map(({ name }) => name).join(", ")}${list.length > 3 ? ", ..." : ""}`;
  if (security.length > max_security) problems.push(`${security.length} security updates: ${named(security)}`);
  const heldSecurity = held.filter((each) => each.security);
  if (heldSecurity.length > max_security) {
    problems.push(`${heldSecurity.length} security updates are held: ${named(heldSecurity)}`);
  }
  if (max_updates !== null && updates > max_updates) problems.push(`${updates} updates, more than ${max_updates}`);
  // Without a fresh index, "no updates" means nothing.
  if (indexAt === null) problems.push("apt has no index: apt-get update was never run");
  else if (Date.now() - indexAt.getTime() > max_index_age) {
    const age = formatDuration(Math.round((Date.now() - indexAt.getTime()) / 60_000) * 60_000);
    problems.push(`the index of apt is ${age} old: apt-get update does not run`);
  }
  if (settings.reboot && reboot !== null) {
    problems.push(`a restart is wanted${reboot.length === 0 ? "" : ` by ${reboot.slice(0, 5).join(", ")}`}`);
  }
  return problems;
}

function store(db: SenseDatabase, { ok, problems, updates, security, held }: PackageUpdates, keep: number): void {
  const row = { ts: new Date(), ok, updates, security, held: held.length, problems: [...problems] };
  db.insert(checks).values(row).run();
  prune(db, checks, checks.ts, keep);
}
