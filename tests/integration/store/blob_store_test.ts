import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Blobs } from "../../../src/sdk/sense.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

/** Compiles only while the store fits the SDK's promise to authors. */
const open = (folder: string): Blobs => new BlobStore(folder);
const pathOf = (folder: string, digest: string) => join(folder, digest.slice(0, 2), digest.slice(2));

Deno.test("a blob is stored under its sha256, for its owner only, and read back", () =>
  inTempDir(async (root) => {
    const folder = join(root, "blobs"), blobs = open(folder), bytes = new Uint8Array([0, 255, 1]);
    const digest = await blobs.write(bytes);
    assert.equal(digest, createHash("sha256").update(bytes).digest("hex"));
    assert.deepEqual(await blobs.read(digest), bytes);
    const info = await Deno.stat(pathOf(folder, digest));
    assert.deepEqual([(info.mode ?? 0) & 0o777, info.size], [0o600, 3]);
    const names = [...Deno.readDirSync(join(folder, digest.slice(0, 2)))].map(({ name }) => name);
    assert.deepEqual(names, [digest.slice(2)]);
  }));

Deno.test("a text is stored as UTF-8, and the same bytes are stored once", () =>
  inTempDir(async (root) => {
    const blobs = open(root);
    const digest = await blobs.write("é\u{1F600}");
    const before = (await Deno.stat(pathOf(root, digest))).ino;
    assert.equal(await blobs.write(new TextEncoder().encode("é\u{1F600}")), digest);
    assert.equal((await Deno.stat(pathOf(root, digest))).ino, before);
    assert.equal(new TextDecoder().decode(await blobs.read(digest)), "é\u{1F600}");
    const empty = await blobs.write("");
    assert.deepEqual(await blobs.read(empty), new Uint8Array());
  }));

Deno.test("concurrent writers of the same and of other bytes leave complete files and no temporary ones", () =>
  inTempDir(async (root) => {
    const blobs = open(root);
    const digests = await Promise.all(Array.from({ length: 20 }, (_, n) => blobs.write("x".repeat(1_000 * (n % 4)))));
    assert.equal(new Set(digests).size, 4);
    for (const digest of digests) await blobs.read(digest);
    const files = [...Deno.readDirSync(root)].flatMap(({ name }) => [...Deno.readDirSync(join(root, name))]);
    assert.equal(files.length, 4);
  }));

Deno.test("changing the bytes while they are written does not change the blob", () =>
  inTempDir(async (root) => {
    const blobs = open(root), bytes = new Uint8Array([1, 2, 3]);
    const writing = blobs.write(bytes);
    bytes.fill(9);
    assert.deepEqual(await blobs.read(await writing), new Uint8Array([1, 2, 3]));
  }));

Deno.test("a damaged blob is not returned; one of another length is written again", () =>
  inTempDir(async (root) => {
    const blobs = open(root), digest = await blobs.write("good"), path = pathOf(root, digest);
    await Deno.writeTextFile(path, "evil");
    await assert.rejects(blobs.read(digest), { code: "STORE_FAILED", message: /damaged/ });
    await Deno.writeTextFile(path, "");
    await blobs.write("good");
    assert.equal(new TextDecoder().decode(await blobs.read(digest)), "good");
  }));

Deno.test("a missing blob is distinguished from an existing one", () =>
  inTempDir(async (root) => {
    const blobs = open(root), digest = await blobs.write("here"), other = "0".repeat(64);
    assert.deepEqual([await blobs.has(digest), await blobs.has(other)], [true, false]);
    await assert.rejects(blobs.read(other), { code: "STORE_FAILED", message: /no blob/ });
  }));

// The bug would be: `../../logs.db` as a digest reads, or reveals, whatever lies beside the blobs.
Deno.test("an invalid digest never becomes a path", () =>
  inTempDir(async (root) => {
    const blobs = open(join(root, "blobs"));
    const digest = await blobs.write("x");
    await Deno.writeTextFile(join(root, "secret"), "s");
    const wrong = ["", "../secret", "..%2fsecret", digest.toUpperCase(), `${digest}\n`, digest.slice(1), `${digest}0`];
    for (const name of [...wrong, `../../${digest.slice(6)}`, null, 7, [digest]]) {
      await assert.rejects(blobs.read(name as string), { code: "PAYLOAD_INVALID" }, JSON.stringify(name));
      await assert.rejects(blobs.has(name as string), { code: "PAYLOAD_INVALID" }, JSON.stringify(name));
    }
  }));
