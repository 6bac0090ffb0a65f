/**
 * Content-addressed files: `<2 hex>/<62 hex>` under data/blobs, named by the sha256 of their bytes. Used in the sandbox
 * as `ctx.blobs`; several processes write to one folder concurrently. Implements `Blobs` of the SDK structurally.
 * I1. A file under its final name is complete: it is written under a temporary name, fsynced and renamed.
 * I2. The bytes that `read` returns have the requested digest.
 * I3. A digest is checked before it becomes a path.
 */
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { makeFolderDurably, syncFolder } from "../../base/durable_folder.ts";
import { NerveError } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { sha256 } from "../../base/sha256.ts";
import { toStoreError } from "../sqlite/database.ts";

const digestPattern = /^[0-9a-f]{64}$/;

export class BlobStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Stores the bytes, or the UTF-8 of a text, once; resolves with their lowercase hex sha256. Throws STORE_FAILED. */
  async write(bytes: Uint8Array | string): Promise<string> {
    // A copy: the caller may change its bytes during the write.
    const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
    const digest = await sha256(content);
    const path = this.#path(digest);
    // A file with another length was damaged; it is written again.
    const isWhole = async () => await readFileSize(path) === content.length;
    try {
      // Checked again after the touch: the garbage collector may have removed the file meanwhile.
      if (!await isWhole() || !await touch(path) || !await isWhole()) await this.#writeFile(digest, content);
    } catch (thrown) {
      throw toStoreError(`blob ${digest} cannot be written`, thrown);
    }
    return digest;
  }

  /** Throws STORE_FAILED when there is no such blob, or when the file does not match its digest. */
  async read(digest: string): Promise<Uint8Array> {
    const path = this.#path(digest);
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(path);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) {
        throw new NerveError("STORE_FAILED", `there is no blob ${digest}`, { cause: thrown });
      }
      throw toStoreError(`blob ${digest} cannot be read`, thrown);
    }
    if (await sha256(bytes) !== digest) {
      throw new NerveError("STORE_FAILED", `blob ${digest} is damaged: its bytes have another digest`, {
        hint: `remove ${path} and write it again`,
      });
    }
    return bytes;
  }

  async has(digest: string): Promise<boolean> {
    return await readFileSize(this.#path(digest)) !== null;
  }

  #path(digest: string): string {
    if (typeof digest !== "string" || !digestPattern.test(digest)) {
      throw new NerveError("PAYLOAD_INVALID", `${JSON.stringify(digest)} is not a digest`, {
        hint: "a digest is the 64 lowercase hex digits that write returned",
      });
    }
    return join(this.#folder, digest.slice(0, 2), digest.slice(2));
  }

  async #writeFile(digest: string, content: Uint8Array): Promise<void> {
    const folder = join(this.#folder, digest.slice(0, 2));
    const aside = join(folder, `.${crypto.randomUUID()}`);
    await makeFolderDurably(folder);
    try {
      await writeDurably(aside, content);
      await Deno.rename(aside, this.#path(digest));
    } catch (thrown) {
      await Deno.remove(aside).catch(() => {
        // It may not exist; the first error counts.
      });
      throw thrown;
    }
    await syncFolder(folder);
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
  await file.sync();
}

/** Renews the age of a blob before it is mentioned, so that blob_gc.ts keeps it. False: it was just removed. */
async function touch(path: string): Promise<boolean> {
  const seconds = systemClock.now() / 1_000;
  try {
    await Deno.utime(path, seconds, seconds);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Null when there is no such file. */
async function readFileSize(path: string): Promise<number | null> {
  return (await ifPresentAsync(() => Deno.stat(path)))?.size ?? null;
}
