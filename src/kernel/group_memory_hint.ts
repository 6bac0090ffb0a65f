/** Adds the number of loaded senses to the end of a group that outgrew its memory. Pure; used by process_events.ts. */
import type { ProcessEnd } from "../process/exit_cause.ts";
import type { ProcessSpec } from "../protocol/message.ts";

/** Returns the end unchanged, or with a longer message. */
export function addGroupMemoryHint({ kind, name, senses }: ProcessSpec, end: ProcessEnd, loaded: number): ProcessEnd {
  const outgrown = end.kind === "memory_limit" || end.kind === "out_of_memory";
  if (!outgrown || kind !== "group" || senses.length < 2) return end;
  const held = `${loaded.toLocaleString("en")} of its ${senses.length.toLocaleString("en")} senses loaded`;
  const advice = `raise groups.${name}.memory, or move senses to other groups`;
  return { ...end, message: `${end.message}, with ${held}: ${advice}` };
}
