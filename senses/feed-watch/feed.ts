/** Parses a feed, RSS 2.0 or Atom 1.0, into what feed-watch reports. Used by index.ts. */
import { parseXml, textOf, type XmlElement } from "./xml.ts";

export interface FeedEntry {
  /** Identifies the entry at later visits: its guid or id, else its link, else its whole content. */
  readonly id: string;
  /** At most 200 characters. */
  readonly title: string;
  /** Absolute, http: or https:, at most 1,000 characters; null when there is none. */
  readonly link: string | null;
  /** ISO 8601, UTC; null when the feed gives no valid date. */
  readonly publishedAt: string | null;
}

const atom = "http://www.w3.org/2005/Atom", none = "";
const entriesMax = 1_000, titleMaxChars = 200, linkMaxChars = 1_000;

/** In the order of the feed, by custom newest first; at most 1,000. Throws an Error when the text is not a feed. */
export function parseFeed(text: string, url: string): FeedEntry[] {
  const root = parseXml(text), base = baseOf(root, url);
  if (root.namespace === none && root.name === "rss") {
    const channel = findChild(root, none, "channel");
    if (channel === null) throw new Error("an RSS feed without a channel");
    const channelBase = baseOf(channel, base);
    return findChildren(channel, none, "item").slice(0, entriesMax).map((item) => readRssEntry(item, channelBase));
  }
  if (root.namespace === atom && root.name === "feed") {
    return findChildren(root, atom, "entry").slice(0, entriesMax).map((entry) => readAtomEntry(entry, base));
  }
  throw new Error(`neither RSS 2.0 nor Atom, but <${root.name.slice(0, 40)}>`);
}

function readRssEntry(item: XmlElement, feedBase: string): FeedEntry {
  const base = baseOf(item, feedBase);
  const read = (name: string) => readText(findChild(item, none, name));
  const guid = read("guid");
  const isPermalink = findChild(item, none, "guid")?.attributes.get("isPermaLink") !== "false";
  const link = toAbsolute(read("link"), base) ?? (isPermalink && /^https?:/.test(guid) ? toAbsolute(guid, base) : null);
  const description = read("description"), title = read("title") || description;
  const id = guid || link || JSON.stringify([title, description, read("pubDate")]);
  return { id, title: cut(title), link, publishedAt: toIsoDate(read("pubDate")) };
}

function readAtomEntry(entry: XmlElement, feedBase: string): FeedEntry {
  const base = baseOf(entry, feedBase);
  const read = (name: string) => readText(findChild(entry, atom, name));
  const links = findChildren(entry, atom, "link");
  const best = links.find(({ attributes }) => (attributes.get("rel") ?? "alternate") === "alternate");
  const link = best === undefined ? null : toAbsolute(best.attributes.get("href") ?? "", baseOf(best, base));
  const title = read("title") || read("summary");
  const id = read("id") || link || JSON.stringify([title, read("summary"), read("updated")]);
  return { id, title: cut(title), link, publishedAt: toIsoDate(read("published") || read("updated")) };
}

function findChildren(element: XmlElement, namespace: string, name: string): XmlElement[] {
  return element.content.filter((part): part is XmlElement =>
    typeof part !== "string" && part.namespace === namespace && part.name === name
  );
}

function findChild(element: XmlElement, namespace: string, name: string): XmlElement | null {
  return findChildren(element, namespace, name)[0] ?? null;
}

function readText(element: XmlElement | null): string {
  return element === null ? "" : textOf(element).replaceAll(/\s+/g, " ").trim();
}

function cut(text: string): string {
  const characters = [...text.slice(0, 2 * titleMaxChars + 2)];
  return characters.length > titleMaxChars ? `${characters.slice(0, titleMaxChars - 3).join("")}...` : text;
}

function baseOf(element: XmlElement, outer: string): string {
  return URL.parse(element.attributes.get("xml:base") ?? "", outer)?.href ?? outer;
}

/** Null for other kinds of addresses (javascript:, data:, file:): readers of the signal must not get them. */
function toAbsolute(link: string, base: string): string | null {
  const url = link === "" ? null : URL.parse(link, base);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.href.length > linkMaxChars) return null;
  return url.href;
}

function toIsoDate(text: string): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
