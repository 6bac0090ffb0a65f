/**
 * A process that Landlock keeps from writing anything, and that reads a peer's database as the sandbox does;
 * WalledReader runs it. Each line on its stdin is a query; each line on its stdout is the JSON of its answer, or
 * "unshared" when it asks the kernel for the files beside the database.
 */
import { messageOf } from "../../src/base/errors.ts";
import type { ProcessSpec } from "../../src/protocol/message.ts";
import { openPeers } from "../../src/sandbox/peers.ts";
import { createDrizzle } from "../../src/store/sqlite/drizzle.ts";
import { fromFileUrl } from "./paths.ts";

/** Whether this system has Landlock. */
export const hasLandlock: boolean = Deno.build.os === "linux" && ruleset(null, 0n, 1n) >= 1n;

function ruleset(attributes: BigUint64Array<ArrayBuffer> | null, size: bigint, flags: bigint): bigint {
  const library = Deno.dlopen("libc.so.6", {
    syscall: { parameters: ["i64", "buffer", "i64", "i64"], result: "i64" },
  });
  try {
    return library.symbols.syscall(444n, attributes, size, flags);
  } finally {
    library.close();
  }
}

/** From now on this process may read everything, and write nothing. */
function forbidWriting(): void {
  const library = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    rule: { name: "syscall", parameters: ["i64", "i64", "i64", "buffer", "i64"], result: "i64" },
    restrict: { name: "syscall", parameters: ["i64", "i64", "i64"], result: "i64" },
  });
  const { open, prctl, rule, restrict } = library.symbols;
  const handled = (1n << 13n) - 1n, reading = 1n | (1n << 2n) | (1n << 3n);
  const rules = ruleset(new BigUint64Array([handled]), 8n, 0n), root = open(new Uint8Array([47, 0]), 0o10000000);
  const attributes = new DataView(new ArrayBuffer(12));
  attributes.setBigUint64(0, reading, true);
  attributes.setInt32(8, root, true);
  const done = [rule(445n, rules, 1n, new Uint8Array(attributes.buffer), 0n), prctl(38, 1n, 0n, 0n, 0n)];
  if (done.some((result) => Number(result) !== 0) || restrict(446n, rules, 0n) !== 0n) throw new Error("no wall");
  library.close();
}

/** The parent's side. */
export class WalledReader implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #held = "";

  /** Reads the sense `name` whose database is in `folder`. */
  constructor(folder: string, name: string) {
    const script = fromFileUrl(import.meta.url), config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", "--no-lock", "-c", config, script, folder, name],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    this.#input = this.#child.stdin.getWriter();
  }

  /** Returns the answer to a query. `onUnshared` stands in for the kernel. */
  async ask(sql: string, onUnshared: () => void): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`${sql}\n`));
    for (;;) {
      const line = await this.#nextLine();
      if (line !== "unshared") return line;
      onUnshared();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#child.status;
    await this.#lines.return?.();
  }

  async #nextLine(): Promise<string> {
    while (!this.#held.includes("\n")) {
      const { done, value } = await this.#lines.next();
      if (done === true) throw new Error(`the reader ended: ${this.#held}`);
      this.#held += value;
    }
    const [line = "", ...rest] = this.#held.split("\n");
    this.#held = rest.join("\n");
    return line;
  }
}

async function readQueries(folder: string, name: string): Promise<void> {
  const say = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const peers = openPeers({ senseDatabases: folder } as ProcessSpec, { sense: "reader", peers: "all" }, {
    allSenses: () => new Set([name]),
    onOpened() {},
    onUnshared: () => say("unshared"),
    limit: { begin() {}, end() {} },
    createDrizzle,
  });
  let held = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    held += text;
    for (let end = held.indexOf("\n"); end >= 0; end = held.indexOf("\n")) {
      const sql = held.slice(0, end);
      held = held.slice(end + 1);
      try {
        say(JSON.stringify(peers[name]?.values(sql)));
      } catch (thrown) {
        const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : "";
        say(`threw ${messageOf(thrown)}${cause}`);
      }
    }
  }
}

if (import.meta.main) {
  const [folder, name] = Deno.args;
  if (folder === undefined || name === undefined) throw new Error("a folder and a name");
  forbidWriting();
  await readQueries(folder, name);
}
