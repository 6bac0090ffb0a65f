/** Debian's PostgreSQL server, for a test: it listens on a port of its own, in a temporary folder. */
import { hasProgram } from "./debian.ts";

/** The folder of `initdb` and `postgres`, which Debian keeps out of PATH; null where it cannot be installed. */
export async function findPostgres(): Promise<string | null> {
  const find = () => {
    try {
      const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => Number(name));
      return `/usr/lib/postgresql/${Math.max(...versions)}/bin`;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return null;
      throw thrown;
    }
  };
  const isThere = await hasProgram("psql", "postgresql-client") &&
    (find() !== null || await hasProgram("pg_lsclusters", "postgresql"));
  return isThere ? find() : null;
}

export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #log: ReadableStreamDefaultReader<string>;

  constructor(port: number, folder: string, child: Deno.ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
    this.#log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts a server with the user `postgres` and this password. */
  static async start(bin: string, password: string): Promise<PostgresServer> {
    const folder = Deno.makeTempDirSync({ prefix: "nerve-postgres-" });
    // PostgreSQL refuses to run as root.
    const as = Deno.uid() === 0 ? idOf("postgres") : null;
    Deno.writeTextFileSync(`${folder}/password`, `${password}\n`);
    if (as !== null) [folder, `${folder}/password`].forEach((path) => Deno.chownSync(path, as.uid, as.gid));
    const init = await new Deno.Command(`${bin}/initdb`, {
      ...as,
      args: [
        "-D",
        `${folder}/data`,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        `--pwfile=${folder}/password`,
        "-N",
        "-E",
        "UTF8",
      ],
      cwd: "/",
    }).output();
    if (!init.success) throw new Error(`initdb: ${new TextDecoder().decode(init.stderr)}`);
    const port = freePort();
    const child = new Deno.Command(`${bin}/postgres`, {
      ...as,
      args: ["-D", `${folder}/data`, "-h", "127.0.0.1", "-p", String(port), "-k", folder, "-c", "fsync=off"],
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const server = new PostgresServer(port, folder, child);
    await server.#untilReady();
    return server;
  }

  async #untilReady(): Promise<void> {
    let text = "";
    while (!text.includes("ready to accept connections")) {
      const { value, done } = await this.#log.read();
      if (done) throw new Error(`postgres ended: ${text}`);
      text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#log.cancel();
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function idOf(user: string): { uid: number; gid: number } {
  const [, , uid, gid] = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"))
    .find(([name]) => name === user) ?? [];
  if (uid === undefined) throw new Error(`there is no user ${user}`);
  return { uid: Number(uid), gid: Number(gid) };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
