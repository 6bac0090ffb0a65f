/** Parses the output of `df -P -k` for one path. */

export interface FileSystem {
  readonly filesystem: string;
  readonly mount: string;
  readonly used: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

/** The names on both sides may contain spaces; the row of numbers between them is the anchor. */
const row = /^(?<filesystem>.+?) +(?<total>\d+) +(?<used>\d+) +(?<available>-?\d+) +(?:\d+%|-) +(?<mount>\/.*)$/s;

/** Throws when the text is not one header line and one row. */
export function parseDf(text: string): FileSystem {
  const body = text.slice(text.indexOf("\n") + 1).replace(/\n$/, "");
  const found = row.exec(body)?.groups;
  if (found === undefined) throw new Error(`df printed something unexpected: ${text.slice(0, 200)}`);
  const [total, used, available] = [found.total, found.used, found.available].map((blocks) => Number(blocks) * 1024);
  return toFileSystem(found.filesystem ?? "", found.mount ?? "", total ?? 0, used ?? 0, available ?? 0);
}

function toFileSystem(filesystem: string, mount: string, total: number, used: number, available: number): FileSystem {
  // Blocks reserved for root are in the total only. A pseudo file system has no blocks at all: nothing of it is used.
  const usable = used + Math.max(0, available);
  const share = usable === 0 ? 0 : Math.round((used / usable) * 10_000) / 10_000;
  return { filesystem, mount, used: share, totalBytes: total, usedBytes: used, availableBytes: available };
}
