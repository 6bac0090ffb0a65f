/**
 * Reads the temperatures that Linux reports in hwmon/ and thermal/. Used by index.ts.
 * I1. A sensor keeps its name when the machine is restarted: the numbers of hwmonN and thermal_zoneN change then, so it
 *     is named after its chip and label, and chips with the same name are distinguished by where they are connected.
 * I2. A value that cannot be a temperature is ignored: chips report 0, -128 or 3,892,314 degrees where nothing is
 *     connected.
 */
import { listSystemFolder, readSystemFile } from "nerve";

export interface Sensor {
  /** `CHIP/LABEL`. */
  readonly name: string;
  /** Further names that a setting may use: without the part that distinguishes two chips of the same name. */
  readonly aliases: readonly string[];
  /** Null when it reports nothing that could be true. */
  readonly celsius: number | null;
  /** The chip's own limits: above them it is hot, or critical. */
  readonly max: number | null;
  readonly critical: number | null;
}

interface Folder {
  list(path: string): Promise<string[]>;
  read(path: string): Promise<string>;
}

const system: Folder = { list: listSystemFolder, read: readSystemFile };
/** Files of another place, such as the host's /sys in a container. */
const plain: Folder = {
  list: async (path) => (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort(),
  read: (path) => Deno.readTextFile(path),
};

/** Readings between these, exclusively, are accepted; 127 and 255 degrees are 8-bit values without a sensor. */
const lowest = -60, highest = 127;
/** Plausible limits; drivers report 0, -273 or 65,262 degrees where a chip has none. */
const limitMin = 20, limitMax = 150;
const sensorsMax = 500;

/** Whether a sensor with these names is read: reading one may wake a disk. */
export type Counts = (names: readonly string[]) => boolean;

/** The sensors below `root` that count, sorted by name. Missing folders contain none. */
export async function readSensors(root: string, counts: Counts): Promise<Sensor[]> {
  const folder = root.startsWith("/sys/") ? system : plain;
  const chips = nameChips(await readChips(folder, `${root}/hwmon`));
  const sensors = [];
  for (const chip of chips) sensors.push(...await readChip(folder, chip, counts));
  // The kernel shows most zones as chips, too, under the zone's type with _ for -.
  const known = new Set(chips.map(({ plainName }) => plainName));
  const isNew = (type: string) => !known.has(type.replaceAll("-", "_")) && counts([`thermal/${type}`]);
  sensors.push(...await readZones(folder, `${root}/thermal`, isNew));
  return distinct(sensors).slice(0, sensorsMax).sort((a, b) => a.name < b.name ? -1 : 1);
}

interface Chip {
  readonly path: string;
  readonly files: readonly string[];
  readonly plainName: string;
  readonly name: string;
}

async function readChips(folder: Folder, path: string): Promise<Omit<Chip, "name">[]> {
  const chips = [];
  for (const name of sortByNumber(await listOrNone(folder, path)).filter((each) => /^hwmon\d+$/.test(each))) {
    // Old drivers keep their files in the device's folder.
    for (const place of [`${path}/${name}`, `${path}/${name}/device`]) {
      const files = await listOrNone(folder, place);
      if (!files.some((file) => /^temp\d+_input$/.test(file))) continue;
      const plainName = await readText(folder, `${place}/name`) ?? await readText(folder, `${path}/${name}/name`);
      chips.push({ path: place, files, plainName: plainName ?? "chip", place: await findPlace(folder, place) });
      break;
    }
  }
  return chips;
}

function nameChips(chips: readonly (Omit<Chip, "name"> & { place?: string | null })[]): Chip[] {
  const counts = Map.groupBy(chips, ({ plainName }) => plainName);
  return chips.map((chip) => {
    const alike = counts.get(chip.plainName) ?? [];
    if (alike.length === 1) return { ...chip, name: chip.plainName };
    const isUnique = chip.place != null && alike.filter(({ place }) => place === chip.place).length === 1;
    return { ...chip, name: `${chip.plainName}(${isUnique ? chip.place : alike.indexOf(chip) + 1})` };
  });
}

/** Where a chip's device is connected, in stable terms: its address on the bus, or the disk's identity. */
async function findPlace(folder: Folder, path: string): Promise<string | null> {
  const device = `${path}/device`, files = await listOrNone(folder, device);
  for (const name of ["address", "wwid", "serial"]) {
    const text = files.includes(name) ? await readText(folder, `${device}/${name}`) : null;
    if (text !== null) return text;
  }
  const events = files.includes("uevent") ? await readText(folder, `${device}/uevent`) : null;
  return /^(?:PCI_SLOT_NAME|OF_FULLNAME)=(.+)$/m.exec(events ?? "")?.[1] ?? null;
}

async function readChip(folder: Folder, { path, files, plainName, name }: Chip, counts: Counts): Promise<Sensor[]> {
  const sensors = [];
  for (const file of sortByNumber(files.filter((each) => /^temp\d+_input$/.test(each)))) {
    const base = file.replace(/_input$/, "");
    const read = (what: string) =>
      files.includes(`${base}_${what}`) ? readText(folder, `${path}/${base}_${what}`) : null;
    const label = await read("label") ?? base;
    const names = { name: `${name}/${label}`, aliases: [`${plainName}/${label}`] };
    if (!counts([names.name, ...names.aliases])) continue;
    const isOff = await read("fault") === "1" || await read("enable") === "0";
    sensors.push({
      ...names,
      celsius: isOff ? null : toReading(await read("input")),
      max: toLimit(await read("max")),
      critical: toLimit(await read("crit")),
    });
  }
  return sensors;
}

async function readZones(folder: Folder, path: string, isNew: (type: string) => boolean): Promise<Sensor[]> {
  const sensors = [];
  for (const name of sortByNumber(await listOrNone(folder, path)).filter((each) => /^thermal_zone\d+$/.test(each))) {
    const zone = `${path}/${name}`, type = await readText(folder, `${zone}/type`) ?? name;
    if (!isNew(type)) continue;
    const files = await listOrNone(folder, zone), critical = [];
    for (const file of files.filter((each) => /^trip_point_\d+_type$/.test(each))) {
      if (await readText(folder, `${zone}/${file}`) !== "critical") continue;
      critical.push(toLimit(await readText(folder, `${zone}/${file.replace(/type$/, "temp")}`)));
    }
    const celsius = toReading(await readText(folder, `${zone}/temp`));
    const limits = critical.filter((each) => each !== null);
    const lowestLimit = limits.length === 0 ? null : Math.min(...limits);
    sensors.push({ name: `thermal/${type}`, aliases: [], celsius, max: null, critical: lowestLimit });
  }
  return sensors;
}

/** Two sensors of one chip may have the same label, and two zones the same type. */
function distinct(sensors: readonly Sensor[]): Sensor[] {
  const seen = new Map<string, number>();
  return sensors.map((sensor) => {
    const count = (seen.get(sensor.name) ?? 0) + 1;
    seen.set(sensor.name, count);
    return count === 1
      ? sensor
      : { ...sensor, name: `${sensor.name} ${count}`, aliases: [...sensor.aliases, sensor.name] };
  });
}

function toReading(text: string | null): number | null {
  const celsius = toCelsius(text);
  return celsius !== null && celsius !== 0 && celsius > lowest && celsius < highest ? celsius : null;
}

function toLimit(text: string | null): number | null {
  const celsius = toCelsius(text);
  return celsius !== null && celsius >= limitMin && celsius <= limitMax ? celsius : null;
}

/** The files contain thousandths of a degree. */
function toCelsius(text: string | null): number | null {
  return text !== null && /^-?\d{1,15}$/.test(text) ? Math.round(Number(text) / 100) / 10 : null;
}

/** Null when the driver has no value: EIO, ENODATA, EAGAIN and others, while a device sleeps or is gone. */
async function readText(folder: Folder, path: string): Promise<string | null> {
  try {
    return (await folder.read(path)).trim() || null;
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not a broken sensor.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return null;
  }
}

async function listOrNone(folder: Folder, path: string): Promise<string[]> {
  try {
    return await folder.list(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    if (!(thrown instanceof Deno.errors.PermissionDenied)) return [];
    throw new Error(`${path} is closed: grant read of where it leads, too, such as /sys/devices`, { cause: thrown });
  }
}

function sortByNumber(names: readonly string[]): string[] {
  const numberOf = (name: string) => Number(/\d+/.exec(name)?.[0] ?? 0);
  return [...names].sort((a, b) => numberOf(a) - numberOf(b));
}
