/** Checks the cron lines and time zones of reflexes and of workflow schedules. The scheduler follows them. */
import { readCronLine } from "../base/cron_line.ts";
import { messageOf } from "../base/errors.ts";
import { quote } from "./diagnostic.ts";
import { hintNearest } from "../base/did_you_mean.ts";

export interface ScheduleFault {
  readonly message: string;
  readonly hint: string | null;
}

/** Patterns have no years, so one that ever fires does so after any moment: the check needs no clock. */
const anyMoment = new Date(Date.UTC(2024, 0, 1));

const example = 'minute hour day month weekday: "0 9 * * 1-5" is 9:00 from Monday to Friday';

/** Why `pattern` is not a schedule, or null. Five fields, six with leading seconds, or a nickname such as @daily. */
export function findCronFault(pattern: string): ScheduleFault | null {
  const trimmed = pattern.trim();
  if (!trimmed.startsWith("@") && ![5, 6].includes(trimmed.split(/\s+/).length)) {
    return { message: `${quote(pattern)} is not a cron line: it has five fields, or six with seconds`, hint: example };
  }
  try {
    if (readCronLine(trimmed).names.nextRun(anyMoment) !== null) return null;
    return { message: `${quote(pattern)} never fires`, hint: "no month has that day" };
  } catch (thrown) {
    const reason = messageOf(thrown).replace(/^Cron\w+: /, "");
    return { message: `${quote(pattern)} is not a cron line: ${reason}`, hint: example };
  }
}

/** Why `zone` is not a time zone, or null. */
export function findTimezoneFault(zone: string): ScheduleFault | null {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return null;
  } catch {
    // The constructor throws only for the zone.
    const hint = hintNearest(zone, Intl.supportedValuesOf("timeZone"));
    return { message: `${quote(zone)} is not a time zone`, hint: hint ?? "write a name such as Europe/Berlin or UTC" };
  }
}
