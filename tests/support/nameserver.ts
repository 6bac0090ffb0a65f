/** Nameservers on a loopback address: dnsmasq, which serves records, and servers that fail in other ways. */
import { createSocket, type Socket } from "node:dgram";

export const nameserverHost = "127.83.5.1";

export async function bindUdp(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(port, nameserverHost, resolve));
  return socket;
}

async function findPort(): Promise<number> {
  const socket = await bindUdp(0), { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  return port;
}

/** A nameserver that serves the records of its arguments, below `.test`. */
export class Nameserver implements AsyncDisposable {
  readonly port: number;
  #child: Deno.ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(...records: string[]): Promise<Nameserver> {
    const server = new Nameserver(await findPort());
    await server.restart(...records);
    return server;
  }

  get address(): string {
    return `${nameserverHost}:${this.port}`;
  }

  async restart(...records: string[]): Promise<void> {
    await this[Symbol.asyncDispose]();
    const own = [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--no-resolv",
      "--no-hosts",
      "--user=root",
      "--pid-file=",
    ];
    const where = [
      `--listen-address=${nameserverHost}`,
      "--bind-interfaces",
      `--port=${this.port}`,
      "--local=/test/",
      "--log-facility=-",
    ];
    // For some users it is outside the folders of PATH.
    const env = { PATH: `${Deno.env.get("PATH")}:/usr/sbin` };
    this.#child = new Deno.Command("dnsmasq", {
      args: [...own, ...where, ...records],
      env,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const reader = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; !text.includes("started");) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`dnsmasq ended: ${text}`);
      text += value;
    }
    await reader.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = null;
  }
}

/** Answers every query with a code and no record, over UDP, and over TCP if `overTcp`. */
export async function serveCode(code: number, overTcp: boolean): Promise<{ address: string } & Disposable> {
  const answer = (query: Uint8Array) => {
    const copy = new Uint8Array(query);
    copy[2] = 0x81;
    copy[3] = 0x80 | code;
    return copy;
  };
  const socket = await bindUdp(0), { port } = socket.address();
  socket.on("message", (query, from) => socket.send(answer(query), from.port, from.address));
  const listener = overTcp ? Deno.listen({ hostname: nameserverHost, port }) : null;
  (async () => {
    for await (const connection of listener ?? []) {
      using _ = connection;
      const bytes = new Uint8Array(600), read = await connection.read(bytes) ?? 0;
      await connection.write(new Uint8Array([...bytes.subarray(0, 2), ...answer(bytes.subarray(2, read))]));
    }
  })();
  return {
    address: `${nameserverHost}:${port}`,
    [Symbol.dispose]() {
      socket.close();
      listener?.close();
    },
  };
}
