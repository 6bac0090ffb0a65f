/** Listening ports that no other test takes, and that are certainly closed. */

/** Ports at a loopback address that only one test file uses. */
export class OwnPorts {
  /** Below the system's own range: a closed port is not even taken by a test that listens at every address. */
  #last = 20_000;

  constructor(readonly hostname: string) {}

  listen(port = ++this.#last): Deno.TcpListener {
    return Deno.listen({ hostname: this.hostname, port });
  }

  async close(listener: Deno.TcpListener): Promise<void> {
    listener.close();
    await untilRefused(async () => await Deno.connect({ hostname: this.hostname, port: listener.addr.port }));
  }
}

/**
 * Waits until a closed listener refuses connections: a child that another thread has just forked holds its socket, and
 * so accepts connections, until it runs its program (Linux; measured: one close in 140 beside two threads that start
 * programs without a pause).
 */
export async function untilRefused(connect: () => Promise<Disposable>): Promise<void> {
  for (;;) {
    try {
      using _ = await connect();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // The child has just released the socket.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }
}

export const addressOf = ({ addr }: Deno.TcpListener) => `${addr.hostname}:${addr.port}`;
