/** Reads cron lines: config/cron.ts checks them, scheduler/cron_times.ts follows them. Both must read them alike. */
import { Cron } from "croner";

export interface CronLine {
  /** The local times that the line names, as if they were UTC, so that no time zone skips or repeats one. */
  readonly names: Cron;
  /** Whether a time field (second, minute, hour) begins with `*`: the line then has no fixed times of day. */
  readonly hasStar: boolean;
}

/** Reads five fields, six with leading seconds, or a nickname such as @daily. Throws for any other text. */
export function readCronLine(text: string): CronLine {
  const line = text.trim(), fields = line.split(/\s+/), [day = "", , weekday = ""] = fields.slice(-3);
  // As in every cron: a day and a weekday are alternatives, unless one of the two begins with a star.
  const domAndDow = beginsWithStar(day) || beginsWithStar(weekday);
  const names = new Cron(line, { paused: true, mode: "5-or-6-parts", timezone: "UTC", domAndDow });
  return { names, hasStar: line.toLowerCase() === "@hourly" || fields.slice(0, -3).some(beginsWithStar) };
}

function beginsWithStar(field: string): boolean {
  return field.startsWith("*") || field.startsWith("?");
}
