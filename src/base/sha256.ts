/** The sha256 of bytes in memory, as lowercase hex. Uses WebCrypto: loading node:crypto takes 24 ms per process. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // A copy: WebCrypto refuses shared memory.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
