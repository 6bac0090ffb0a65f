/** Parts of requests that several routes share. */
import type { Context, TypedResponse } from "hono";
import * as z from "zod";
import type { TextPage } from "../../protocol/text_page.ts";
import type { ControlEnv } from "../kernel_port.ts";

/** A whole number that is not negative, in text form. */
export const countSchema = z.string().regex(/^\d{1,15}$/, "must be a whole number").transform(Number);

export const flagSchema = z.enum(["0", "1"]).default("0").transform((text) => text === "1");

/** Aborts when the client disconnects or the API stops. */
export function createGoneSignal({ env }: { readonly env: ControlEnv["Bindings"] }): AbortSignal {
  return AbortSignal.any([env.gone, env.stopping]);
}

/** The path of the next page: the request's own, with `changes` in its query. */
export function buildNextPage(url: string, changes: Readonly<Record<string, string>>): string {
  const next = new URL(url);
  for (const [key, value] of Object.entries(changes)) next.searchParams.set(key, value);
  return `${next.pathname}${next.search}`;
}

/** Answers with a page that is JSON already, as `c.json({ ...rest, items })` would. */
export function respondPage<Reply extends { readonly items: unknown }>(
  c: Context,
  page: TextPage,
  rest: Omit<Reply, "items">,
): Response & TypedResponse<Reply, 200, "json"> {
  const encoder = new TextEncoder(), others = JSON.stringify(rest).slice(1, -1);
  const head = encoder.encode(`{"items":[`), tail = encoder.encode(others === "" ? "]}" : `],${others}}`);
  const bytes = head.length + page.text.length + tail.length;
  const headers = { "content-type": "application/json", "content-length": String(bytes) };
  const body = bytes <= partBytes ? joinParts([head, page.text, tail], bytes) : streamParts([head, page.text, tail]);
  return c.body(body, 200, headers) as unknown as Response & TypedResponse<Reply, 200, "json">;
}

/** A larger answer is sent in parts, so that the event loop does other work in between. */
const partBytes = 256 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

function joinParts(parts: readonly Bytes[], length: number): Bytes {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function streamParts(parts: readonly Bytes[]): ReadableStream<Bytes> {
  function* split(): Generator<Bytes> {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += partBytes) yield part.subarray(at, at + partBytes);
    }
  }
  const pieces = split();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Drops keys whose value is undefined: within the program, a missing filter is a missing key. */
export function dropUndefined<T extends object>(value: T): Partial<Defined<T>> & RequiredPart<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as
    & Partial<Defined<T>>
    & RequiredPart<T>;
}

type RequiredPart<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] };
