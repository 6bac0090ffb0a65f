/** The time zone of a configuration. Imported by the workflows digest and report. */

/** Throws a TypeError for a zone that does not exist. */
export function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new TypeError(
      `config.timezone must be a time zone such as UTC or Europe/Berlin, not "${timezone.slice(0, 100)}"`,
    );
  }
}
