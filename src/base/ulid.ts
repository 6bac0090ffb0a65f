/**
 * Ids that sort by their creation time: 48 bits of milliseconds and 80 random bits, 26 characters
 * (github.com/ulid/spec). Our own, because the npm package loads node:crypto, which takes 24 ms at each start.
 */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const timeChars = 10, randomChars = 16;

/** Each id is larger than the one before, even within a millisecond or after the clock was set back. */
export function createUlids(now: () => number): () => string {
  let time = -1, random: number[] = [];
  return () => {
    const ms = now();
    if (ms > time) {
      time = ms;
      random = Array.from(crypto.getRandomValues(new Uint8Array(randomChars)), (byte) => byte % alphabet.length);
    } else if (!increment(random)) {
      time++;
      random = random.map(() => 0);
    }
    return encodeTime(time) + random.map((digit) => alphabet[digit]).join("");
  };
}

function encodeTime(ms: number): string {
  let text = "";
  for (let rest = ms; text.length < timeChars; rest = Math.floor(rest / alphabet.length)) {
    text = alphabet[rest % alphabet.length] + text;
  }
  return text;
}

/** Adds one to the number that the digits form. False: it was the largest. */
function increment(digits: number[]): boolean {
  for (let at = digits.length - 1; at >= 0; at--) {
    const digit = digits[at] ?? 0;
    if (digit < alphabet.length - 1) {
      digits[at] = digit + 1;
      return true;
    }
    digits[at] = 0;
  }
  return false;
}
