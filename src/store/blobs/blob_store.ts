/**
 * Content-addressed files: `<2 hex>/<62 hex>` under data/blobs, named by the sha256 of their bytes. Used inside the
 * sandbox as `ctx.blobs`; several processes write to one folder at the same time. Fits `Blobs` of the SDK by its shape.
 * I1. A file under its final name is whole: it is written aside, fsynced and renamed.
 * I2. What `read` returns has the digest that was asked for.
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

  /** Stores the bytes, or the UTF-8 of a text, once; returns their lowercase sha256. Throws STORE_FAILED. */
  async write(bytes: Uint8Array | string): Promise<string> {
    // A copy: the caller may change its bytes while they are being written.
    const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
    const digest = await sha256(content);
    const path = this.#path(digest);
    // A file of another length was damaged from outside; it is written again.
    const isWhole = async () => await readFileSize(path) === content.length;
    try {
      // Looked at once more when it is young: while it was made so, it may have been on its way out as garbage.
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
      throw new NerveError("PAYLOAD_INVALID", `${JSON.stringify(digest)} is no digest`, {
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
        // It may never have been made; what went wrong first is what counts.
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

/** Somebody is about to mention it: what is young is no garbage (blob_gc.ts). False: it has just been taken as that. */
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

/** Null: no such file. */
async function readFileSize(path: string): Promise<number | null> {
  return (await ifPresentAsync(() => Deno.stat(path)))?.size ?? null;
}
