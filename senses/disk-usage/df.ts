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
const row =
  /^(?<filesystem>.+?) +(?<total>-?\d+|-) +(?<used>-?\d+|-) +(?<available>-?\d+|-) +(?:-?\d+%|-) +(?<mount>\/.*)$/s;

/** Throws when the text is not one header line and one row, and when the file system does not report its figures. */
export function parseDf(text: string): FileSystem {
  const body = text.slice(text.indexOf("\n") + 1).replace(/\n$/, "");
  const found = row.exec(body)?.groups;
  if (found === undefined) throw new Error(`df printed something unexpected: ${text.slice(0, 200)}`);
  const bytes = (name: string): number => {
    if (found[name] === "-") throw new Error(`the file system ${found.filesystem} does not tell its ${name} space`);
    return Number(found[name]) * 1024;
  };
  return toFileSystem(found.filesystem ?? "", found.mount ?? "", bytes("total"), bytes("used"), bytes("available"));
}

function toFileSystem(filesystem: string, mount: string, total: number, used: number, available: number): FileSystem {
  // Some network file systems report more free space than they have, so that the used space is negative.
  const usedBytes = Math.max(0, used);
  // Blocks reserved for root are in the total only. A pseudo file system has no blocks at all: none of it is used.
  const usable = usedBytes + Math.max(0, available);
  const share = usable === 0 ? 0 : Math.round((usedBytes / usable) * 10_000) / 10_000;
  return { filesystem, mount, used: share, totalBytes: total, usedBytes, availableBytes: available };
}
