/** The part of the client (client.ts) for alerts. */
import type { hc } from "hono/client";
import type { AckRequest, AlertChanged, AlertView, SilenceRequest, UnsilenceRequest } from "../../protocol/alert.ts";
import type { ControlApp } from "../app.ts";

type Api = ReturnType<typeof hc<ControlApp>>["v1"]["alerts"];

/** Reads an answer whose shape this schema of protocol/alert.ts describes. */
interface AskAlerts {
  (call: ReturnType<Api["$get"]>, schema: "alertsSchema"): Promise<{ items: AlertView[] }>;
  (call: ReturnType<Api[":name"]["$get"]>, schema: "alertViewSchema"): Promise<AlertView>;
  (call: ReturnType<Api[":name"]["ack"]["$post"]>, schema: "alertChangedSchema"): Promise<AlertChanged>;
}

export class AlertClient {
  readonly #api: Api;
  readonly #ask: AskAlerts;

  constructor(api: Api, ask: AskAlerts) {
    this.#api = api;
    this.#ask = ask;
  }

  async list(): Promise<AlertView[]> {
    return (await this.#ask(this.#api.$get(), "alertsSchema")).items;
  }

  /** Error: ALERT_UNKNOWN. */
  one(name: string): Promise<AlertView> {
    return this.#ask(this.#api[":name"].$get({ param: toParam(name) }), "alertViewSchema");
  }

  silence(name: string, request: SilenceRequest): Promise<AlertChanged> {
    return this.#ask(this.#api[":name"].silence.$post({ param: toParam(name), json: request }), "alertChangedSchema");
  }

  unsilence(name: string, request: UnsilenceRequest): Promise<AlertChanged> {
    return this.#ask(this.#api[":name"].unsilence.$post({ param: toParam(name), json: request }), "alertChangedSchema");
  }

  ack(name: string, request: AckRequest): Promise<AlertChanged> {
    return this.#ask(this.#api[":name"].ack.$post({ param: toParam(name), json: request }), "alertChangedSchema");
  }
}

function toParam(name: string): { name: string } {
  return { name: toSegment(name) };
}

/** A name or an id as one segment of a path. Hono inserts it verbatim, and `../stop?` would be another route. */
export function toSegment(text: string): string {
  return encodeURIComponent(text);
}
