/** Checks a server whose own certificate is the trusted one. Used by index.ts. */
import type { X509Certificate } from "node:crypto";
import { inspectTls } from "nerve";

/** Returns the status of the server's answer. Throws when it shows another certificate, or does not speak HTTP. */
export async function askPinned(url: URL, host: string, own: X509Certificate, signal: AbortSignal): Promise<number> {
  const onlyTo = own.fingerprint256.replaceAll(":", "").toLowerCase();
  const request = { host, port: Number(url.port || 443), send: { onlyTo, text: toRequest(url) } };
  const { answer } = await inspectTls(request, signal);
  if (answer === null) throw new Error("the server now shows another certificate");
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(answer)?.[1];
  if (status === undefined) throw new Error("the server does not speak HTTP");
  return Number(status);
}

function toRequest({ host, pathname, search, username, password }: URL): string {
  const user = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const headers = [
    `GET ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    "user-agent: nerve",
    "accept: */*",
    "connection: close",
    ...username === "" && password === "" ? [] : [`authorization: Basic ${user.toBase64()}`],
  ];
  return `${headers.join("\r\n")}\r\n\r\n`;
}
