/** Reads the output of `ps` with the columns asked for here, and one of text behind them. */

export interface Process {
  readonly pid: number;
  readonly rssBytes: number;
  /** Since its start. */
  readonly seconds: number;
  /** Its name, or its command line: whichever column was asked for. */
  readonly text: string;
}

/** Arguments of ps. A column of text must follow: it may hold spaces, so it must be the last. */
export const psColumns: readonly string[] = ["pid", "stat", "rss", "etime"].flatMap((name) => ["-o", `${name}=`]);

const row =
  /^ *(?<pid>\d+) +(?<stat>\S+) +(?<rss>\d+) +(?:(?<days>\d+)-)?(?<clock>\d+(?::\d+){1,2})(?: (?<text>.*))?$/s;

/** So that ps prints the letters of every language as they are, and no words but English ones. */
export const psEnvironment = { LC_ALL: "C.UTF-8" };

/** Linux keeps no more of a process's name. */
const nameMaxBytes = 15;

/** Whether a process whose name is told as `text` may be the program of that name. */
export function isNamed(text: string, name: string): boolean {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= nameMaxBytes) return text === name.trim();
  // A letter of several bytes may be cut in two; ps prints a ? for each byte of what is left of it.
  const whole = new TextDecoder().decode(bytes.subarray(0, nameMaxBytes)).replace(/\uFFFD$/, "").trim();
  return text.startsWith(whole) && /^\?{0,3}$/.test(text.slice(whole.length));
}

/** Without those that have ended and wait for their parent to notice. Throws when a line is not as expected. */
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
