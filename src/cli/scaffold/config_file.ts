/**
 * Reads and replaces nerve.yaml for a command that changes it. Used by cli/commands/library.ts and
 * cli/commands/init_part.ts.
 * I1. A reader sees the whole old text or the whole new one: the new text is written to another file, synced and
 *     renamed.
 * I2. Mode and owner stay the same, and a link to the file stays a link.
 * I3. A change that someone else made since the file was read is not overwritten.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import { configFileName } from "../../config/workspace.ts";

/** Reads the text and keeps every byte, including a byte order mark. Throws CONFIG_INVALID. */
export async function readConfigText(path: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await Deno.readFile(path));
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw new NerveError("CONFIG_INVALID", `${configFileName} is not UTF-8 text`, {
      hint: "convert it to UTF-8",
      cause: thrown,
    });
  }
}

/** Replaces `old`, the text that was read, with `text`. Throws CONFIG_INVALID when the file has changed since. */
export async function replaceConfigText(path: string, old: string, text: string): Promise<void> {
  const target = await Deno.realPath(path);
  const { mode, uid, gid } = await Deno.stat(target);
  const temporary = `${target}.${Deno.pid}.new`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
    const made = await file.stat();
    if (uid !== null && gid !== null && (made.uid !== uid || made.gid !== gid)) await Deno.chown(temporary, uid, gid);
    if (mode !== null) await Deno.chmod(temporary, mode & 0o7777);
    if (await readConfigText(target) !== old) {
      throw new NerveError("CONFIG_INVALID", `${configFileName} was changed by someone else just now`, {
        hint: "run the command again",
      });
    }
    await Deno.rename(temporary, target);
  } catch (thrown) {
    await Deno.remove(temporary).catch((removal: unknown) => {
      if (!(removal instanceof Deno.errors.NotFound)) throw new Error(messageOf(removal), { cause: thrown });
    });
    throw thrown;
  }
}
