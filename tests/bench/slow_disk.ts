/** Benchmarks on a disk with a slower fsync: tools/slow_fsync.c is compiled and preloaded (Linux). */
import { fromFileUrl } from "../support/paths.ts";
import { compiled } from "./compiled.ts";
import type { Figure, Figures } from "./figure.ts";

/** The library that slows fsync, or null when it cannot be built. */
export async function slowDisk(): Promise<string | null> {
  return await compiled("slow_fsync.c", "slow_fsync.so", ["-shared", "-fPIC", "-ldl"]);
}

/** The figure that the program at `url` prints when each of its fsyncs takes `addedMs` longer. */
export async function* underSlowDisk(library: string, addedMs: number, url: string): Figures {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", fromFileUrl(url), String(addedMs)],
    env: { LD_PRELOAD: library, SLOW_FSYNC_US: String(addedMs * 1_000) },
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`the benchmark under a slow disk ended with code ${code}`);
  yield JSON.parse(new TextDecoder().decode(stdout)) as Figure;
}
