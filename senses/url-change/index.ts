/** Whether the answer of a URL has changed. An answer that is an error is a problem, never a change. */
import { eq } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { decodeFetched, type Fetched, fetchIfChanged, reasonOfFetch, type Version } from "../../lib/fetch.ts";
import { Matcher } from "../../lib/matcher.ts";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { encodeUserinfo, hideUserinfo, hideUserinfoOfInvalid } from "../../lib/url.ts";
import { compare, type Difference, digest, findPieces } from "./content.ts";
import { changes, pages } from "./schema.ts";

export interface UrlChange {
  /** Without user and password. */
  readonly url: string;
  readonly ok: boolean;
  /** Why it cannot be read; empty when `ok`. */
  readonly problems: readonly string[];
  /** Whether it has changed since it was last read. */
  readonly changed: boolean;
  /** Digest of what counts, or of the whole answer. Null when it was never read. */
  readonly hash: string | null;
  /** How many pieces were added and removed; the lists have the first 20 of each. */
  readonly counts: { readonly added: number; readonly removed: number };
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** The content that was read. */
interface State {
  readonly hash: string;
  /** Null when it is not text, or too much to keep. */
  readonly pieces: readonly string[] | null;
}
type Page = typeof pages.$inferSelect;

const accept = "text/html, application/xhtml+xml, application/json;q=0.9, text/plain;q=0.9, */*;q=0.8";
const keptMaxChars = 512 * 1024, shownMax = 20, shownMaxChars = 300;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<UrlChange>> {
  const name = hideUserinfo(settings.url);
  const rules = await digest(new TextEncoder().encode(settings.rulesText));
  const stored = db.select().from(pages).where(eq(pages.url, name)).get();
  // With other rules, other pieces of the same page count: that is not a change of the page.
  const known = stored?.rules === rules ? stored : undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  const visit = await visitPage(settings, known, limit);
  signal.throwIfAborted();
  const problem = visit.problem === null ? null : hideUserinfo(visit.problem), state = visit.state ?? toState(known);
  const isChanged = state !== null && known?.hash != null && state.hash !== known.hash;
  const difference = isChanged ? compare(toState(known)?.pieces ?? [], state.pieces ?? []) : { added: [], removed: [] };
  const found = describe(name, problem, state, isChanged, difference);
  store(
    db,
    { url: name, rules, problem, ...visit.version, ...state ?? { hash: null, pieces: null } },
    found,
    settings.keep,
  );
  const wasOk = (stored?.problem ?? null) === null;
  const news = isChanged ? [`${name}: it has changed`] : findNews(name, wasOk, found.problems);
  return tell(found, { ...settings, wasOk, news });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    url: option.text(),
    timeout: option.duration("20s"),
    text_only: option.flag(false),
    only: option.list({ fallback: [], max: 20 }),
    ignore: option.list({ fallback: [], max: 20 }),
    conditional: option.flag(true),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("90d"),
  });
  const { url, text_only, only, ignore } = settings;
  if (!["http:", "https:"].includes(URL.parse(url)?.protocol ?? "") || url.length > 2_000) {
    const shown = hideUserinfoOfInvalid(url).slice(0, 100);
    throw new TypeError(`config.url must be an http: or https: address, not "${shown}"`);
  }
  const matchers = (patterns: readonly string[]) => patterns.map((pattern) => new Matcher(pattern));
  return {
    ...settings,
    url: encodeUserinfo(url),
    rules: { textOnly: text_only, only: matchers(only), ignore: matchers(ignore) },
    rulesText: JSON.stringify([text_only, only, ignore]),
  };
}

interface Visit {
  readonly problem: string | null;
  /** Null when it has not changed, or could not be read. */
  readonly state: State | null;
  readonly version: Version;
}

async function visitPage(settings: Settings, known: Page | undefined, signal: AbortSignal): Promise<Visit> {
  const version = { etag: known?.etag ?? null, lastModified: known?.lastModified ?? null };
  try {
    const asked = settings.conditional && known?.hash != null ? version : { etag: null, lastModified: null };
    const fetched = await fetchIfChanged(settings.url, asked, { accept, signal });
    if (fetched === null) return { problem: null, state: null, version };
    const state = await read(fetched, settings);
    const { etag, lastModified } = fetched;
    if (state === null) return { problem: "nothing in it fits config.only", state: null, version: noVersion };
    return { problem: null, state, version: { etag, lastModified } };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return { problem: reasonOfFetch(thrown), state: null, version };
  }
}

const noVersion: Version = { etag: null, lastModified: null };

/** Null when nothing matches the rules. */
async function read(fetched: Fetched, { rules }: Settings): Promise<State | null> {
  const { bytes, contentType } = fetched;
  const isHtml = /\bx?html\b/i.test(contentType),
    isWanted = rules.textOnly || rules.only.length + rules.ignore.length > 0;
  const isText = /^$|\btext\/|\bjson\b|\bxml\b|\bjavascript\b|\byaml\b/i.test(contentType) || isHtml;
  if (!isText && !isWanted) return { hash: await digest(bytes), pieces: null };
  const pieces = findPieces(decodeFetched(fetched), isHtml, rules);
  if (pieces.length === 0 && rules.only.length > 0) return null;
  const length = pieces.reduce((sum, piece) => sum + piece.length + 3, 0);
  const counted = isWanted ? new TextEncoder().encode(pieces.join("\n")) : bytes;
  return { hash: await digest(counted), pieces: length > keptMaxChars ? null : pieces };
}

function toState(page: Page | undefined): State | null {
  return page?.hash == null ? null : { hash: page.hash, pieces: page.pieces };
}

function describe(
  url: string,
  problem: string | null,
  state: State | null,
  changed: boolean,
  { added, removed }: Difference,
): UrlChange {
  const shown = (pieces: readonly string[]) => pieces.slice(0, shownMax).map((each) => each.slice(0, shownMaxChars));
  return {
    url,
    ok: problem === null,
    problems: problem === null ? [] : [problem],
    changed,
    hash: state?.hash ?? null,
    counts: { added: added.length, removed: removed.length },
    added: shown(added),
    removed: shown(removed),
  };
}

function store(
  db: SenseDatabase,
  page: Omit<Page, "ts" | "pieces"> & { readonly pieces: readonly string[] | null },
  { hash, changed, added, removed }: UrlChange,
  keep: number,
): void {
  const ts = new Date(), row = { ...page, ts, pieces: page.pieces === null ? null : [...page.pieces] };
  db.transaction((tx) => {
    tx.insert(pages).values(row).onConflictDoUpdate({ target: pages.url, set: row }).run();
    if (changed && hash !== null) {
      tx.insert(changes).values({ ts, url: page.url, hash, added: [...added], removed: [...removed] }).run();
    }
    prune(tx, changes, changes.ts, keep);
    // The page of the configuration was stored just now; others belong to earlier configurations.
    prune(tx, pages, pages.ts, keep);
  });
}
