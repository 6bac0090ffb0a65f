/** Programs that a sense or role starts in a test, identified by a number among their arguments. */
import { systemClock } from "../../src/base/clock.ts";
import { isGoneProcess } from "../../src/base/if_present.ts";
import { delay } from "../../src/base/time.ts";
import { deadlineMs } from "./workspace_fixture.ts";

let last = 0;

/** For `sleep`: seconds that no other program on this machine sleeps for. */
export function ownSeconds(): string {
  return `86400.${Deno.pid}${String(++last).padStart(3, "0")}1`;
}

/** The pids of running programs with this argument. A zombie has no arguments. */
export function runningWith(argument: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return Number.isInteger(pid) && Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(argument);
    } catch (thrown) {
      if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
      throw thrown;
    }
  });
}

/** Resolves when `count` programs have the argument. It polls, because no event reports their start and end. */
export async function untilRunning(argument: string, count: number): Promise<number[]> {
  const latest = systemClock.monotonic() + deadlineMs;
  for (;;) {
    const pids = runningWith(argument);
    if (pids.length === count) return pids;
    if (systemClock.monotonic() > latest) throw new Error(`${pids.length} programs run with ${argument}, not ${count}`);
    await delay(systemClock, 5);
  }
}

/** Shell: starts three programs in the background, one of which leaves the session and one its environment. */
export function leaveBehind(seconds: string): string {
  return `sleep ${seconds} & setsid sleep ${seconds} & env -i PATH=$PATH sleep ${seconds} &`;
}
