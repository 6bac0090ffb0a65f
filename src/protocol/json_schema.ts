/** Schemas of JSON values, for shapes that cross a boundary. */
import * as z from "zod";
import { isPlainObject, type Json, type JsonObject } from "./json.ts";

/** For values from JSON.parse: they are JSON already, and a deep check would only take time. */
export const jsonSchema: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined);
export const jsonObjectSchema: z.ZodType<JsonObject> = z.custom<JsonObject>(isPlainObject);
