/** Parses the output of `ps` with the columns below and one column of text after them. */

export interface Process {
  readonly pid: number;
  readonly rssBytes: number;
  /** Since its start. */
  readonly seconds: number;
  /** Its name or its command line, depending on the column of text. */
  readonly text: string;
}

/** Arguments of ps. A column of text must follow: it may hold spaces, so it must be the last. */
export const psColumns: readonly string[] = ["pid", "stat", "rss", "etime"].flatMap((name) => ["-o", `${name}=`]);

const row =
  /^ *(?<pid>\d+) +(?<stat>\S+) +(?<rss>\d+) +(?:(?<days>\d+)-)?(?<clock>\d+(?::\d+){1,2})(?: (?<text>.*))?$/s;

/** English messages; names in any language unchanged. */
export const psEnvironment = { LC_ALL: "C.UTF-8" };

/** Linux truncates a process's name to this. */
const nameMaxBytes = 15;

/** Whether `text`, the name that ps prints, may be that of the program `name`. */
export function isNamed(text: string, name: string): boolean {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= nameMaxBytes) return text === name.trim();
  // A character of several bytes may be cut in two; ps prints a ? for each remaining byte.
  const whole = new TextDecoder().decode(bytes.subarray(0, nameMaxBytes)).replace(/\uFFFD$/, "").trim();
  return text.startsWith(whole) && /^\?{0,3}$/.test(text.slice(whole.length));
}

/** Without zombies. Throws when a line is not as expected. */
export function parsePs(output: string): Process[] {
  return output.split("\n").filter((line) => line.trim() !== "").flatMap((line) => {
    const found = row.exec(line)?.groups;
    if (found === undefined) throw new Error(`ps printed something unexpected: ${line.slice(0, 200)}`);
    if (found.stat?.startsWith("Z")) return [];
    const clock = (found.clock ?? "").split(":").reduce((total, part) => total * 60 + Number(part), 0);
    return [{
      pid: Number(found.pid),
      rssBytes: Number(found.rss) * 1024,
      seconds: Number(found.days ?? 0) * 86_400 + clock,
      text: (found.text ?? "").trim(),
    }];
  });
}
