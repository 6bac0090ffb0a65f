/**
 * What the process boundary allows: a line over a Unix socket to the restricted worker of another Deno process
 * (tools/echo_process.ts), and back. Not included: a protocol, checks, the store.
 */
import { LineChannel } from "../../src/protocol/line_channel.ts";
import { fromFileUrl } from "../support/paths.ts";
import { repeated, timed } from "./figure.ts";

const echoProcess = fromFileUrl(new URL("./tools/echo_process.ts", import.meta.url));

/** A process that sends every line back. */
export class Echo implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #channel: LineChannel;
  readonly #lines: AsyncGenerator<string, void, void>;

  private constructor(child: Deno.ChildProcess, channel: LineChannel) {
    this.#child = child;
    this.#channel = channel;
    this.#lines = channel.lines();
  }

  static async start(folder: string): Promise<Echo> {
    const path = `${folder}/echo-${crypto.randomUUID().slice(0, 8)}.sock`;
    const listener = Deno.listen({ transport: "unix", path });
    const args = ["run", "-A", "--quiet", "--no-prompt", "--cached-only", echoProcess, path];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "null" }).spawn();
    const echo = new Echo(child, new LineChannel(await listener.accept(), { lineMaxBytes: 1_000_000 }));
    listener.close();
    await echo.roundTrip("warm");
    return echo;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async roundTrip(line: string): Promise<void> {
    this.#channel.send(line);
    await this.#lines.next();
  }

  /** Round trips per second, one after the other. */
  async rate(times: number): Promise<number> {
    const line = JSON.stringify({ t: "outcome", id: 1, outcome: { kind: "value", value: { n: 1 } } });
    const ms = await timed(async () => {
      for (let time = 0; time < times; time++) await this.roundTrip(line);
    });
    return times / ms * 1_000;
  }

  /** The duration of each of so many round trips, in milliseconds. */
  async times(times: number): Promise<number[]> {
    return await repeated(times, () => timed(() => this.roundTrip("{}")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#child.status;
  }
}
