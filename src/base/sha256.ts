/** The lowercase hex sha256 of bytes that are all in memory. By WebCrypto: each process would need 24 ms to load node:crypto. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // A copy: WebCrypto takes no bytes that may be shared.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
