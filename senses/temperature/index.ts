/**
 * The temperatures that Linux reports, in degrees Celsius. It can start a workflow when one has just become too high,
 * or a named sensor reports nothing.
 */
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { toFilter, toMatcher } from "../../lib/wildcard.ts";
import { readings } from "./schema.ts";
import { readSensors, type Sensor } from "./sensors.ts";

export interface Temperature {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the sensor's name; empty when `ok`. */
  readonly problems: readonly string[];
  /** The hottest sensor's name; null when none reports a temperature. */
  readonly hottest: string | null;
  /** Sorted by name. */
  readonly sensors: readonly ToldReading[];
}

interface Reading {
  readonly sensor: string;
  /** Null when the sensor reports nothing that could be true. */
  readonly celsius: number | null;
  /** From this temperature on it is too hot; null when neither the configuration nor the chip has a limit. */
  readonly limit: number | null;
  readonly problem: string | null;
}

/** `limit` is the earlier name of `limitCelsius`. */
export interface ToldReading extends Reading {
  readonly limitCelsius: number | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, config: settings }: SenseContext<Settings>): Promise<Told<Temperature>> {
  const all = await readSensors(settings.folder, settings.counts);
  if (all.length === 0 && settings.wanted.length === 0) {
    throw new Error(
      `${settings.folder} holds no temperature sensor: a virtual machine has none, and a real one may lack the driver`,
    );
  }
  const wereWrong = namesOfWrong(readProblems(db, readings, readings.sensor));
  const sensors = judge(all, settings, wereWrong), ts = new Date();
  db.transaction((tx) => {
    if (sensors.length > 0) tx.insert(readings).values(sensors.map((each) => ({ ts, ...each }))).run();
    prune(tx, readings, readings.ts, settings.keep);
  });
  const things = sensors.map(({ sensor, problem }) => ({ name: sensor, problem }));
  const hottest = sensors.reduce<Reading | null>(
    (best, each) => each.celsius !== null && each.celsius > (best?.celsius ?? -Infinity) ? each : best,
    null,
  );
  const told = sensors.map((each) => ({ ...each, limitCelsius: each.limit }));
  return tellEach({ hottest: hottest?.sensor ?? null, sensors: told }, { things, wereWrong, ...settings });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { sensors, ignore, ...settings } = readConfig(config, {
    folder: option.text("/sys/class"),
    sensors: option.list({ fallback: [], max: 100 }),
    ignore: option.list({ fallback: [], max: 100 }),
    max: option.number(null, { min: -60, max: 150 }),
    own_limits: option.flag(true),
    margin: option.number(5, { min: 0, max: 50 }),
    hysteresis: option.number(3, { min: 0, max: 50 }),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("7d"),
  });
  if (!settings.folder.startsWith("/")) throw new TypeError(`config.folder must be absolute, not "${settings.folder}"`);
  const wanted = sensors.map((text) => ({ text, matches: toMatcher(text) })), counts = toFilter(sensors, ignore);
  return { ...settings, wanted, counts };
}

/** Includes sensors that are named and missing. */
function judge(all: readonly Sensor[], settings: Settings, wereWrong: ReadonlySet<string>): Reading[] {
  const missing = settings.wanted.filter(({ matches }) =>
    !all.some(({ name, aliases }) => matches([name, ...aliases]))
  );
  return [
    ...all.map((sensor) => judgeOne(sensor, settings, wereWrong.has(sensor.name))),
    ...missing.map(({ text }) => ({ sensor: text, celsius: null, limit: null, problem: "there is no such sensor" })),
  ];
}

function judgeOne(sensor: Sensor, settings: Settings, wasWrong: boolean): Reading {
  const { celsius } = sensor, limit = findLimit(sensor, settings);
  // A hot sensor must become clearly cooler: else a temperature around the limit would be reported repeatedly.
  const until = limit !== null && wasWrong ? limit - settings.hysteresis : limit;
  const isHot = celsius !== null && until !== null && celsius >= until;
  const unread = settings.wanted.length > 0 && celsius === null ? "tells no temperature" : null;
  return { sensor: sensor.name, celsius, limit, problem: isHot ? `${celsius} °C, limit ${limit} °C` : unread };
}

function findLimit({ max, critical }: Sensor, settings: Settings): number | null {
  const own = critical !== null ? critical - settings.margin : max;
  const limits = [settings.max, settings.own_limits ? own : null].filter((each) => each !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
