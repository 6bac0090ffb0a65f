/**
 * nerve.yaml as a file that a command changes.
 * I1. Whoever reads it sees the old text or the new one, whole: it is written aside, made durable and renamed.
 * I2. Its mode and owner stay, and a link to it stays a link.
 * I3. What somebody else wrote since it was read is not written over.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import { configFileName } from "../../config/workspace.ts";

/** Every byte of it, a byte order mark too. Throws CONFIG_INVALID. */
export async function readConfigText(path: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await Deno.readFile(path));
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw new NerveError("CONFIG_INVALID", `${configFileName} is not UTF-8 text`, {
      hint: "Convert it",
      cause: thrown,
    });
  }
}

/** Puts `text` in the place of `old`, which is what was read. Throws CONFIG_INVALID when it has changed since. */
export async function replaceConfigText(path: string, old: string, text: string): Promise<void> {
  const target = await Deno.realPath(path);
  const { mode, uid, gid } = await Deno.stat(target);
  const aside = `${target}.${Deno.pid}.new`;
  try {
    using file = await Deno.open(aside, { write: true, createNew: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
    const made = await file.stat();
    if (uid !== null && gid !== null && (made.uid !== uid || made.gid !== gid)) await Deno.chown(aside, uid, gid);
    if (mode !== null) await Deno.chmod(aside, mode & 0o7777);
    if (await readConfigText(target) !== old) {
      throw new NerveError("CONFIG_INVALID", `${configFileName} was changed by somebody else just now`, {
        hint: "Run the command again",
      });
    }
    await Deno.rename(aside, target);
  } catch (thrown) {
    await Deno.remove(aside).catch((removal: unknown) => {
      if (!(removal instanceof Deno.errors.NotFound)) throw new Error(messageOf(removal), { cause: thrown });
    });
    throw thrown;
  }
}
