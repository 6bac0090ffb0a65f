/**
 * Watches feeds (RSS, RDF, Atom, JSON Feed) and reports new entries, and which feeds cannot be read. At the first visit
 * of a feed no entry counts as new.
 */
import { eq, sql } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { decodeFetched, type Fetched, fetchIfChanged, reasonOfFetch } from "../../lib/fetch.ts";
import { encodeUserinfo, hideUserinfo, hideUserinfoOfInvalid } from "../../lib/url.ts";
import { type FeedEntry, parseFeed } from "./feed.ts";
import { entries, feeds } from "./schema.ts";

export interface FeedNews {
  /** How many entries are new. */
  readonly count: number;
  /** At most 50 of them, feed by feed, in the order of each feed. */
  readonly entries: readonly NewEntry[];
  /** Feeds that cannot be read, as sentences that begin with the address. */
  readonly problems: readonly string[];
}
export type NewEntry = { readonly feed: string } & Omit<FeedEntry, "id">;

/** `url` has no user name or password. `found` is null when the feed has not changed. */
type Visit =
  & { readonly url: string }
  & (
    | { readonly problem: string }
    | {
      readonly problem: null;
      readonly found: { readonly fetched: Fetched; readonly entries: readonly KeyedEntry[] } | null;
    }
  );
type KeyedEntry = FeedEntry & { readonly key: string };
type Feed = typeof feeds.$inferSelect;

/** 50 entries with the longest titles and links stay below the 256 KiB of a payload. */
const entriesMax = 50;
const accept = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1";

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<FeedNews | null> {
  const known = new Map(db.select().from(feeds).all().map((feed) => [feed.url, feed]));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  const visits = await Promise.all(settings.urls.map(({ url, name }) => visit(url, name, known.get(name), limit)));
  signal.throwIfAborted();
  const news = db.transaction((tx) => {
    const found = visits.flatMap((each) => remember(tx, each, known.get(each.url), settings.announce_first));
    prune(tx, entries, entries.seenAt, settings.keep);
    prune(tx, feeds, feeds.ts, settings.keep);
    return found;
  });
  const problems = visits.flatMap(({ url, problem }) => problem === null ? [] : [`${url}: ${problem}`]);
  const hasTurned = visits.some(({ url, problem }) =>
    (known.get(url)?.problem ?? null) === null !== (problem === null)
  );
  if (news.length === 0 && !hasTurned && !settings.always) return null;
  return { count: news.length, entries: news.slice(0, entriesMax), problems };
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    urls: option.list({ max: 50 }),
    timeout: option.duration("20s"),
    announce_first: option.flag(false),
    always: option.flag(true),
    keep: option.duration("90d"),
  });
  for (const url of settings.urls) {
    const protocol = URL.parse(url)?.protocol ?? "";
    const isShort = url.length <= 500;
    if (!["http:", "https:"].includes(protocol) || !isShort) {
      const shown = hideUserinfoOfInvalid(url).slice(0, 100);
      throw new TypeError(`config.urls must hold http: or https: addresses, not "${shown}"`);
    }
  }
  return { ...settings, urls: nameFeeds(settings.urls.map(encodeUserinfo)) };
}

/** A feed is identified by its address without user and password; a second one with the same address gets a number. */
function nameFeeds(urls: readonly string[]): { readonly url: string; readonly name: string }[] {
  const seen = new Map<string, number>();
  return urls.map((url) => {
    const bare = hideUserinfo(url), count = (seen.get(bare) ?? 0) + 1;
    seen.set(bare, count);
    return { url, name: count === 1 ? bare : `${bare} (${count})` };
  });
}

async function visit(url: string, name: string, known: Feed | undefined, signal: AbortSignal): Promise<Visit> {
  try {
    const version = { etag: known?.etag ?? null, lastModified: known?.lastModified ?? null };
    const fetched = await fetchIfChanged(url, version, { accept, signal });
    if (fetched === null) return { url: name, problem: null, found: null };
    // A large feed takes a second to parse.
    signal.throwIfAborted();
    const found = await Promise.all(parseFeed(decodeFetched(fetched), fetched.url).map(addKey));
    return { url: name, problem: null, found: { fetched, entries: found } };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return { url: name, problem: hideUserinfo(reasonOfFetch(thrown)) };
  }
}

/** Ids may be of any length; only their digest is stored. */
async function addKey(entry: FeedEntry): Promise<KeyedEntry> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(entry.id));
  return { ...entry, key: new Uint8Array(digest).toHex() };
}

/** Stores the result of a visit and returns the new entries. */
function remember(
  db: Pick<SenseDatabase, "insert" | "update" | "select">,
  visit: Visit,
  known: Feed | undefined,
  announceFirst: boolean,
): NewEntry[] {
  const { url } = visit, now = new Date();
  const store = (row: Omit<Feed, "url" | "ts">) => {
    const values = { url, ts: now, ...row };
    db.insert(feeds).values(values).onConflictDoUpdate({ target: feeds.url, set: values }).run();
  };
  const before = {
    readAt: known?.readAt ?? null,
    etag: known?.etag ?? null,
    lastModified: known?.lastModified ?? null,
  };
  if (visit.problem !== null || visit.found === null) {
    store({ ...before, problem: visit.problem });
    // The entries of the last successful visit still count as seen and must not be forgotten.
    db.update(entries).set({ seenAt: now })
      .where(
        sql`${entries.feed} = ${url} and ${entries.seenAt} = (select max(seen_at) from entries where feed = ${url})`,
      )
      .run();
    return [];
  }
  const { fetched: { etag, lastModified }, entries: found } = visit.found;
  store({ readAt: now, etag, lastModified, problem: null });
  const old = new Set(
    db.select({ key: entries.key }).from(entries).where(eq(entries.feed, url)).all().map(({ key }) => key),
  );
  for (const { key, title, link } of found) {
    db.insert(entries).values({ feed: url, key, title, link, firstSeenAt: now, seenAt: now })
      .onConflictDoUpdate({ target: [entries.feed, entries.key], set: { seenAt: now } }).run();
  }
  if (before.readAt === null && !announceFirst) return [];
  const news = new Map(found.filter(({ key }) => !old.has(key)).map((entry) => [entry.key, entry]));
  return [...news.values()].map(({ title, link, publishedAt }) => ({ feed: url, title, link, publishedAt }));
}
