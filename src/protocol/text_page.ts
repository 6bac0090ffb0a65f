/**
 * A page as text: the thread that reads it also writes it as JSON, so that the kernel's thread only passes bytes on.
 * Created by store/reading/read_worker.ts, used by the routes of the control API.
 */
export interface TextPage {
  /** The items as JSON, separated by commas. */
  readonly text: Uint8Array<ArrayBuffer>;
  readonly items: readonly TextItem[];
  /** Whether others follow. */
  readonly more: boolean;
  /** For runs: how many match the filter; else null. */
  readonly total: number | null;
}

export interface TextItem {
  /** The id of a row or run; the round of a message. */
  readonly key: number | string;
  /** The type of a row; null for other items. */
  readonly type: string | null;
  /** The length of its JSON. */
  readonly bytes: number;
}

/** Writes a page. `describe` returns the key and type of an item; `show` prepares it for display. */
export function* writePage<T>(
  { items, more }: { readonly items: readonly T[]; readonly more: boolean },
  total: number | null,
  show: (item: T) => T,
  describe: (item: T) => Omit<TextItem, "bytes">,
): Generator<void, TextPage, void> {
  const encoder = new TextEncoder(), parts: Uint8Array[] = [], described: TextItem[] = [];
  for (const item of items) {
    const part = encoder.encode(JSON.stringify(show(item)));
    parts.push(part);
    described.push({ ...describe(item), bytes: part.length });
    yield;
  }
  const text = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0) + Math.max(parts.length - 1, 0));
  let at = 0;
  for (const part of parts) {
    if (at > 0) text[at++] = comma;
    text.set(part, at);
    at += part.length;
  }
  return { text, items: described, more, total };
}

/** A page of one item. */
export function writeOne<T>(item: T, show: (item: T) => T): Generator<void, TextPage, void> {
  return writePage({ items: [item], more: false }, null, show, () => ({ key: 0, type: null }));
}

const comma = ",".charCodeAt(0);

/** The JSON of each item, in order. */
export function* splitPage(
  { text, items }: TextPage,
): Generator<TextItem & { readonly json: Uint8Array<ArrayBuffer> }> {
  let at = 0;
  for (const item of items) {
    yield { ...item, json: text.subarray(at, at + item.bytes) };
    at += item.bytes + 1;
  }
}
