/** nerve as the first process of a pid namespace, as in a container without an init; it needs root. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { ifPresent } from "../../src/base/if_present.ts";
import { waitUntil } from "../../src/daemon/discovery.ts";
import { nerveCommand } from "./nerve_program.ts";
import { deadlineMs } from "./workspace_fixture.ts";

const namespaces = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/** Whether this process may create a pid namespace, found out by trying. */
export const canUnshare: boolean = Deno.build.os === "linux" && Deno.uid() === 0 &&
  (ifPresent(() => new Deno.Command("unshare", { args: [...namespaces, "true"], stderr: "null" }).outputSync())
    ?.success ?? false);

export class Container implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #env: Readonly<Record<string, string>>;
  readonly #output: Promise<unknown>;
  #out = "";

  /** Runs a command of nerve in the workspace as process 1. */
  constructor(root: string, args: readonly string[]) {
    this.#env = { NERVE_WORKSPACE: root, NO_COLOR: "1" };
    this.#child = new Deno.Command("unshare", {
      args: [...namespaces, ...nerveCommand, ...args],
      cwd: "/",
      env: this.#env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = Promise.all([this.#child.stdout, this.#child.stderr].map(async (stream) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#out += text;
    }));
  }

  async printed(pattern: RegExp): Promise<void> {
    assert.ok(await waitUntil(systemClock, deadlineMs, () => pattern.test(this.#out)), `not printed: ${this.#out}`);
  }

  /** The output of another command in the same container. */
  async inside(args: readonly string[]): Promise<string> {
    const { pid } = this.#child;
    const first = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
    const { stdout } = await new Deno.Command("nsenter", {
      args: ["-t", first, "-p", "-m", ...nerveCommand, ...args],
      cwd: "/",
      env: this.#env,
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output;
  }
}
