/**
 * Builds the portable form: a POSIX shell header (header.sh) and a compressed tar archive of `deno` and `app/`, in one
 * file. Used by main.ts. It is compressed with gzip, which every system with tar has; xz would save 11 of 42 MB but
 * take 3 times as long to unpack.
 */
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { bundleFlags } from "../../src/base/self_exec.ts";
import { version } from "../../src/base/version.ts";
import { entryPaths } from "./stage.ts";
import { type ArchiveFile, tarChunks } from "./tar.ts";

const headerTemplate = await Deno.readTextFile(new URL("./header.sh", import.meta.url));

/** Writes the executable to `out`, from the staged folder and the Deno that runs this build. */
export async function writePortable(staged: string, out: string): Promise<void> {
  const deno = { path: "deno", bytes: await Deno.readFile(Deno.execPath()), executable: true };
  const chunks = tarChunks([deno, ...readFolder(staged).map((file) => ({ ...file, path: `app/${file.path}` }))]);
  const compressed = ReadableStream.from(chunks).pipeThrough(new CompressionStream("gzip"));
  const archive = new Uint8Array(await new Response(compressed).arrayBuffer());
  // A hash of the compressed archive, not of its files: the header belongs to exactly these bytes.
  const hash = createHash("sha256").update(archive).digest("hex").slice(0, 32);
  const header = new TextEncoder().encode(createHeader({ hash, version, target: Deno.build.target }));
  using file = await Deno.open(out, { write: true, create: true, truncate: true });
  for (const part of [header, archive]) {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
  await Deno.chmod(out, 0o755);
}

/** The header, which contains its own length. */
export function createHeader(values: { hash: string; version: string; target: string }): string {
  const text = headerTemplate.replaceAll("@HASH@", values.hash).replaceAll("@VERSION@", values.version)
    .replaceAll("@TARGET@", values.target).replaceAll("@FLAGS@", bundleFlags.join(" "))
    .replaceAll("@ENTRIES@", ["deno.json", ...entryPaths].map((path) => `app/${path}`).join(" "));
  const size = (offset: number) => new TextEncoder().encode(text.replace("@OFFSET@", String(offset))).length;
  let offset = 1;
  // `tail` counts from 1. The loop ends soon: the offset gains a digit once or twice at most.
  while (size(offset) + 1 !== offset) offset = size(offset) + 1;
  return text.replace("@OFFSET@", String(offset));
}

/** All files below `root`, sorted. */
function readFolder(root: string, folder: string = root): ArchiveFile[] {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.flatMap((entry): ArchiveFile[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory) return readFolder(root, path);
    return [{ path: relative(root, path), bytes: Deno.readFileSync(path), executable: false }];
  });
}
