/** Parses times on the command line. */

const form = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * `2026-12-24T18:00` in this machine's time zone, or with a trailing `Z` or `+01:00`, in milliseconds since the epoch.
 * Null when it is not such a time, or that day does not exist.
 */
export function parseTime(text: string): number | null {
  const [, year, month, day, hour, minute, second = "00", zone = ""] = form.exec(text) ?? [];
  if (year === undefined) return null;
  const parts = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  // Date takes 2026-02-31 for a day of March.
  const utc = Date.parse(`${parts}Z`);
  if (Number.isNaN(utc) || new Date(utc).toISOString() !== `${parts}.000Z`) return null;
  const ms = Date.parse(`${parts}${zone}`);
  return Number.isNaN(ms) ? null : ms;
}
