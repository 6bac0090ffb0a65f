/**
 * The file that an agent was asked to write: whether it exists, and its content. Used by agent_host.ts.
 * I1. Only a file written after the prompt counts: `before` is the state when the agent was asked.
 * I2. No link is followed below `cwd`, and only a plain file of this user with one name is read: an agent cannot make
 *     nerve read the content of another file, or wait for a pipe, even by swapping the file while nerve reads it.
 * I3. At most `artifactMaxBytes` are read.
 */
import { join } from "node:path";
import * as z from "zod";
import { artifactLookMs, artifactMaxBytes, artifactPollMs } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { isMissing } from "../base/if_present.ts";
import { isNoFile, nodeFiles, nonblockingFlags } from "../base/open_nonblocking.ts";
import { type Clock, delay } from "../base/time.ts";
import type { ArtifactFound, PromptAsk } from "../protocol/agent.ts";
import { type Json, toJsonText } from "../protocol/json.ts";

/** Identifies the state of a file at a moment; null: there was none. */
export type ArtifactMark = string | null;

export async function markArtifact(cwd: string, path: string): Promise<ArtifactMark> {
  const info = await lstat(join(cwd, path));
  return info === null ? null : describe(info);
}

/** The check that a JSON Schema defines. Throws when nerve does not understand it. */
export function compileSchema({ json, enforced }: PromptAsk["expectedSchema"]): (value: Json) => string | null {
  if (json === null || !enforced) return () => null;
  const schema = z.fromJSONSchema(JSON.parse(json));
  return (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? null : z.prettifyError(parsed.error);
  };
}

/** Looks for it until it is there and whole, for as long as an agent may take to write after it has answered. */
export async function findArtifact(
  { cwd, path, before, clock, signal }: {
    readonly cwd: string;
    readonly path: string;
    readonly before: ArtifactMark;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<ArtifactFound> {
  const until = clock.monotonic() + artifactLookMs;
  for (;;) {
    const found = await look(cwd, path, before);
    signal.throwIfAborted();
    if ("value" in found || found.final || clock.monotonic() >= until) return found;
    await delay(clock, artifactPollMs);
  }
}

/** `final`: looking again does not help. */
type Look = { readonly value: Json } | { readonly fault: string; readonly final: boolean };

const wait = (fault: string): Look => ({ fault, final: false });
const refuse = (fault: string): Look => ({ fault, final: true });

async function look(cwd: string, path: string, before: ArtifactMark): Promise<Look> {
  const parts = path.split("/");
  for (let at = 1; at < parts.length; at++) {
    const folder = await lstat(join(cwd, ...parts.slice(0, at)));
    if (folder?.isSymlink) return refuse(`${parts.slice(0, at).join("/")} is a link, which is not followed`);
  }
  const file = join(cwd, path), info = await lstat(file);
  if (info === null) return wait("it is not there");
  if (info.isSymlink) return refuse("it is a link, which is not followed");
  if (!info.isFile) return refuse("it is not a regular file");
  if (info.uid !== Deno.uid()) return refuse("it belongs to another user");
  if ((info.nlink ?? 1) > 1) return refuse("it has a second name (a hard link)");
  if (describe(info) === before) return wait("it was there before and has not been written since");
  if (info.size > artifactMaxBytes) return refuse(`it has ${info.size} bytes: at most ${artifactMaxBytes} are read`);
  const text = await read(file, info);
  if (text === null) return wait("it changed while it was read");
  return parse(text);
}

/** Null when the path is not, or no longer, that file. */
async function read(file: string, info: Deno.FileInfo): Promise<string | null> {
  try {
    const opened = await nodeFiles().promises.open(file, nonblockingFlags());
    try {
      if (describe(await opened.stat()) !== describe(info)) return null;
      const bytes = new Uint8Array(artifactMaxBytes + 1);
      let length = 0;
      for (let count = -1; count !== 0 && length < bytes.length; length += count) {
        count = (await opened.read(bytes, length)).bytesRead;
      }
      if (describe(await opened.stat()) !== describe(info)) return null;
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await opened.close();
    }
  } catch (thrown) {
    // The file is gone, or is a link or a socket now.
    if (isNoFile(thrown)) return null;
    throw thrown;
  }
}

function parse(text: string): Look {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return wait(`it is not valid JSON: ${messageOf(thrown)}`);
  }
  const checked = toJsonText(value, artifactMaxBytes);
  return checked.ok ? { value: JSON.parse(checked.value) } : refuse(`it ${checked.error}`);
}

type FileIdentity = Pick<Deno.FileInfo, "dev" | "ino" | "size" | "mtime" | "ctime">;

function describe({ dev, ino, size, mtime, ctime }: FileIdentity): string {
  return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
}

async function lstat(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}
