/** The part of the client (client.ts) for engines. */
import type { hc } from "hono/client";
import type { EngineList, EngineView } from "../../protocol/engine.ts";
import type { ControlApp } from "../app.ts";
import { toSegment } from "./alert_client.ts";

type Api = ReturnType<typeof hc<ControlApp>>["v1"]["engines"];
type Call = ReturnType<Api["$get"]> | ReturnType<Api[":name"]["register"]["$post"]>;

export class EngineClient {
  readonly #api: Api;
  readonly #ask: (call: Call, schema: "engineListSchema" | "engineViewSchema") => Promise<unknown>;

  constructor(api: Api, ask: (call: Call, schema: "engineListSchema" | "engineViewSchema") => Promise<unknown>) {
    this.#api = api;
    this.#ask = ask;
  }

  async list(): Promise<EngineList> {
    return await this.#ask(this.#api.$get(), "engineListSchema") as EngineList;
  }

  /** Throws ENGINE_UNKNOWN. */
  async register(name: string): Promise<EngineView> {
    const call = this.#api[":name"].register.$post({ param: { name: toSegment(name) } });
    return await this.#ask(call, "engineViewSchema") as EngineView;
  }
}
