/** How many file descriptors this process may have. Reads /proc. */
import { ifPresent } from "./if_present.ts";

/** The limit in force; null where the system does not tell, or sets none. `pid`: of another process of this user. */
export function readDescriptorLimit(pid: number | "self" = "self"): number | null {
  const text = ifPresent(() => Deno.readTextFileSync(`/proc/${pid}/limits`)) ?? "";
  const [, soft] = /^Max open files +(\d+)/m.exec(text) ?? [];
  return soft === undefined ? null : Number(soft);
}
