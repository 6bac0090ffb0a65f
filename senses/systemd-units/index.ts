/**
 * Finds failures in systemd: of all units, or of named ones that must be active. It can start a workflow when a unit
 * has just failed.
 */
import { and, eq, min } from "drizzle-orm";
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
import { findRestarts, type LastSeen, readLastSeen } from "../../lib/restarts.ts";
import { tellEach, type Told } from "../../lib/tell.ts";
import { checks, units as rows } from "./schema.ts";
import { isPattern, matchesUnit, readUnits, toUnitName, type Unit } from "./show.ts";

export interface SystemdUnits {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the unit's name; empty when `ok`. */
  readonly problems: readonly string[];
  /** How many units were checked. */
  readonly count: number;
  /** The named units, else those with a problem; at most 200. */
  readonly units: readonly UnitState[];
}

export interface UnitState {
  readonly unit: string;
  /** `ACTIVE (SUB)`, in systemd's words, such as `active (running)`. */
  readonly state: string;
  /** How often systemd has restarted it automatically since it was last started by hand. */
  readonly restarts: number;
  readonly problem: string | null;
}

const toldMax = 200;
/** Units that may take too long to start. Devices and the like may stay `activating` for ever without any fault. */
const timed = /\.(?:service|mount|swap)$/;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<SystemdUnits>> {
  const { wanted } = settings;
  const found = await readUnits(wanted.length > 0 ? wanted : ["*"], settings.user, signal);
  const counted = found.filter((unit) => !settings.ignored.some((pattern) => matchesUnit(pattern, unit)));
  const last = readLastSeen(db, checks, rows, rows.unit), ts = new Date();
  const missing = wanted.filter((name) => !counted.some((unit) => matchesUnit(name, unit)));
  const judged = [
    ...counted.map((unit) => ({ ...toState(unit, findProblem(db, unit, settings, last, ts)), since: unit.since })),
    ...missing.map((unit) => ({ unit, state: "missing", restarts: 0, problem: "no unit has such a name", since: "0" })),
  ];
  const kept = judged.filter(({ unit, problem, restarts, state }) =>
    wanted.length > 0 || problem !== null || restarts > 0 || (timed.test(unit) && state.startsWith("activating"))
  );
  const things = judged.map(({ unit, problem }) => ({ name: unit, problem }));
  db.transaction((tx) => {
    tx.insert(checks).values({
      ts,
      count: counted.length,
      problems: things.filter(({ problem }) => problem !== null).length,
    }).run();
    for (const row of kept) tx.insert(rows).values({ ts, ...row }).run();
    prune(tx, checks, checks.ts, settings.keep);
    prune(tx, rows, rows.ts, settings.keep);
  });
  const told = wanted.length > 0 ? judged : judged.filter(({ problem }) => problem !== null);
  const units = told.slice(0, toldMax).map(({ since: _, ...state }) => state);
  return tellEach({ count: counted.length, units }, { things, wereWrong: last.wrong, ...settings });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { units, ignore, ...settings } = readConfig(config, {
    units: option.list({ fallback: [], max: 100 }),
    ignore: option.list({ fallback: [], max: 100 }),
    user: option.flag(false),
    max_restarts: option.number(3, { min: 1 }),
    max_activating: option.duration("5m"),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  return { ...settings, wanted: units.map(toUnitName), ignored: ignore.map(toUnitName) };
}

function toState({ name, active, sub, restarts }: Unit, problem: string | null): UnitState {
  return { unit: name, state: `${active} (${sub})`, restarts, problem };
}

function findProblem(db: SenseDatabase, unit: Unit, settings: Settings, last: LastSeen, ts: Date): string | null {
  const isNamed = settings.wanted.some((name) => !isPattern(name) && matchesUnit(name, unit));
  return findLoadProblem(unit, isNamed) ?? findRunProblem(unit, isNamed) ??
    findRestarts(unit, settings.max_restarts, last) ??
    findDelay(db, unit, settings, ts);
}

function findLoadProblem({ load, loadError }: Unit, isNamed: boolean): string | null {
  if (load === "error" || load === "bad-setting") {
    return `its unit file is not valid${loadError === null ? "" : `: ${loadError}`}`;
  }
  // Units refer to others that are not installed, which is not a fault.
  if (!isNamed) return null;
  if (load === "not-found") return "no unit has such a name";
  return load === "masked" ? "is masked" : null;
}

function findRunProblem(
  { active, sub, result, exitStatus, restarts, endsByItself }: Unit,
  isNamed: boolean,
): string | null {
  const why = [
    result === "success" ? "" : result,
    exitStatus === null || exitStatus === 0 ? "" : `status ${exitStatus}`,
  ]
    .filter((each) => each !== "").join(", ");
  if (active === "failed") return why === "" ? "has failed" : `has failed (${why})`;
  // systemd does not report it as failed while it tries again.
  if (sub.startsWith("auto-restart")) {
    return `has failed${why === "" ? "" : ` (${why})`} and is started again, ${restarts} times until now`;
  }
  if (!isNamed || active !== "inactive") return null;
  return endsByItself && (result === "" || result === "success")
    ? null
    : `is not active${why === "" ? "" : ` (${why})`}`;
}

function findDelay(db: SenseDatabase, unit: Unit, { max_activating }: Settings, ts: Date): string | null {
  if (unit.active !== "activating" || !timed.test(unit.name)) return null;
  const seen = db.select({ ts: min(rows.ts) }).from(rows).where(
    and(eq(rows.unit, unit.name), eq(rows.since, unit.since)),
  ).get();
  const age = seen?.ts == null ? 0 : ts.getTime() - seen.ts.getTime();
  return age >= max_activating ? `has been activating for ${formatDuration(age - age % 1_000)}` : null;
}
