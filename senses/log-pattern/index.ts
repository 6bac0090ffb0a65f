/**
 * Follows a log file across rotations and counts the lines that match a pattern. It reports those that were written
 * since the last compute.
 * I1. Each complete line is counted once, whatever happens between two computes: place and counts are stored together.
 * I2. The cost of a compute is bounded: in bytes, in time, and for each line by lib/matcher.ts.
 */
import { eq } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { findFirstPlace, type Place, type Reading, readNewLines } from "./follow.ts";
import { toEncoding } from "./lines.ts";
import { Matcher } from "../../lib/matcher.ts";
import { checkRotated } from "./rotated.ts";
import { counts, places } from "./schema.ts";
import { withoutSequences } from "./sequences.ts";

export interface LogMatches {
  readonly file: string;
  /** Complete lines read in this compute. */
  readonly lines: number;
  /** Lines that match at least one pattern. */
  readonly matched: number;
  /** Lines by pattern, in the order of the configuration; a line counts for each pattern that it matches. */
  readonly counts: readonly { readonly pattern: string; readonly lines: number }[];
  /** The first few matching lines, cut to 300 characters. */
  readonly examples: readonly string[];
  /** Bytes of the file that this compute had no time to read. */
  readonly behindBytes: number;
  /** True when lines were lost in a rotation; the log has the reason. */
  readonly missed: boolean;
  /** Lines with bytes that are invalid in the encoding of the file. */
  readonly undecodedLines: number;
}

/** Fewer zeros may be part of a program's output. */
const holes = /\0{8,}/;
const examplesMax = 5, exampleMaxChars = 300;
/** A compute stops after this time; the next one continues from there. */
const computeMaxMs = 10_000;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings, log }: SenseContext<Settings>): Promise<LogMatches | null> {
  const { file } = settings;
  const rotated = settings.rotated ?? `${file}.1`;
  const { encoding } = settings;
  const place = readPlace(db, file) ?? await findFirstPlace(file, { rotated, encoding }, settings.from_start);
  const tally = new Tally(settings.patterns);
  const started = performance.now();
  const reading = await readNewLines(place, {
    file,
    rotated,
    encoding,
    isEnough: (bytes) => bytes >= settings.max_read || performance.now() - started > computeMaxMs || signal.aborted,
    onLine: (line) => tally.add(line),
  });
  store(db, file, reading, tally, settings.keep);
  if (reading.missed !== null) log("warn", `lines of ${file} were lost in its rotation: ${reading.missed}`);
  if (tally.undecoded > 0) {
    log("warn", `${tally.undecoded} lines of ${file} have bytes that are none in its encoding: set config.encoding`);
  }
  if (tally.matched < settings.min_matches) return null;
  const { lines, matched, examples } = tally;
  const { behindBytes, missed } = reading;
  const undecodedLines = tally.undecoded;
  return {
    ...{ file, lines, matched, counts: tally.counts(), examples, behindBytes, missed: missed !== null },
    undecodedLines,
  };
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    file: option.text(),
    patterns: option.list({ max: 20 }),
    ignore_case: option.flag(false),
    min_matches: option.number(0, { min: 0 }),
    rotated: option.text(null),
    encoding: option.text(null),
    from_start: option.flag(false),
    max_read: option.size("16MiB"),
    keep: option.duration("30d"),
  });
  if (!settings.file.startsWith("/")) throw new TypeError(`config.file must be absolute, not "${settings.file}"`);
  if (settings.rotated !== null) checkRotated(settings.rotated);
  const encoding = settings.encoding === null ? null : toEncoding(settings.encoding);
  return {
    ...settings,
    encoding,
    patterns: settings.patterns.map((pattern) => new Matcher(pattern, settings.ignore_case)),
  };
}

/** The counts of one compute. */
class Tally {
  lines = 0;
  matched = 0;
  undecoded = 0;
  readonly examples: string[] = [];
  readonly #matchers: readonly { readonly matcher: Matcher; lines: number }[];

  constructor(matchers: readonly Matcher[]) {
    this.#matchers = matchers.map((matcher) => ({ matcher, lines: 0 }));
  }

  /** The text is several lines when zeros are in it: a hole in the file separates lines. */
  add(text: string): void {
    if (!text.includes("\0")) return this.#add(text);
    for (const line of text.split(holes)) if (line !== "") this.#add(line.replaceAll("\0", ""));
  }

  #add(raw: string): void {
    // Colours and the like: a letter of the sequence would precede the word.
    const line = withoutSequences(raw);
    this.lines++;
    if (line.includes("\uFFFD")) this.undecoded++;
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

function readPlace(db: SenseDatabase, file: string): Place | undefined {
  return db.select().from(places).where(eq(places.file, file)).get();
}

function store(db: SenseDatabase, file: string, { place }: Reading, tally: Tally, keep: number): void {
  const ts = new Date(), { lines, matched } = tally;
  db.transaction((tx) => {
    const values = { file, ts, ...place };
    tx.insert(places).values(values).onConflictDoUpdate({ target: places.file, set: values }).run();
    if (lines > 0) tx.insert(counts).values({ ts, file, lines, matched, patterns: tally.counts() }).run();
    prune(tx, counts, counts.ts, keep);
    // The place of the current file was stored just now; older ones belong to earlier configurations.
    prune(tx, places, places.ts, keep);
  });
}
