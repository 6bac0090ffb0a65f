/** Fills the body of a request. Imported by the workflows http-request and notify. */
import type { Json } from "nerve";

/** The values that a template may name. */
export type Values = Readonly<Record<string, Json>>;

const place = /\{\{\s*([\w.-]+)\s*\}\}/g, wholePlace = /^\{\{\s*([\w.-]+)\s*\}\}$/;

/**
 * Inserts values into the texts of a JSON value: `{{payload.used}}`. A text that is nothing but a placeholder becomes
 * the value itself; within a longer text, texts are inserted as they are and other values as JSON. A missing value is
 * null, or an empty text. No value can change the structure of the whole.
 */
export function fillTemplate(template: Json, values: Values): Json {
  if (typeof template === "string") return fillText(template, values);
  if (Array.isArray(template)) return template.map((each) => fillTemplate(each, values));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, each]) => [key, fillTemplate(each, values)]));
}

function fillText(text: string, values: Values): Json {
  const whole = wholePlace.exec(text)?.[1];
  if (whole !== undefined) return find(whole, values);
  return text.replaceAll(place, (_, path: string) => {
    const value = find(path, values);
    return value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  });
}

function find(path: string, values: Values): Json {
  let at: Json = values as Json;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return null;
    at = (at as Record<string, Json>)[key] ?? null;
  }
  return at;
}
