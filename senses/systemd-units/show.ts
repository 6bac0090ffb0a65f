/** Runs `systemctl show` for the state of units, and reads its output. Used by index.ts. */
import { runProgram } from "../../lib/program.ts";

export interface Unit {
  /** The unit's own name; `names` includes its aliases. */
  readonly name: string;
  readonly names: readonly string[];
  /** `loaded`, `not-found`, `masked`, `error`, `bad-setting`. */
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  /** `success`, or why it failed; empty for kinds of units without a result. */
  readonly result: string;
  /** The exit status of its main process, or the number of a signal; null where there is none. */
  readonly exitStatus: number | null;
  readonly restarts: number;
  /** Whether it does its work and then is inactive: a service of the type oneshot that does not remain. */
  readonly endsByItself: boolean;
  readonly since: string;
  readonly loadError: string | null;
}

const properties = [
  ...["Id", "Names", "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "ExecMainCode", "NRestarts"],
  ...["Type", "RemainAfterExit", "StateChangeTimestampMonotonic", "LoadError"],
];
/** States are English in any language; a pager, colours and hints for people are turned off. */
const env = {
  LC_ALL: "C.UTF-8",
  SYSTEMD_COLORS: "0",
  SYSTEMD_PAGER: "",
  SYSTEMD_PAGERSECURE: "1",
  SYSTEMD_URLIFY: "0",
};

/** In the order of `names`. Patterns among them match units that systemd has in memory, sorted by name. */
export async function readUnits(names: readonly string[], isUser: boolean, signal: AbortSignal): Promise<Unit[]> {
  const flags = ["--no-pager", "--no-ask-password", ...isUser ? ["--user"] : []];
  const args = ["show", ...flags, `--property=${properties.join(",")}`, "--", ...names];
  const whose = isUser ? "the user's systemd, which needs XDG_RUNTIME_DIR" : "systemd";
  const found = parseUnits(await runProgram({ name: "systemctl", args, env }, signal, `systemctl cannot ask ${whose}`));
  const placeOf = (unit: Unit) => names.findIndex((name) => matchesUnit(name, unit));
  return found.sort((a, b) => placeOf(a) - placeOf(b) || (a.name < b.name ? -1 : 1));
}

/** Units are separated by empty lines; a unit that several names lead to appears once for each. */
export function parseUnits(text: string): Unit[] {
  const found = new Map<string, Unit>();
  for (const block of text.split(/\n{2,}/)) {
    const values = new Map(
      block.split("\n").map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const unit = toUnit((name) => values.get(name) ?? "");
    if (unit.name !== "") found.set(unit.name, unit);
  }
  return [...found.values()];
}

function toUnit(value: (name: string) => string): Unit {
  const hasRun = Number(value("ExecMainCode")) > 0;
  return {
    name: value("Id"),
    names: value("Names").split(" "),
    load: value("LoadState"),
    active: value("ActiveState"),
    sub: value("SubState"),
    result: value("Result"),
    exitStatus: hasRun ? Number(value("ExecMainStatus")) : null,
    restarts: Number(value("NRestarts")) || 0,
    endsByItself: value("Type") === "oneshot" && value("RemainAfterExit") === "no",
    since: value("StateChangeTimestampMonotonic"),
    // `NAME_OF_THE_ERROR "words"`.
    loadError: /"(.*)"/.exec(value("LoadError"))?.[1] || null,
  };
}

const suffixes = [
  "service",
  "socket",
  "timer",
  "target",
  "mount",
  "automount",
  "path",
  "scope",
  "slice",
  "swap",
  "device",
];

/** Adds `.service` to a name without a suffix, as systemctl does. Throws a TypeError when it is not a unit's name. */
export function toUnitName(text: string): string {
  if (!/^[\w:.\\@*?[\]-]{1,255}$/.test(text) || text.startsWith("-")) {
    throw new TypeError(`"${text.slice(0, 100)}" is not the name of a unit`);
  }
  const name = suffixes.some((suffix) => text.endsWith(`.${suffix}`)) ? text : `${text}.service`;
  if (/@\.\w+$/.test(name)) {
    throw new TypeError(`"${text}" is a template: name its instances, such as "${name.replace("@.", "@*.")}"`);
  }
  return name;
}

export function isPattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** Matches `*`, `?` and `[...]`, as systemctl does. */
export function matchesUnit(pattern: string, { name, names }: Unit): boolean {
  if (!isPattern(pattern)) return name === pattern || names.includes(pattern);
  const source = pattern.replaceAll(/[\\^$.|+(){}]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".").replaceAll(
    "[!",
    "[^",
  );
  const expression = new RegExp(`^${source}$`, "s");
  return [name, ...names].some((each) => expression.test(each));
}
