/**
 * The condition of disks by their own account (SMART), according to `smartctl`. It can start a workflow when something
 * has just gone wrong.
 */
import { defineSense, formatDuration, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { firstLine, runToEnd } from "../../lib/program.ts";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { readReport, type Report, standbyCode } from "./report.ts";
import { disks as rows } from "./schema.ts";

export interface Smart {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the disk; empty when `ok`. */
  readonly problems: readonly string[];
  /** In the order of the configuration. */
  readonly disks: readonly (Disk & { readonly wearPercent: number | null })[];
}

/** A disk as report.ts describes it; all numbers are null while the disk sleeps. */
export interface Disk extends Omit<Report, "faults" | "madeAt"> {
  /** As the configuration names it. */
  readonly disk: string;
  /** For a disk that sleeps, the problem of the last compute. */
  readonly problem: string | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<Smart>> {
  const last = readProblems(db, rows, rows.disk), ts = new Date();
  const asked = settings.devices.map((each) => askDisk(each, settings, signal));
  const read = settings.files.map((disk) => readFile(disk, settings, ts));
  const disks = (await Promise.all([...asked, ...read])).map((disk) =>
    disk.standby ? { ...disk, problem: last.get(disk.disk) ?? null } : disk
  );
  db.transaction((tx) => {
    tx.insert(rows).values(disks.map(({ model: _, ...disk }) => ({ ts, ...disk }))).run();
    prune(tx, rows, rows.ts, settings.keep);
  });
  const things = disks.map(({ disk, problem }) => ({ name: disk, problem }));
  // `wear` is the earlier name of `wearPercent`.
  const told = disks.map((disk) => ({ ...disk, wearPercent: disk.wear }));
  return tellEach({ disks: told }, { things, wereWrong: namesOfWrong(last), ...settings });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { devices, ...settings } = readConfig(config, {
    devices: option.list({ fallback: [], max: 32 }),
    files: option.list({ fallback: [], max: 32 }),
    timeout: option.duration("30s"),
    max_reallocated: option.number(0, { min: 0 }),
    max_pending: option.number(0, { min: 0 }),
    max_uncorrectable: option.number(0, { min: 0 }),
    max_wear: option.number(90, { min: 0 }),
    max_temperature: option.number(null, { min: 0 }),
    max_age: option.duration("26h"),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("180d"),
  });
  if (devices.length + settings.files.length === 0) throw new TypeError("config must name devices, or files");
  const wrong = settings.files.find((file) => !file.startsWith("/"));
  if (wrong !== undefined) throw new TypeError(`config.files must be absolute, not "${wrong}"`);
  return { ...settings, devices: devices.map(parseDevice) };
}

interface Device {
  readonly path: string;
  /** The argument of `smartctl -d`; null: smartctl detects it. */
  readonly type: string | null;
}

function parseDevice(text: string): Device {
  const [, path, type = null] = /^(\/dev\/[\w/.:@+-]+)(?: ([a-z][\w,+./:-]*))?$/.exec(text) ?? [];
  if (path === undefined) {
    throw new TypeError(`"${text.slice(0, 100)}" is not a device: write /dev/NAME, or /dev/NAME TYPE`);
  }
  return { path, type };
}

async function askDisk({ path, type }: Device, settings: Settings, signal: AbortSignal): Promise<Disk> {
  const how = type === null ? [] : ["-d", type];
  // A disk that sleeps stays asleep.
  const args = ["--json=c", "-n", `standby,${standbyCode}`, "-a", ...how, path];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  try {
    const { stdout, stderr, code } = await runToEnd({ name: "smartctl", args, env: { LC_ALL: "C.UTF-8" } }, limit);
    if (stdout.trim() === "") throw new Error(`smartctl prints nothing: ${firstLine(stderr) || `exit code ${code}`}`);
    return toDisk(path, readReport(stdout), settings);
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof DOMException && thrown.name === "TimeoutError")) throw thrown;
    return unknown(path, `does not answer within ${formatDuration(settings.timeout)}`);
  }
}

/** Reads a report that another program made, such as a timer of root. */
async function readFile(path: string, settings: Settings, ts: Date): Promise<Disk> {
  let report: Report;
  try {
    report = readReport(await Deno.readTextFile(path));
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml; a bad report of one disk must not hide the others.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return unknown(path, thrown instanceof Error ? thrown.message : String(thrown));
  }
  const age = report.madeAt === null ? 0 : ts.getTime() - report.madeAt;
  if (age <= settings.max_age) return toDisk(path, report, settings);
  return unknown(path, `the report is ${formatDuration(age - age % 60_000)} old`);
}

function unknown(disk: string, problem: string): Disk {
  const none = { healthy: null, reallocated: null, pending: null, uncorrectable: null, wear: null, celsius: null };
  return { disk, model: null, serial: null, standby: false, ...none, problem };
}

function toDisk(disk: string, { faults, madeAt: _, ...report }: Report, settings: Settings): Disk {
  const { reallocated, pending, uncorrectable, wear, celsius } = report;
  const over = (value: number | null, most: number | null, words: string) =>
    value !== null && most !== null && value > most ? [words] : [];
  const problems = [
    ...faults,
    ...over(reallocated, settings.max_reallocated, `${reallocated} sectors replaced`),
    ...over(pending, settings.max_pending, `${pending} sectors that cannot be read`),
    ...over(uncorrectable, settings.max_uncorrectable, `${uncorrectable} errors that could not be mended`),
    ...over(wear, settings.max_wear, `${wear} % worn`),
    ...over(celsius, settings.max_temperature, `${celsius} °C`),
  ];
  return { disk, ...report, problem: problems.length === 0 ? null : problems.join(", ") };
}
