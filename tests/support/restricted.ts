/**
 * Restricts itself by Landlock as if the system had the given version of it, then prints what is refused.
 *
 *     deno run -A tests/support/restricted.ts FOLDER VERSION
 */
import { restrictSelf } from "../../src/base/landlock.ts";

const [folder = "", version] = Deno.args, open = `${folder}/open`, closed = `${folder}/closed`;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const system = ["/usr", "/lib", "/lib64", "/bin"].map((path) => [path, "execute"] as const);
const scoped = restrictSelf({
  paths: [
    ...system,
    ["/dev/null", "read"],
    ["/dev/null", "write"],
    [open, "read"],
    [open, "write"],
    [`${closed}/one`, "read"],
    [`${folder}/missing`, "write"],
  ],
  connect: [1],
  bind: [],
}, Number(version));

async function refused(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return false;
  } catch (thrown) {
    if (/os error (1|13|18)\b|EPERM/.test(String(thrown))) return true;
    throw thrown;
  }
}

const run = (script: string) => () => {
  const { success, stderr } = new Deno.Command("/bin/sh", { args: ["-c", script] }).outputSync();
  if (!success) throw new Error(`os error 13: ${new TextDecoder().decode(stderr)}`);
};
const found = {
  scoped,
  readOpen: await refused(() => Deno.readTextFileSync(`${open}/a`)),
  writeOpen: await refused(() => Deno.writeTextFileSync(`${open}/b`, "x")),
  removeOpen: await refused(() => Deno.removeSync(`${open}/b`)),
  readOne: await refused(() => Deno.readTextFileSync(`${closed}/one`)),
  readOther: await refused(() => Deno.readTextFileSync(`${closed}/other`)),
  list: await refused(() => [...Deno.readDirSync(closed)]),
  write: await refused(() => Deno.writeTextFileSync(`${closed}/new`, "x", { append: true })),
  remove: await refused(() => Deno.removeSync(`${closed}/other`)),
  move: await refused(() => Deno.renameSync(`${closed}/other`, `${open}/other`)),
  connect: await refused(async () => (await Deno.connect({ port: listener.addr.port })).close()),
  bind: await refused(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close()),
  signal: await refused(run(`kill -0 ${Deno.ppid}`)),
};
listener.close();
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(found)));
