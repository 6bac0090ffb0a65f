/** Formats a role's message for a person. Used by `nerve workflow thread` and `nerve workflow follow`. */
import { isPlainObject, type Json } from "../../protocol/json.ts";
import { preview, toPrintableLines } from "./terminal.ts";

const metaMaxChars = 500;

/** Without content, shows the `meta` of the message: for an agent, its artifact. */
export function formatMessage(content: string, meta: unknown): string {
  if (content.trim() !== "") return toPrintableLines(content);
  if (!isPlainObject(meta) || Object.keys(meta).length === 0) return "";
  return preview((meta.artifact ?? meta) as Json, metaMaxChars);
}
