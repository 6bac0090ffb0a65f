/** The part of the client (client.ts) that pauses senses. */
import type { hc } from "hono/client";
import type { PauseSenseReply, PauseSenseRequest } from "../../protocol/sense_pause.ts";
import type { ControlApp } from "../app.ts";
import { toSegment } from "./alert_client.ts";

type Api = ReturnType<typeof hc<ControlApp>>["v1"]["senses"][":name"];
type Call = ReturnType<Api["pause"]["$post"]> | ReturnType<Api["resume"]["$post"]>;

/** Both throw SENSE_UNKNOWN. The change is on disk when they resolve. */
export class PauseClient {
  readonly #api: Api;
  readonly #ask: (call: Call) => Promise<PauseSenseReply>;

  constructor(api: Api, ask: (call: Call) => Promise<PauseSenseReply>) {
    this.#api = api;
    this.#ask = ask;
  }

  pause(name: string, request: PauseSenseRequest): Promise<PauseSenseReply> {
    return this.#ask(this.#api.pause.$post({ param: { name: toSegment(name) }, json: request }));
  }

  resume(name: string): Promise<PauseSenseReply> {
    return this.#ask(this.#api.resume.$post({ param: { name: toSegment(name) } }));
  }
}
