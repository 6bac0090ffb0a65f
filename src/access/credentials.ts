/**
 * Makes and compares the secrets of tokens, sessions and links: `nerve_ID_SECRET`. The id finds the record, the secret
 * proves it. Used by access_control.ts and login_links.ts.
 * I1. A secret has 256 random bits, and only its hash is kept.
 * I2. Comparing hashes takes a time that reveals nothing about where they differ.
 */
import { sha256 } from "../base/sha256.ts";
import { credentialPattern } from "../protocol/access.ts";

export interface NewCredential {
  readonly id: string;
  /** Shown only once. */
  readonly text: string;
  readonly hash: string;
}

export async function makeCredential(): Promise<NewCredential> {
  const id = toHex(crypto.getRandomValues(new Uint8Array(8)));
  const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
  return { id, text: `nerve_${id}_${secret}`, hash: await hashSecret(secret) };
}

/** Null: the text does not have the form of a credential. */
export function parseCredential(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = credentialPattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

export function hashSecret(secret: string): Promise<string> {
  return sha256(new TextEncoder().encode(secret));
}

/** Compares hashes; both have the same length. */
export function isSameHash(one: string, other: string): boolean {
  let different = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) different |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return different === 0;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
