/** Small and read-only file systems for tests; mounting them needs root, and fails in some containers. */
import { join } from "node:path";

function run(program: string, ...args: string[]): boolean {
  return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
}

/** Whether this process may mount, found out by trying. */
export const canMount: boolean = Deno.build.os === "linux" && Deno.uid() === 0 && triedToMount();

function triedToMount(): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "nerve-mount-" });
  try {
    return run("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder) && run("umount", folder);
  } finally {
    Deno.removeSync(folder);
  }
}

/** Mounts a file system of `bytes` at `folder`, which is created; it is unmounted when it is disposed of. */
export function smallDisk(folder: string, bytes: number): SmallDisk {
  Deno.mkdirSync(folder, { recursive: true });
  if (!run("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=755`, "none", folder)) {
    throw new Error(`cannot mount ${folder}`);
  }
  return new SmallDisk(folder);
}

export class SmallDisk implements Disposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Fills all free space. */
  fill(): void {
    using file = Deno.openSync(join(this.#folder, "filler"), { create: true, append: true });
    for (let bytes = 64 * 1024; bytes >= 1;) {
      try {
        file.writeSync(new Uint8Array(bytes));
      } catch {
        // When there is no space for so much: less and less, until no byte is free.
        bytes = Math.floor(bytes / 2);
      }
    }
  }

  /**
   * Empties the filler before removing it: a child that another thread is just starting still holds a descriptor of it,
   * and a removed file keeps its space until then.
   */
  free(): void {
    const filler = join(this.#folder, "filler");
    Deno.truncateSync(filler);
    Deno.removeSync(filler);
  }

  readOnly(): void {
    if (!run("mount", "-o", "remount,ro", this.#folder)) throw new Error(`cannot remount ${this.#folder}`);
  }

  [Symbol.dispose](): void {
    run("umount", "--lazy", this.#folder);
  }
}

/** Makes one file unwritable even for root, until it is disposed of. */
export function readOnlyFile(path: string): Disposable {
  if (!run("mount", "--bind", path, path) || !run("mount", "-o", "remount,bind,ro", path)) {
    throw new Error(`cannot mount ${path}`);
  }
  return { [Symbol.dispose]: () => void run("umount", "--lazy", path) };
}
