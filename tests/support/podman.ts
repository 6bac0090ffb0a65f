/** A real Podman with storage of its own, its service on a socket, and an image that contains only BusyBox. */
import { enterGroup, removeGroup } from "./control_group.ts";
import { hasProgram, tellIgnored } from "./debian.ts";
import { canMount } from "./mounts.ts";

/** In some containers root may not raise limits; these are lower than any. */
const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
const image = "localhost/nerve-test:1";

export class Podman implements AsyncDisposable {
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "nerve-podman-" });
  readonly #group: string = `nerve-test-${crypto.randomUUID()}`;
  readonly socket: string = `${this.#folder}/podman.sock`;
  readonly #service: Deno.ChildProcess;

  private constructor() {
    // A control group of its own, of one version: Podman's runtime refuses a mixture, and Podman moves all processes.
    const script = `${enterGroup(this.#folder, this.#group)}exec unshare --mount --cgroup sh -c "$0" sh "$@"`;
    const service = this.#command("system", "service", "--time=0", `unix://${this.socket}`);
    const inner = 'mount -t cgroup2 none /sys/fs/cgroup && echo ready && exec "$@" > /dev/null';
    const args = ["--mount", "sh", "-c", script, inner, ...service];
    this.#service = new Deno.Command("unshare", { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  }

  /** Null where containers cannot be run. */
  static async start(): Promise<Podman | null> {
    const podman = new Podman();
    try {
      // Its namespaces exist.
      if (!(await new Response(podman.#service.stdout).text()).startsWith("ready")) {
        throw new PodmanError("no namespaces");
      }
      await podman.#importImage();
      await podman.run("probe", [], "true");
      await podman.podman("rm", "probe");
      for (let tries = 0; tries < 100; tries++) {
        if (await podman.#answers()) return podman;
        await podman.podman("version");
      }
    } catch (error) {
      if (!(error instanceof PodmanError)) throw error;
    }
    await podman[Symbol.asyncDispose]();
    return null;
  }

  #command(...args: string[]): string[] {
    const where = ["root", "runroot", "tmpdir"].flatMap((name) => [`--${name}`, `${this.#folder}/${name}`]);
    return ["podman", ...where, "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file", ...args];
  }

  async podman(...args: string[]): Promise<string> {
    const enter = 'echo $$ > /sys/fs/cgroup/cgroup.procs; exec "$@"';
    const where = ["--target", `${this.#service.pid}`, "--mount", "--cgroup", "--"];
    const own = [...where, "sh", "-ec", enter, "sh", ...this.#command(...args)];
    const { success, stdout, stderr } = await new Deno.Command("nsenter", { args: own, stdin: "null" }).output();
    if (!success) throw new PodmanError(`podman ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  }

  /** Runs a container in the background; `command` is one of BusyBox's. */
  async run(name: string, options: readonly string[], ...command: string[]): Promise<void> {
    const own = ["--detach", "--name", name, "--cgroups=disabled", "--network=none", ...limits];
    await this.podman("run", ...own, ...options, image, "/bin/busybox", ...command);
  }

  /** Polls until a container's state matches; each poll takes a tenth of a second. */
  async until(wanted: RegExp, name: string, format: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (wanted.test(await this.podman("inspect", "--format", format, name))) return;
    }
    throw new Error(`${name} does not become ${wanted}: ${await this.podman("inspect", "--format", format, name)}`);
  }

  async #importImage(): Promise<void> {
    const root = `${this.#folder}/image`, tar = `${this.#folder}/image.tar`;
    Deno.mkdirSync(`${root}/bin`, { recursive: true });
    for (const name of ["etc", "tmp", "proc", "dev"]) Deno.mkdirSync(`${root}/${name}`);
    Deno.copyFileSync("/bin/busybox", `${root}/bin/busybox`);
    Deno.symlinkSync("busybox", `${root}/bin/sh`);
    await new Deno.Command("tar", { args: ["-C", root, "-cf", tar, "."] }).output();
    await this.podman("import", tar, image);
  }

  async #answers(): Promise<boolean> {
    try {
      using _ = await Deno.connect({ transport: "unix", path: this.socket });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.podman("rm", "--force", "--all", "--time=0").catch((error) => {
      if (!(error instanceof PodmanError)) throw error;
    });
    this.#service.kill("SIGKILL");
    await this.#service.status;
    await removeGroup(this.#group);
    // Podman's own clean-up after a container may write for a moment longer.
    for (let tries = 0; tries < 1_000; tries++) {
      if ((await new Deno.Command("rm", { args: ["-rf", "--", this.#folder], stderr: "null" }).output()).success) {
        return;
      }
    }
  }
}

class PodmanError extends Error {}

/** Found out by trying. */
export async function canRunPodman(): Promise<boolean> {
  if (!canMount || !await hasProgram("podman", "podman") || !await hasProgram("busybox", "busybox-static")) {
    return false;
  }
  if (!await hasProgram("crun", "crun")) return false;
  const podman = await Podman.start();
  await podman?.[Symbol.asyncDispose]();
  if (podman === null) tellIgnored("Podman runs no container here: the tests that need it are ignored");
  return podman !== null;
}
