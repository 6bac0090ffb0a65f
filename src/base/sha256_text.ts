/**
 * The sha256 of a text, synchronously: for code that cannot await in the middle of a transaction. Short texts are
 * hashed here, in a few microseconds; only a long text loads node:crypto, which takes 24 ms.
 */
import { getBuiltIn } from "./built_ins.ts";

const nativeFromChars = 16 * 1024;
const encoder = new TextEncoder();
/** Room for any short text, its padding and its length. */
const bytes = new Uint8Array(nativeFromChars * 3 + 72), view = new DataView(bytes.buffer), words = new Int32Array(64);

/** Lowercase hex of the text's UTF-8. */
export function sha256Text(text: string): string {
  if (text.length > nativeFromChars) {
    return getBuiltIn("node:crypto").createHash("sha256").update(text).digest("hex");
  }
  const { written } = encoder.encodeInto(text, bytes), end = (written + 9 + 63) & ~63;
  bytes.fill(0, written, end);
  bytes[written] = 0x80;
  // The upper half of the length in bits is zero.
  view.setUint32(end - 4, written * 8);
  const state = Int32Array.from(firstState);
  for (let at = 0; at < end; at += 64) addBlock(state, at);
  let hex = "";
  for (const word of state) hex += (word >>> 0).toString(16).padStart(8, "0");
  return hex;
}

// FIPS 180-4, 6.2.2.
function addBlock(state: Int32Array, at: number): void {
  for (let t = 0; t < 16; t++) words[t] = view.getInt32(at + t * 4);
  for (let t = 16; t < 64; t++) {
    const x = words[t - 15] as number, y = words[t - 2] as number;
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    words[t] = (words[t - 16] as number) + s0 + (words[t - 7] as number) + s1 | 0;
  }
  let a = state[0] as number, b = state[1] as number, c = state[2] as number, d = state[3] as number;
  let e = state[4] as number, f = state[5] as number, g = state[6] as number, h = state[7] as number;
  for (let t = 0; t < 64; t++) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const one = h + s1 + (e & f ^ ~e & g) + (constants[t] as number) + (words[t] as number) | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const two = s0 + (a & b ^ a & c ^ b & c) | 0;
    // One by one: swapping them in an array takes three times as long.
    h = g;
    g = f;
    f = e;
    e = d + one | 0;
    d = c;
    c = b;
    b = a;
    a = one + two | 0;
  }
  state[0] = (state[0] as number) + a | 0;
  state[1] = (state[1] as number) + b | 0;
  state[2] = (state[2] as number) + c | 0;
  state[3] = (state[3] as number) + d | 0;
  state[4] = (state[4] as number) + e | 0;
  state[5] = (state[5] as number) + f | 0;
  state[6] = (state[6] as number) + g | 0;
  state[7] = (state[7] as number) + h | 0;
}

/**
 * The first 32 bits of the fractional parts of the square roots of the first 8 primes, and the cube roots of the first
 * 64.
 */
const [firstState, constants] = deriveConstants();

function deriveConstants(): [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (root: number) => (root - Math.floor(root)) * 2 ** 32 | 0;
  return [
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  ];
}
