/** Describes rows of tokens, sessions and denied requests. Used by cause_text.ts. */
import { isPlainObject } from "../../protocol/json.ts";
import type { LogRow } from "../../protocol/log.ts";
import { clip, sign } from "./terminal.ts";

/** Null for other rows. */
export function describeAccessRow({ type, refId, payload }: LogRow): string | null {
  const name = clip(refId ?? "", 64), fields = isPlainObject(payload) ? payload : {};
  switch (type) {
    case "token.created":
      return `${sign.ok} token ${name} of scope ${clip(String(fields.scope), 20)} was made`;
    case "token.revoked":
      return `${sign.idle} token ${name} was revoked`;
    case "login.opened":
      return `${sign.ok} ${name} of the dashboard was opened`;
    case "login.ended":
      return `${sign.idle} ${name} of the dashboard ended`;
    case "access.denied":
      return `${sign.warning} the listener denied a request: ${clip(String(fields.why), 160)}`;
    default:
      return null;
  }
}
