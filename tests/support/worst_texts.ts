/** Texts that take long to read for a reader that examines some part of them again and again. */
import assert from "node:assert/strict";

const parts = [
  ...["\\", "/**/", "/*", "//", "*/", "import(", "import(/*", "from'", 'from"\\', "import '", '"./', "'/", "`./", "${"],
  ...[
    " ",
    "\n",
    "\t ",
    " \n",
    "\r\n",
    " | ",
    " | 1 | ",
    "file://",
    "file:///a:1:1",
    "(os error 1): ",
    ": , ",
    "E2: , ",
  ],
  ...['"', '\\"', "a", "ab", "@", ".", "..", "-", "0", "[", "{", "[{", '{"a":', "\u001b[", "\u2028", "\ud83d", "é"],
  ...['Requires all access to "', 'Requires read access to "', 'npm:"@', "a/b@", "ts=1 level=warn source=", "\u0000"],
];

/** Each part many times, alone and before an end that does not fit it; `chars` is about their length. */
export function* worstTexts(chars: number): Generator<[name: string, text: string]> {
  for (const part of parts) {
    const text = part.repeat(Math.ceil(chars / part.length));
    yield [JSON.stringify(part), text];
    yield [`${JSON.stringify(part)}, then another end`, `import(/*${text}x!`];
    yield [`${JSON.stringify(part)} in a string`, `export * from "${text}\n`];
  }
}

const short = 20_000, times = 8;
/** A reader that examines each part once takes `times` as long for a text that is so much longer. */
const ratioMax = times * 4;
/** A text that takes no longer than this is no danger, and a ratio of such short times means little. */
const floorMs = 40;

/** Fails if `read` takes more than its share longer for a text that is `times` as long. */
export function isLinear(what: string, read: (text: string) => unknown): void {
  const slow: string[] = [];
  const long = new Map(worstTexts(short * times));
  for (const [name, text] of worstTexts(short)) {
    const longer = long.get(name) ?? "";
    // A garbage collection may fall into any measurement.
    let excess: string | null = "";
    for (let left = 5; left > 0 && excess !== null; left--) excess = findExcess(read, text, longer);
    if (excess !== null) slow.push(`${name}: ${excess}`);
  }
  assert.deepEqual(slow, [], what);
}

function findExcess(read: (text: string) => unknown, text: string, longer: string): string | null {
  const longMs = measure(read, longer, floorMs);
  if (longMs <= floorMs) return null;
  const shortMs = measure(read, text);
  return longMs <= shortMs * ratioMax ? null : `${shortMs.toFixed(1)} ms, then ${longMs.toFixed(1)} ms`;
}

/** The shortest of a few times, or one that is short enough: another program may have used the processor's caches. */
function measure(read: (text: string) => unknown, text: string, enoughMs = 0): number {
  let best = Infinity;
  for (let round = 0; round < 4 && best > enoughMs; round++) {
    const from = threadCpuMs();
    read(text);
    best = Math.min(best, threadCpuMs() - from);
  }
  return best;
}

/** The processor time of this thread, in milliseconds; on a busy machine that is a small part of the elapsed time. */
function threadCpuMs(): number {
  return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6;
}
