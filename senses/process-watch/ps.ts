/** Parses the output of `ps` with the columns below and one column of text after them. */

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  /** Its effective user. */
  readonly uid: number;
  readonly rssBytes: number;
  /** Since its start, as ps says; null when it says nothing that could be true. */
  readonly seconds: number | null;
  /** Its name or its command line, depending on the column of text. */
  readonly text: string;
}

/** Arguments of ps. A column of text must follow: it may hold spaces, so it must be the last. */
export const psColumns: readonly string[] = ["pid", "ppid", "euid", "stat", "rss", "etime"].flatMap((
  name,
) => ["-o", `${name}=`]);

const row =
  /^ *(?<pid>\d+) +(?<ppid>\d+) +(?<uid>-?\d+) +(?<stat>\S+) +(?<rss>\d+) +(?:(?:(?<days>\d+)-)?(?<clock>\d+(?::\d+){1,2})|-)(?: (?<text>.*))?$/s;

/** English messages; names in any language unchanged. */
export const psEnvironment = { LC_ALL: "C.UTF-8" };

/** Linux cuts the name of a program to this, but not that of a thread of the kernel. */
const nameMaxBytes = 15;

/** Whether `text`, the name that ps prints, may be that of the program `name`. */
export function isNamed(text: string, name: string): boolean {
  const wanted = cut(name), isLong = wanted !== name.trim();
  // A thread of the kernel has its whole name; it is found by its first bytes as well, as a program is.
  if (bytesOf(text).length > nameMaxBytes) return text === name.trim() || (!isLong && isCutTo(text, wanted));
  // A character of several bytes may be cut in two; ps prints a ? for each remaining byte.
  return isLong ? text.startsWith(wanted) && /^\?{0,3}$/.test(text.slice(wanted.length)) : text === wanted;
}

function isCutTo(text: string, wanted: string): boolean {
  return bytesOf(wanted).length === nameMaxBytes && cut(text) === wanted;
}

/** At most `nameMaxBytes`, whole characters. */
function cut(name: string): string {
  const bytes = bytesOf(name);
  if (bytes.length <= nameMaxBytes) return name.trim();
  return new TextDecoder().decode(bytes.subarray(0, nameMaxBytes)).replace(/\uFFFD$/, "").trim();
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether ps cannot tell `name` from another one by its column of names. */
export function isAmbiguous(name: string): boolean {
  return cut(name) !== name.trim();
}

/**
 * Whether a command line shows that the program has another name than `name`, which begins alike. A script shows the name
 * of its interpreter, which says nothing.
 */
export function showsOtherName(commandLine: string, name: string): boolean {
  const wanted = name.trim(), own = /^[^ ]*\/(.*)$/.exec(commandLine)?.[1] ?? commandLine;
  const [first = ""] = own.split(" ");
  return own.startsWith(wanted) ? /^[^ ]/.test(own.slice(wanted.length)) : first.startsWith(cut(name));
}

/** Without zombies. Throws when a line is not as expected. */
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

/** How far the age of a process that was just started may be from nothing. */
const fuzzSeconds = 5;
/** No process is older. */
const oldestSeconds = 50 * 366 * 86_400;

/**
 * By how many seconds the ages that ps tells are too high; null when they cannot be put right. In a container (lxcfs) ps
 * may take the time since the start of the container for that since the start of the machine.
 * `self`: the process that started ps, `selfSeconds`: how long it has been running at least.
 */
export function findAgeError(processes: readonly Process[], self: number, selfSeconds: number): number | null {
  const own = processes.find(({ pid }) => pid === self)?.seconds ?? null;
  // ps itself has just been started.
  const ages = processes.filter(({ ppid }) => ppid === self).map(({ seconds }) => seconds ?? Infinity);
  const error = ages.length === 0 ? 0 : Math.min(...ages);
  if (error > oldestSeconds) return null;
  if (error > fuzzSeconds) return error;
  const isTooYoung = own !== null && own + fuzzSeconds < selfSeconds;
  // Where ps tells no age at all of what would be negative, everything seems to have just been started.
  const first = processes.find(({ pid }) => pid === 1);
  return isTooYoung || first?.seconds === 0 ? null : 0;
}
