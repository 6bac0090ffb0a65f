/** The part of the client (client.ts) for tokens, sessions and links of the listener. */
import type { hc } from "hono/client";
import type {
  CreateLinkReply,
  CreateTokenReply,
  CreateTokenRequest,
  RevokeTokensReply,
  RevokeTokensRequest,
  SessionScope,
  TokenView,
} from "../../protocol/access.ts";
import type { ControlApp } from "../app.ts";

type Api = ReturnType<typeof hc<ControlApp>>["v1"]["access"];

/** Reads an answer whose shape this schema of protocol/access.ts describes. */
interface AskAccess {
  (call: ReturnType<Api["tokens"]["$get"]>, schema: "tokensSchema"): Promise<{ items: TokenView[] }>;
  (call: ReturnType<Api["tokens"]["$post"]>, schema: "createTokenReplySchema"): Promise<CreateTokenReply>;
  (call: ReturnType<Api["revoke"]["$post"]>, schema: "revokeTokensReplySchema"): Promise<RevokeTokensReply>;
  (call: ReturnType<Api["links"]["$post"]>, schema: "createLinkReplySchema"): Promise<CreateLinkReply>;
}

export class AccessClient {
  readonly #api: Api;
  readonly #ask: AskAccess;

  constructor(api: Api, ask: AskAccess) {
    this.#api = api;
    this.#ask = ask;
  }

  async list(): Promise<TokenView[]> {
    return (await this.#ask(this.#api.tokens.$get(), "tokensSchema")).items;
  }

  /** Throws TOKEN_EXISTS, TOKENS_MANY. */
  create(request: CreateTokenRequest): Promise<CreateTokenReply> {
    return this.#ask(this.#api.tokens.$post({ json: request }), "createTokenReplySchema");
  }

  /** Throws TOKEN_UNKNOWN. */
  revoke(request: RevokeTokensRequest): Promise<RevokeTokensReply> {
    return this.#ask(this.#api.revoke.$post({ json: request }), "revokeTokensReplySchema");
  }

  makeLink(scope: SessionScope): Promise<CreateLinkReply> {
    return this.#ask(this.#api.links.$post({ json: { scope } }), "createLinkReplySchema");
  }
}
