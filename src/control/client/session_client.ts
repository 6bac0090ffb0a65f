/** The part of the client (client.ts) for sessions of agents; the command line reads most of them from disk. */
import type { hc } from "hono/client";
import type { EndSessionReply } from "../../protocol/session.ts";
import type { TranscriptPage } from "../../protocol/transcript.ts";
import type { ControlApp } from "../app.ts";
import { toSegment } from "./alert_client.ts";

type Api = ReturnType<typeof hc<ControlApp>>["v1"]["sessions"][":id"];

/** Reads an answer whose shape this schema describes. */
interface AskSessions {
  (call: ReturnType<Api["end"]["$post"]>, schema: "endSessionReplySchema"): Promise<EndSessionReply>;
  (call: ReturnType<Api["log"]["$get"]>, schema: "transcriptPageSchema"): Promise<TranscriptPage>;
}

/** Both throw SESSION_UNKNOWN. */
export class SessionClient {
  readonly #api: Api;
  readonly #ask: AskSessions;

  constructor(api: Api, ask: AskSessions) {
    this.#api = api;
    this.#ask = ask;
  }

  /** The end is on disk when this resolves. */
  end(id: string, reason: string | null): Promise<EndSessionReply> {
    const json = reason === null ? {} : { reason };
    return this.#ask(this.#api.end.$post({ param: { id: toSegment(id) }, json }), "endSessionReplySchema");
  }

  /** When this resolves, the files contain everything that the session has received so far. */
  async settle(id: string): Promise<void> {
    const query = { after: String(Number.MAX_SAFE_INTEGER).slice(0, 15) };
    await this.#ask(this.#api.log.$get({ param: { id: toSegment(id) }, query }), "transcriptPageSchema");
  }
}
