/**
 * A Restate server, or a cluster of several, for tests: real servers with a key, their data in a temporary folder, and
 * no telemetry. npm installs the program once, to the user's cache.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { findNpmProgram } from "./npm_program.ts";
import { join } from "./paths.ts";
import { within } from "./workspace_fixture.ts";

export const restateVersion = "1.7.12";

/** The program, or why it is missing. */
export function findRestate(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const name = `@restatedev/restate-server-linux-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const folder = `nerve-restate-${restateVersion}`;
  return findNpmProgram({ name, version: restateVersion, path: "bin/restate-server", folder });
}

export interface RestateNode {
  readonly ingress: string;
  readonly admin: string;
  /** kill -9 */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** How much memory its process uses. */
  memoryMiB(): number;
}

export interface RestateServers extends AsyncDisposable {
  readonly nodes: readonly RestateNode[];
  /** The cluster's public key. */
  readonly identity: string;
}

/** Starts `count` nodes. With more than one, two of them store each change. */
export async function startRestate(program: string, count = 1): Promise<RestateServers> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-restate-" }), key = join(folder, "key.pem");
  await Deno.chmod(folder, 0o700);
  const identity = await makeKey(key);
  const ports = freePorts(3 * count),
    nodes = Array.from({ length: count }, (_, at) => new Node(program, folder, at, ports));
  const servers = new Servers(folder, nodes, identity);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    return servers;
  } catch (thrown) {
    await servers[Symbol.asyncDispose]();
    throw thrown;
  }
}

class Servers implements RestateServers {
  readonly identity: string;
  readonly nodes: readonly Node[];
  readonly #folder: string;

  constructor(folder: string, nodes: readonly Node[], identity: string) {
    this.identity = identity;
    this.#folder = folder;
    this.nodes = nodes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

class Node implements RestateNode {
  readonly ingress: string;
  readonly admin: string;
  readonly #env: Record<string, string>;
  readonly #log: string;
  readonly #program: string;
  #child: Deno.ChildProcess | null = null;

  constructor(program: string, folder: string, at: number, ports: readonly number[]) {
    const count = ports.length / 3, address = (kind: number, node = at) => `127.0.0.1:${ports[kind * count + node]}`;
    this.#program = program;
    this.#log = join(folder, `n${at}.log`);
    this.ingress = `http://${address(0)}`;
    this.admin = `http://${address(1)}`;
    const metadata = Array.from({ length: count }, (_, node) => `http://${address(2, node)}`);
    this.#env = {
      RESTATE_BASE_DIR: join(folder, `n${at}`),
      RESTATE_NODE_NAME: `n${at}`,
      RESTATE_CLUSTER_NAME: "nerve-test",
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_ADDRESS: address(2),
      RESTATE_ADVERTISED_ADDRESS: `http://${address(2)}`,
      RESTATE_INGRESS__BIND_ADDRESS: address(0),
      RESTATE_ADMIN__BIND_ADDRESS: address(1),
      RESTATE_ADMIN__DISABLE_WEB_UI: "true",
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256MB",
      RESTATE_DEFAULT_NUM_PARTITIONS: "4",
      RESTATE_DEFAULT_REPLICATION: count > 1 ? "2" : "1",
      RESTATE_AUTO_PROVISION: at === 0 ? "true" : "false",
      RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(metadata),
      RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: join(folder, "key.pem"),
      RESTATE_LOG_FILTER: "warn,restate=info",
      RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    };
  }

  async start(): Promise<void> {
    const command = new Deno.Command("sh", {
      args: ["-c", 'exec "$0" --no-logo >> "$1" 2>&1', this.#program, this.#log],
      env: this.#env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const child = this.#child = command.spawn();
    let over = false;
    void child.status.then(() => over = true);
    const ready = async () => {
      while (!over && !await answers(`${this.ingress}/restate/health`)) await delay(systemClock, 50);
      assert.ok(!over, `the server has ended: ${(await Deno.readTextFile(this.#log)).slice(-2_000)}`);
    };
    await within(ready(), "Restate to answer");
  }

  memoryMiB(): number {
    const [, kib = ""] = /^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${this.#child?.pid}/status`)) ?? [];
    return Number(kib) / 1024;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    try {
      child.kill("SIGKILL");
    } catch (thrown) {
      // It has ended already.
      if (!(thrown instanceof TypeError)) throw thrown;
    }
    await child.status;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Not ready yet.
    return false;
  }
}

/** Ports that nothing listens on now. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** Writes an ed25519 key, as Restate reads it, and returns the public one, as Restate's log prints it. */
async function makeKey(path: string): Promise<string> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const text = `-----BEGIN PRIVATE KEY-----\n${bytes.toBase64()}\n-----END PRIVATE KEY-----\n`;
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  return `publickeyv1_${toBase58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))}`;
}

function toBase58(bytes: Uint8Array): string {
  const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "", rest = BigInt(`0x${bytes.toHex()}`);
  for (; rest > 0n; rest /= 58n) text = digits[Number(rest % 58n)] + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return digits[0]?.repeat(Math.max(0, zeros)) + text;
}
