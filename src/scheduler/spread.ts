/** Spreads ticks of many senses that are due at the same moment. Pure; for scheduled_sense.ts. */

/** A part of `jitterMs`, at least 0 and less than it: always the same for one sense, in every daemon. */
export function spreadBy(sense: string, jitterMs: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < sense.length; at++) hash = Math.imul(hash ^ sense.charCodeAt(at), 0x01000193);
  // The last letters of a name reach the high bits only after some more mixing.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return Math.floor(((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32 * jitterMs);
}
