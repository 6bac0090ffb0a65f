/** HTTP over a Unix socket. Used by client.ts. */
import { requestMaxMs } from "../../base/limits.ts";

/** The daemon closes a connection that was idle for `requestMaxMs`: a request that is then on its way would fail. */
const poolIdleTimeout = requestMaxMs / 2;

/** The caller must close the client. */
export function openSocketClient(path: string): Deno.HttpClient {
  return Deno.createHttpClient({ proxy: { transport: "unix", path }, poolIdleTimeout });
}

export function fetchOver(client: Deno.HttpClient): typeof fetch {
  return (input, init) => fetch(input, { ...init, client });
}
