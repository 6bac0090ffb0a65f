/** What a feed says, RSS 2.0 or Atom 1.0, reduced to what feed-watch tells. Used by index.ts. */
import { parseXml, textOf, type XmlElement } from "./xml.ts";

export interface FeedEntry {
  /** By which it is known again: its guid or id, else its link, else all that it says. */
  readonly id: string;
  /** At most 200 characters. */
  readonly title: string;
  /** Absolute, http: or https:, at most 1,000 characters; null when there is none such. */
  readonly link: string | null;
  /** ISO 8601, UTC; null when the feed does not say, or not in a form that is a date. */
  readonly publishedAt: string | null;
}

const atom = "http://www.w3.org/2005/Atom", none = "";
const entriesMax = 1_000, titleMaxChars = 200, linkMaxChars = 1_000;

/** In the order of the feed, which is newest first by custom; at most 1,000. Throws an Error when it is no feed. */
export function parseFeed(text: string, url: string): FeedEntry[] {
  const root = parseXml(text), base = baseOf(root, url);
  if (root.namespace === none && root.name === "rss") {
    const channel = child(root, none, "channel");
    if (channel === null) throw new Error("an RSS feed without a channel");
    const channelBase = baseOf(channel, base);
    return children(channel, none, "item").slice(0, entriesMax).map((item) => rssEntry(item, channelBase));
  }
  if (root.namespace === atom && root.name === "feed") {
    return children(root, atom, "entry").slice(0, entriesMax).map((entry) => atomEntry(entry, base));
  }
  throw new Error(`neither RSS 2.0 nor Atom, but <${root.name.slice(0, 40)}>`);
}

function rssEntry(item: XmlElement, feedBase: string): FeedEntry {
  const base = baseOf(item, feedBase);
  const read = (name: string) => clean(child(item, none, name));
  const guid = read("guid");
  const isPermalink = child(item, none, "guid")?.attributes.get("isPermaLink") !== "false";
  const link = absolute(read("link"), base) ?? (isPermalink && /^https?:/.test(guid) ? absolute(guid, base) : null);
  const description = read("description"), title = read("title") || description;
  const id = guid || link || JSON.stringify([title, description, read("pubDate")]);
  return { id, title: cut(title), link, publishedAt: date(read("pubDate")) };
}

function atomEntry(entry: XmlElement, feedBase: string): FeedEntry {
  const base = baseOf(entry, feedBase);
  const read = (name: string) => clean(child(entry, atom, name));
  const links = children(entry, atom, "link");
  const best = links.find(({ attributes }) => (attributes.get("rel") ?? "alternate") === "alternate");
  const link = best === undefined ? null : absolute(best.attributes.get("href") ?? "", baseOf(best, base));
  const title = read("title") || read("summary");
  const id = read("id") || link || JSON.stringify([title, read("summary"), read("updated")]);
  return { id, title: cut(title), link, publishedAt: date(read("published") || read("updated")) };
}

function children(element: XmlElement, namespace: string, name: string): XmlElement[] {
  return element.content.filter((part): part is XmlElement =>
    typeof part !== "string" && part.namespace === namespace && part.name === name
  );
}

function child(element: XmlElement, namespace: string, name: string): XmlElement | null {
  return children(element, namespace, name)[0] ?? null;
}

function clean(element: XmlElement | null): string {
  return element === null ? "" : textOf(element).replaceAll(/\s+/g, " ").trim();
}

function cut(text: string): string {
  const characters = [...text.slice(0, 2 * titleMaxChars + 2)];
  return characters.length > titleMaxChars ? `${characters.slice(0, titleMaxChars - 3).join("")}...` : text;
}

function baseOf(element: XmlElement, outer: string): string {
  return URL.parse(element.attributes.get("xml:base") ?? "", outer)?.href ?? outer;
}

/** Other kinds of addresses (javascript:, data:, file:) are not passed on to whoever reads the signal. */
function absolute(link: string, base: string): string | null {
  const url = link === "" ? null : URL.parse(link, base);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.href.length > linkMaxChars) return null;
  return url.href;
}

function date(text: string): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
