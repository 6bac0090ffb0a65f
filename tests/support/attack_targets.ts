/** The targets of attacks: files beside the workspace, servers that were not granted, a socket. None may be touched. */
import assert from "node:assert/strict";
import { workspacePaths } from "../../src/config/workspace.ts";
import { join } from "./paths.ts";
import { writeWorkspace } from "./temp_workspace.ts";

/** Passed to every attack as `config`. */
export interface Targets {
  readonly workspace: string;
  readonly outside: string;
  /** The content of outside/secret.txt and of a variable in the daemon's environment. */
  readonly secret: string;
  readonly socket: string;
  readonly runtimeFolder: string;
  readonly victimDatabase: string;
  /** A server without any grant, and one that may be granted: its /away redirects to the first. */
  readonly deniedPort: number;
  readonly grantedPort: number;
  /** A Unix socket in `outside`. */
  readonly unix: string;
}

export class Bystanders implements AsyncDisposable {
  readonly targets: Targets;
  /** Requests and connections that reached a target without a grant. */
  readonly hits: string[] = [];
  readonly #home: string;
  readonly #servers: Deno.HttpServer[] = [];

  private constructor(home: string) {
    this.#home = home;
    const workspace = join(home, "workspace"), outside = join(home, "outside"), unix = join(outside, "u.sock");
    Deno.mkdirSync(workspace);
    Deno.mkdirSync(outside);
    const { socket, runtimeFolder, senseDatabase } = workspacePaths(workspace);
    const denied = this.#serve({ hostname: "127.0.0.1", port: 0 }, () => "denied server");
    const away = `http://127.0.0.1:${denied}/redirected`;
    const granted = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      return new URL(request.url).pathname === "/away" ? Response.redirect(away, 302) : new Response("granted");
    });
    this.#servers.push(granted);
    this.#serve({ path: unix }, () => "unix server");
    this.targets = {
      workspace,
      outside,
      secret: `very-secret-${crypto.randomUUID()}`,
      socket,
      runtimeFolder,
      victimDatabase: senseDatabase("victim"),
      deniedPort: denied,
      grantedPort: granted.addr.port,
      unix,
    };
  }

  static async start(): Promise<Bystanders> {
    const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-attack-" }));
    const bystanders = new Bystanders(home);
    await writeWorkspace(bystanders.targets.outside, bystanders.#files());
    return bystanders;
  }

  /** Fails if anything outside has changed, or a server received anything. */
  assertUntouched(): void {
    assert.deepEqual(this.hits, [], "what was not granted was reached");
    const { outside } = this.targets, files = this.#files();
    const names = [...Deno.readDirSync(outside)].map(({ name }) => name).sort();
    assert.deepEqual(names, [...Object.keys(files), "u.sock"].sort(), "files were made or removed outside");
    for (const [name, text] of Object.entries(files)) assert.equal(Deno.readTextFileSync(join(outside, name)), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
    await Deno.remove(this.#home, { recursive: true });
    await Deno.remove(this.targets.runtimeFolder, { recursive: true }).catch((thrown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }

  #files(): Record<string, string> {
    const { secret } = this.targets;
    return {
      "secret.txt": secret,
      "secret.json": JSON.stringify({ secret }),
      "module.ts": `export const secret = ${JSON.stringify(secret)};`,
    };
  }

  #serve(where: { hostname: string; port: number } | { path: string }, answer: () => string): number {
    const handler = (request: Request) => {
      this.hits.push(`${request.method} ${request.url}`);
      return new Response(answer());
    };
    if ("path" in where) {
      this.#servers.push(Deno.serve({ ...where, onListen: () => {} }, handler) as unknown as Deno.HttpServer);
      return 0;
    }
    const server = Deno.serve({ ...where, onListen: () => {} }, handler);
    this.#servers.push(server);
    return server.addr.port;
  }
}
