/** How many file descriptors this process may have. Reads /proc. */
import { ifPresent } from "./if_present.ts";

/** The limit in force; null where it is unknown or unlimited. `pid` may name another process of this user. */
export function readDescriptorLimit(pid: number | "self" = "self"): number | null {
  const text = ifPresent(() => Deno.readTextFileSync(`/proc/${pid}/limits`)) ?? "";
  const [, soft] = /^Max open files +(\d+)/m.exec(text) ?? [];
  return soft === undefined ? null : Number(soft);
}
