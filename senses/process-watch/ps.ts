/** Parses the output of `ps` with the columns below and one column of text after them. */

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  /** The process's effective user. */
  readonly uid: number;
  readonly rssBytes: number;
  /** Seconds since its start, as ps reports them; null when the value cannot be true. */
  readonly seconds: number | null;
  /** Its name or its command line, depending on the column of text. */
  readonly text: string;
}

/** Arguments of ps. A column of text must follow; it must be the last, as it may contain spaces. */
export const psColumns: readonly string[] = ["pid", "ppid", "euid", "stat", "rss", "etime"].flatMap((
  name,
) => ["-o", `${name}=`]);

const row =
  /^ *(?<pid>\d+) +(?<ppid>\d+) +(?<uid>-?\d+) +(?<stat>\S+) +(?<rss>\d+) +(?:(?:(?<days>\d+)-)?(?<clock>\d+(?::\d+){1,2})|-)(?: (?<text>.*))?$/s;

/** English messages; names in any language unchanged. */
export const psEnvironment = { LC_ALL: "C.UTF-8" };

/** Linux cuts the name of a program to this length, but not that of a kernel thread. */
const nameMaxBytes = 15;

/** Whether `text`, the name that ps prints, may belong to the program `name`. */
export function isNamed(text: string, name: string): boolean {
  const wanted = cut(name), isLong = wanted !== name.trim();
  // A kernel thread has its whole name; it is also found by its first bytes, as a program is.
  if (bytesOf(text).length > nameMaxBytes) return text === name.trim() || (!isLong && isCutTo(text, wanted));
  // A character of several bytes may be cut in two; ps prints a ? for each remaining byte.
  return isLong ? text.startsWith(wanted) && /^\?{0,3}$/.test(text.slice(wanted.length)) : text === wanted;
}

function isCutTo(text: string, wanted: string): boolean {
  return bytesOf(wanted).length === nameMaxBytes && cut(text) === wanted;
}

/** Cuts to at most `nameMaxBytes`, in whole characters. */
function cut(name: string): string {
  const bytes = bytesOf(name);
  if (bytes.length <= nameMaxBytes) return name.trim();
  return new TextDecoder().decode(bytes.subarray(0, nameMaxBytes)).replace(/\uFFFD$/, "").trim();
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether ps cannot distinguish `name` from another name in its column of names. */
export function isAmbiguous(name: string): boolean {
  return cut(name) !== name.trim();
}

/**
 * Whether a command line shows that the program has another name than `name`, which begins alike. A script shows the
 * name of its interpreter, which proves nothing.
 */
export function showsOtherName(commandLine: string, name: string): boolean {
  const wanted = name.trim(), own = /^[^ ]*\/(.*)$/.exec(commandLine)?.[1] ?? commandLine;
  const [first = ""] = own.split(" ");
  return own.startsWith(wanted) ? /^[^ ]/.test(own.slice(wanted.length)) : first.startsWith(cut(name));
}

/** Omits zombies. Throws when a line is not as expected. */
export function parsePs(output: string): Process[] {
  return output.split("\n").filter((line) => line.trim() !== "").flatMap((line) => {
    const found = row.exec(line)?.groups;
    if (found === undefined) throw new Error(`ps printed something unexpected: ${line.slice(0, 200)}`);
    if (found.stat?.startsWith("Z")) return [];
    const clock = found.clock?.split(":").reduce((total, part) => total * 60 + Number(part), 0);
    return [{
      pid: Number(found.pid),
      ppid: Number(found.ppid),
      uid: Number(found.uid),
      rssBytes: Number(found.rss) * 1024,
      seconds: clock === undefined ? null : Number(found.days ?? 0) * 86_400 + clock,
      text: (found.text ?? "").trim(),
    }];
  });
}

/** How far the reported age of a process that was just started may be from zero. */
const fuzzSeconds = 5;
/** No process is older. */
const oldestSeconds = 50 * 366 * 86_400;

/**
 * By how many seconds the ages that ps reports are too high; null when they cannot be corrected. In a container (lxcfs)
 * ps may confuse the time since the container's start with the time since the machine's start.
 * `self`: the process that started ps; `selfSeconds`: how long it has been running at least.
 */
export function findAgeError(processes: readonly Process[], self: number, selfSeconds: number): number | null {
  const own = processes.find(({ pid }) => pid === self)?.seconds ?? null;
  // ps itself has just been started.
  const ages = processes.filter(({ ppid }) => ppid === self).map(({ seconds }) => seconds ?? Infinity);
  const error = ages.length === 0 ? 0 : Math.min(...ages);
  if (error > oldestSeconds) return null;
  if (error > fuzzSeconds) return error;
  const isTooYoung = own !== null && own + fuzzSeconds < selfSeconds;
  // Where ps reports no age at all in place of a negative one, everything seems to have just been started.
  const first = processes.find(({ pid }) => pid === 1);
  return isTooYoung || first?.seconds === 0 ? null : 0;
}
