/** An HTTP or HTTPS server whose answers a test provides. */
import { type TestCertificate } from "./certificate.ts";

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly seen: string[];
}

/** Answers each request with the current result of `answer`. */
export function serve(
  answer: (request: Request) => Response | Promise<Response>,
  tls: TestCertificate | null = null,
): TestServer {
  const seen: string[] = [];
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
    ...tls ?? {},
  }, (request) => {
    seen.push(new URL(request.url).pathname);
    return answer(request);
  });
  return {
    port: server.addr.port,
    seen,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}
