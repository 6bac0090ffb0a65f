/**
 * Reads what `smartctl --json` prints about a disk: ATA, NVMe and SCSI report the same facts in different places. Used
 * by index.ts. It follows the documentation of smartctl 7; other versions leave keys out, so nothing is taken for
 * granted.
 */

export interface Report {
  readonly model: string | null;
  readonly serial: string | null;
  /** Whether it sleeps, and was not woken: nothing else is known. */
  readonly standby: boolean;
  /** The disk's own verdict. */
  readonly healthy: boolean | null;
  /** Sectors that it has replaced. */
  readonly reallocated: number | null;
  /** Sectors that it could not read and may replace. */
  readonly pending: number | null;
  /** Errors that it could not correct. */
  readonly uncorrectable: number | null;
  /** Share of its life that is used, in percent; may exceed 100. */
  readonly wear: number | null;
  readonly celsius: number | null;
  /** Problems that do not depend on a limit of the configuration. */
  readonly faults: readonly string[];
  /** When it was made, in epoch milliseconds. */
  readonly madeAt: number | null;
}

/** The exit code that index.ts requests instead of 2, which also means that a disk cannot be opened. */
export const standbyCode = 3;
const notParsed = 1, notOpened = 2, failing = 8, belowThreshold = 16;

/** Throws where smartctl cannot work at all, and where it prints no report. */
export function readReport(text: string): Report {
  const report = parseObject(text), tool = childOf(report, "smartctl"), code = numberOf(tool.exit_status) ?? 0;
  const messages = listOf(tool.messages).map((each) => String(Object(each).string)),
    words = messages.join("; ").slice(0, 300);
  const head = {
    model: textOf(report.model_name) ?? textOf(report.scsi_model_name),
    serial: textOf(report.serial_number),
    madeAt: toTime(childOf(report, "local_time").time_t),
  };
  const none = { healthy: null, reallocated: null, pending: null, uncorrectable: null, wear: null, celsius: null };
  // Version 7.3 reports it in no other way.
  const sleeps = code === standbyCode || messages.some((each) => /^Device is in \S+ mode, exit/.test(each));
  if (sleeps) return { ...head, ...none, standby: true, faults: [] };
  if (/permission denied|operation not permitted/i.test(words)) {
    throw new Error(
      `smartctl may not ask the disk (${words}): it must run as root, with read and write of the device granted`,
    );
  }
  if ((code & notParsed) !== 0 && words === "") {
    throw new Error("smartctl does not start: grant read of its list of drives, such as /var/lib/smartmontools");
  }
  if ((code & (notParsed | notOpened)) !== 0) {
    return { ...head, ...none, standby: false, faults: [`cannot be asked: ${words}`] };
  }
  const healthy = childOf(report, "smart_status").passed;
  return {
    ...head,
    standby: false,
    healthy: typeof healthy === "boolean" ? healthy : null,
    ...readCounts(report),
    wear: readWear(report),
    celsius: toTemperature(childOf(report, "temperature").current),
    faults: findFaults(report, code),
  };
}

type Json = Readonly<Record<string, unknown>>;

function readCounts(report: Json): Pick<Report, "reallocated" | "pending" | "uncorrectable"> {
  const nvme = childOf(report, "nvme_smart_health_information_log"), scsi = childOf(report, "scsi_error_counter_log");
  const uncorrected = ["read", "write", "verify"].map((name) => numberOf(childOf(scsi, name).total_uncorrected_errors));
  const known = uncorrected.filter((each) => each !== null);
  return {
    reallocated: rawOf(report, 5) ?? numberOf(report.scsi_grown_defect_list),
    pending: rawOf(report, 197),
    uncorrectable: rawOf(report, 198) ?? numberOf(nvme.media_errors) ??
      (known.length === 0 ? null : known.reduce((total, each) => total + each, 0)),
  };
}

function attributesOf(report: Json): Json[] {
  return listOf(childOf(report, "ata_smart_attributes").table).map((each) => Object(each));
}

/** Makers pack several numbers into the 48 bits of one; in the text, the relevant one comes first. */
function rawOf(report: Json, id: number): number | null {
  const raw = childOf(attributesOf(report).find((each) => each.id === id) ?? {}, "raw");
  const first = /^\d+/.exec(textOf(raw.string) ?? "")?.[0];
  return first === undefined ? numberOf(raw.value) : Number(first);
}

/** Attributes whose value counts down from 100. */
const lifeLeft =
  /^(?:Media_Wearout_Indicator|Wear_Leveling_Count|SSD_Life_Left|Percent_Lifetime_Remain|Remaining_Lifetime_Perc)$/;

function readWear(report: Json): number | null {
  const told = numberOf(childOf(report, "endurance_used").current_percent) ??
    numberOf(childOf(report, "nvme_smart_health_information_log").percentage_used) ??
    numberOf(report.scsi_percentage_used_endurance_indicator);
  const left = numberOf(attributesOf(report).find(({ name }) => lifeLeft.test(String(name)))?.value);
  return told ?? (left === null ? null : Math.max(0, 100 - left));
}

const warnings: readonly (readonly [number, string])[] = [
  [1, "its spare space is nearly used up"],
  [2, "it is too hot or too cold"],
  [4, "it is no longer reliable"],
  [8, "it only reads"],
  [16, "the power for its memory has failed"],
];

function findFaults(report: Json, code: number): string[] {
  const faults: string[] = [];
  const nvme = childOf(report, "nvme_smart_health_information_log"), warning = numberOf(nvme.critical_warning) ?? 0;
  if ((code & failing) !== 0 || childOf(report, "smart_status").passed === false) {
    faults.push("says that it is failing");
  }
  const below = attributesOf(report).filter(({ when_failed: when }) => when === "now").map(({ name }) => String(name));
  if (below.length > 0) faults.push(`${below.join(", ")} at its limit`);
  else if ((code & belowThreshold) !== 0) faults.push("an attribute is at its limit");
  faults.push(...warnings.filter(([bit]) => (warning & bit) !== 0).map(([, words]) => words));
  // Failed tests count until a later one has passed.
  const tests = childOf(childOf(report, "ata_smart_self_test_log"), "standard");
  const failed = (numberOf(tests.error_count_total) ?? 0) - (numberOf(tests.error_count_outdated) ?? 0);
  if (failed > 0) faults.push("its last self-test has failed");
  if (childOf(report, "smart_support").available === false) faults.push("does not report its state (no SMART)");
  return faults;
}

function parseObject(text: string): Json {
  try {
    const value = JSON.parse(text);
    if (typeof value?.smartctl === "object") return value;
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
  }
  throw new Error(
    `this is no report of smartctl --json, which versions from 7.0 on print: ${JSON.stringify(text.slice(0, 100))}`,
  );
}

function childOf(value: Json, name: string): Json {
  const child = value[name];
  return typeof child === "object" && child !== null ? child as Json : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

function toTime(seconds: unknown): number | null {
  const value = numberOf(seconds);
  return value === null ? null : value * 1_000;
}

/** Bridges that report no temperature return 0, and some 255. */
function toTemperature(value: unknown): number | null {
  const celsius = numberOf(value);
  return celsius !== null && celsius !== 0 && celsius > -60 && celsius < 127 ? celsius : null;
}
