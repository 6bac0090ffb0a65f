/** Dates of feeds: those of RSS (RFC 822, 2822) and those of Atom and JSON Feed (RFC 3339). Used by feed.ts. */

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/** The names of zones in RFC 822, in hours. Other names mean different zones in different places. */
const zones: Readonly<Record<string, number>> = {
  ...{ z: 0, ut: 0, utc: 0, gmt: 0, est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7 },
};

const mail =
  /^(?:[a-z]+\.?(?:,\s*|\s+))?(?<day>\d{1,2})\s+(?<month>[a-z]{3,9})\.?\s+(?<year>\d{4}|\d{2})\s+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?\s*(?<zone>[a-z]+|[+-]\d{2}:?\d{2})(?:\s*\([^()]*\))?$/i;
const iso =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})[t ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.(?<fraction>\d{1,9}))?)?\s*(?<zone>z|utc|gmt|[+-]\d{2}:?\d{2})$/i;

/**
 * Returns ISO 8601 in UTC. Null for anything that does not name one moment: no zone, no time of day, a day that the
 * month does not have, another order of the numbers. A guess would be worse than nothing.
 */
export function parseFeedDate(text: string): string | null {
  const found = (mail.exec(text) ?? iso.exec(text))?.groups;
  if (found === undefined) return null;
  const number = (name: string) => Number(found[name] ?? 0);
  const year = found.year?.length === 2 ? number("year") + (number("year") < 50 ? 2000 : 1900) : number("year");
  const month = /\d/.test(found.month ?? "") ? number("month") - 1 : findMonth(found.month ?? "");
  const zoneMs = parseZone(found.zone ?? "");
  const [day, hour, minute, second] = [number("day"), number("hour"), number("minute"), number("second")];
  if (month === null || zoneMs === null || year < 1000 || hour > 23 || minute > 59 || second > 59) return null;
  const local = new Date(Date.UTC(year, month, day, hour, minute, second, Number(`0.${found.fraction ?? 0}`) * 1_000));
  if (local.getUTCMonth() !== month || local.getUTCDate() !== day) return null;
  return new Date(local.getTime() - zoneMs).toISOString();
}

function findMonth(name: string): number | null {
  const full = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october"];
  const all = [...full, "november", "december"], lower = name.toLowerCase();
  const index = all.findIndex((each, at) => each === lower || months[at] === lower || (at === 8 && lower === "sept"));
  return index < 0 ? null : index;
}

function parseZone(zone: string): number | null {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  if (sign === undefined) {
    const named = zones[zone.toLowerCase()];
    return named === undefined ? null : named * 3_600_000;
  }
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
