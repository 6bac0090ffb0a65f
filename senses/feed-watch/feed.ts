/**
 * Reads a feed (RSS, RDF, Atom or JSON Feed) into what feed-watch reports. Used by index.ts. The package feedsmith,
 * which comes with nerve, parses it: it fetches and expands nothing.
 */
import { DetectError, ParseError, parseFeed as parseAnyFeed } from "feedsmith";
import { hideUserinfo } from "../../lib/url.ts";
import { parseFeedDate } from "./dates.ts";

export interface FeedEntry {
  /** Identifies the entry at later visits: its guid or id, else its link, else its whole content. */
  readonly id: string;
  /** At most 200 characters. */
  readonly title: string;
  /** Absolute, http: or https:, without a user, at most 1,000 characters; null when there is none. */
  readonly link: string | null;
  /** ISO 8601, UTC; null when the feed gives no valid date. */
  readonly publishedAt: string | null;
}

/** An entry of any kind of feed. Links are as written. */
interface RawEntry {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly link: string;
  /** The base of relative links, itself relative to the feed's base; null: the feed's base. */
  readonly base: string | null;
  readonly date: string;
}

const entriesMax = 1_000, titleMaxChars = 200, linkMaxChars = 1_000;

/** In the order of the feed, by custom newest first; at most 1,000. Throws an Error when the text is not a feed. */
export function parseFeed(text: string, url: string): FeedEntry[] {
  const { base, entries } = readRaw(withNumbersAsText(withoutDefaultNamespace(text)));
  const feedBase = resolveBase(base, url);
  return entries.map(({ id, title, summary, link: written, base, date }) => {
    const link = toAbsolute(written, resolveBase(base, feedBase));
    return {
      id: id || link || JSON.stringify([title || summary, summary, date]),
      title: cut(title || summary),
      link,
      publishedAt: parseFeedDate(date),
    };
  });
}

function readRaw(text: string): { base: string | null; entries: RawEntry[] } {
  const parsed = parse(text);
  if (parsed === null) return { base: null, entries: [] };
  switch (parsed.format) {
    case "rss":
      return { base: null, entries: (parsed.feed.items ?? []).map(readRssItem) };
    case "rdf":
      return { base: null, entries: (parsed.feed.items ?? []).map(readRdfItem) };
    case "atom":
      return { base: parsed.feed.xml?.base ?? null, entries: (parsed.feed.entries ?? []).map(readAtomEntry) };
    case "json":
      return { base: null, entries: (parsed.feed.items ?? []).map(readJsonItem) };
  }
}

/** Keeps dates as they are written. */
const parseWritten = (text: string) => parseAnyFeed(text, { maxItems: entriesMax, parseDateFn: (raw: string) => raw });
type Parsed = ReturnType<typeof parseWritten>;
type Feed<Format extends Parsed["format"]> = Extract<Parsed, { format: Format }>["feed"];
type Item<List> = List extends readonly (infer One)[] ? One : never;

function parse(text: string): Parsed | null {
  try {
    return parseWritten(text);
  } catch (thrown) {
    if (thrown instanceof DetectError) throw new Error("neither RSS nor RDF, Atom or JSON Feed");
    // The parser also rejects a feed without a title and entries.
    if (thrown instanceof ParseError && /<(?:\w+:)?(?:channel|feed)[\s\/>]/i.test(text) && !hasEntry.test(text)) {
      return null;
    }
    throw new Error("its format is not valid");
  }
}

const hasEntry = /<(?:\w+:)?(?:item|entry)[\s\/>]/i;

function readRssItem(item: Item<NonNullable<Feed<"rss">["items"]>>): RawEntry {
  const guid = toLine(item.guid?.value), isPermalink = item.guid?.isPermaLink !== false;
  const link = toLine(item.link) || (isPermalink && /^https?:/.test(guid) ? guid : "");
  return {
    id: guid,
    title: toLine(item.title),
    summary: toLine(item.description),
    link,
    base: item.xml?.base ?? null,
    date: toLine(item.pubDate) || toLine(item.dc?.dates?.[0]),
  };
}

function readRdfItem(item: Item<NonNullable<Feed<"rdf">["items"]>>): RawEntry {
  const link = toLine(item.link);
  return {
    id: toLine(item.rdf?.about),
    title: toLine(item.title),
    summary: toLine(item.description),
    link,
    base: item.xml?.base ?? null,
    date: toLine(item.dc?.dates?.[0]),
  };
}

function readAtomEntry(entry: Item<NonNullable<Feed<"atom">["entries"]>>): RawEntry {
  const link = entry.links?.find(({ rel = "alternate" }) => rel === "alternate")?.href;
  return {
    id: toLine(entry.id),
    title: toPlain(entry.title),
    summary: toPlain(entry.summary),
    link: toLine(link),
    base: entry.xml?.base ?? null,
    date: toLine(entry.published) || toLine(entry.updated),
  };
}

function readJsonItem(item: Item<NonNullable<Feed<"json">["items"]>>): RawEntry {
  return {
    id: toLine(item.id),
    title: toLine(item.title),
    summary: toLine(item.summary ?? item.content_text),
    link: toLine(item.url ?? item.external_url),
    base: null,
    date: toLine(item.date_published ?? item.date_modified),
  };
}

/** Converts Atom's text; a text of the kind xhtml is an element with its tags. */
function toPlain(text: { readonly value?: string; readonly type?: string } | undefined): string {
  return toLine(text?.type === "xhtml" ? text.value?.replaceAll(/<[^>]*>/g, "") : text?.value);
}

/**
 * RSS has no namespace, but many feeds declare one for it: with Atom's, for instance, the parser would find no channel.
 * Prefixed declarations stay.
 */
function withoutDefaultNamespace(text: string): string {
  const head = text.slice(0, headMaxChars);
  const mended = head.replace(/<rss(?=[\s>])[^>]*>(?:[^<]*<!--.*?-->)*[^<]*(?:<channel(?=[\s>])[^>]*>)?/is, (tags) => {
    return tags.replaceAll(/\sxmlns\s*=\s*(?:"[^"]*"|'[^']*')/g, "");
  });
  return mended + text.slice(headMaxChars);
}

/**
 * Many feeds write the ids of JSON Feed as numbers. Beyond 2^53 several would become the same id, and all but one of
 * their entries would be lost.
 */
function withNumbersAsText(text: string): string {
  if (!/^\s*\{/.test(text)) return text;
  const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) ? context?.source ?? value : value;
  try {
    return JSON.stringify(JSON.parse(text, keepDigits));
  } catch (thrown) {
    // The feed parser will report that it is not a feed.
    if (thrown instanceof SyntaxError) return text;
    throw thrown;
  }
}

/** The first tags of a feed are within this length. */
const headMaxChars = 8_192;

/** Takes numbers, too, as JSON Feed allows them in place of text. Control characters become blanks. */
function toLine(text: string | number | undefined | null): string {
  return String(text ?? "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

function cut(text: string): string {
  const characters = [...text.slice(0, 2 * titleMaxChars + 2)];
  return characters.length > titleMaxChars ? `${characters.slice(0, titleMaxChars - 3).join("")}...` : text;
}

function resolveBase(base: string | null, outer: string): string {
  return base === null ? outer : URL.parse(base, outer)?.href ?? outer;
}

/** Null for other kinds of addresses (javascript:, data:, file:): readers of the signal must not get them. */
function toAbsolute(link: string, base: string): string | null {
  const url = link === "" ? null : URL.parse(link, base);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.href.length > linkMaxChars) return null;
  return hideUserinfo(url.href);
}
