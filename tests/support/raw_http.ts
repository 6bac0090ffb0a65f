/** Sends requests to the listener as a browser, a tunnel or an attacker would: with any header. */
import { request } from "node:http";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  /** Names in lower case; `host` may be anything. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export function sendRaw(
  port: number,
  path: string,
  { method = "GET", headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => text += part);
      answer.on("error", reject);
      answer.on("end", () => {
        const named = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
        resolve({ status: answer.statusCode ?? 0, headers: Object.fromEntries(named), text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The code of the problem document. */
export function codeOf({ text }: RawAnswer): string {
  return JSON.parse(text).code;
}
