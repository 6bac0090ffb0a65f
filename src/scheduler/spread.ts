/** Spreads the ticks of senses that are due at the same moment. Pure; for scheduled_sense.ts. */

/** A delay from 0 to less than `jitterMs`, always the same for one sense, in every daemon. */
export function spreadBy(sense: string, jitterMs: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < sense.length; at++) hash = Math.imul(hash ^ sense.charCodeAt(at), 0x01000193);
  // Further mixing, so that the last letters of a name reach the high bits.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return Math.floor(((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32 * jitterMs);
}
