/**
 * Follows a log file across its rotations and counts the lines that hold a pattern. It emits a signal when lines of the
 * pattern have come since the last compute.
 * I1. Each whole line is counted once, whatever happens between two computes: place and counts are stored together.
 * I2. The cost of a compute is bounded: in bytes, in time, and for each line by matcher.ts.
 */
import { eq } from "drizzle-orm";
import { type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { firstPlace, type Place, type Reading, readOn } from "./follow.ts";
import { Matcher } from "./matcher.ts";
import { counts, places } from "./schema.ts";

export interface LogMatches {
  readonly file: string;
  /** Whole lines read in this compute. */
  readonly lines: number;
  /** Lines that hold at least one of the patterns. */
  readonly matched: number;
  /** Lines by pattern, in the order of the configuration; a line counts for each pattern that it holds. */
  readonly counts: readonly { readonly pattern: string; readonly lines: number }[];
  /** The first few of them, cut to 300 characters. */
  readonly examples: readonly string[];
  /** What the file holds beyond what this compute had time for. */
  readonly behindBytes: number;
  /** True when lines were lost in a rotation; the log says why. */
  readonly missed: boolean;
}

const examplesMax = 5, exampleMaxChars = 300;
/** A compute ends after this time, wherever it is: the next one goes on. */
const computeMaxMs = 10_000;

export async function compute({ db, signal, config, log }: SenseContext): Promise<LogMatches | null> {
  const settings = readSettings(config);
  const { file } = settings;
  const rotated = settings.rotated ?? `${file}.1`;
  const place = placeOf(db, file) ?? await firstPlace(file, rotated, settings.from_start);
  const tally = new Tally(settings.patterns);
  const started = performance.now();
  const reading = await readOn(place, {
    file,
    rotated,
    isEnough: (bytes) => bytes >= settings.max_read || performance.now() - started > computeMaxMs || signal.aborted,
    onLine: (line) => tally.add(line),
  });
  store(db, file, reading, tally, settings.keep);
  if (reading.missed !== null) log("warn", `lines of ${file} were lost in its rotation: ${reading.missed}`);
  if (tally.matched < settings.min_matches) return null;
  const { lines, matched, examples } = tally;
  const { behindBytes, missed } = reading;
  return { file, lines, matched, counts: tally.counts(), examples, behindBytes, missed: missed !== null };
}

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    file: option.text(),
    patterns: option.list({ max: 20 }),
    ignore_case: option.flag(false),
    min_matches: option.number(1, { min: 1 }),
    rotated: option.text(null),
    from_start: option.flag(false),
    max_read: option.size("16MiB"),
    keep: option.duration("30d"),
  });
  if (!settings.file.startsWith("/")) throw new TypeError(`config.file must be absolute, not "${settings.file}"`);
  return { ...settings, patterns: settings.patterns.map((pattern) => new Matcher(pattern, settings.ignore_case)) };
}

/** What the lines of one compute come to. */
class Tally {
  lines = 0;
  matched = 0;
  readonly examples: string[] = [];
  readonly #matchers: readonly { readonly matcher: Matcher; lines: number }[];

  constructor(matchers: readonly Matcher[]) {
    this.#matchers = matchers.map((matcher) => ({ matcher, lines: 0 }));
  }

  add(line: string): void {
    this.lines++;
    const found = this.#matchers.filter(({ matcher }) => matcher.test(line));
    for (const each of found) each.lines++;
    if (found.length === 0) return;
    this.matched++;
    if (this.examples.length < examplesMax) this.examples.push(line.slice(0, exampleMaxChars));
  }

  counts(): { pattern: string; lines: number }[] {
    return this.#matchers.map(({ matcher, lines }) => ({ pattern: matcher.pattern, lines }));
  }
}

function placeOf(db: SenseDatabase, file: string): Place | undefined {
  return db.select().from(places).where(eq(places.file, file)).get();
}

function store(db: SenseDatabase, file: string, { place }: Reading, tally: Tally, keep: number): void {
  const ts = new Date(), { lines, matched } = tally;
  db.transaction((tx) => {
    const values = { file, ts, ...place };
    tx.insert(places).values(values).onConflictDoUpdate({ target: places.file, set: values }).run();
    if (lines > 0) tx.insert(counts).values({ ts, file, lines, matched, patterns: tally.counts() }).run();
    prune(tx, counts, counts.ts, keep);
    // The place of a file that is followed was stored just now; the others are of earlier configurations.
    prune(tx, places, places.ts, keep);
  });
}
