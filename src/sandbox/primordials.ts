/**
 * Built-ins as they were before any user code ran: functions that take their object as an argument. User code may
 * replace every prototype, getter and static method of its realm, so code that must stay correct afterwards uses these
 * instead. Used by module_gate.ts, lockdown.ts, kernel_link.ts and worker_main.ts.
 * I1. This module is loaded before any user code.
 * I2. A promise that is awaited goes through `pristine` first: `await` asks a promise for its constructor, and user
 *     code may have replaced that, and with it what is awaited. Iteration, spread and destructuring of arrays are not
 *     used, for the same reason.
 */
import { uncurried } from "../base/uncurried.ts";

/** The getter of a prototype as a function. */
export function uncurryGetter<This extends object, Key extends keyof This>(
  prototype: This,
  key: Key,
): (self: This) => This[Key] {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  if (get === undefined) throw new Error(`nerve bug: ${String(key)} is no getter`);
  return uncurried(get) as (self: This) => This[Key];
}

export const { defineProperty, create: createObject } = Object;
export const { parse: parseJson } = JSON;
export const startsWith = uncurried(String.prototype.startsWith);
export const slice = uncurried(String.prototype.slice);
export const indexOf = uncurried(String.prototype.indexOf) as (self: string, search: string, from?: number) => number;
export const lastIndexOf = uncurried(String.prototype.lastIndexOf) as (self: string, search: string) => number;
export const has = uncurried(Set.prototype.has) as <T>(self: ReadonlySet<T>, value: T) => boolean;
export const hrefOf = uncurryGetter(URL.prototype, "href");
export const encodeText = uncurried(TextEncoder.prototype.encode) as (self: TextEncoder, text: string) => Uint8Array;
export const decodeText = uncurried(TextDecoder.prototype.decode) as (
  self: TextDecoder,
  bytes: Uint8Array,
  options: TextDecodeOptions,
) => string;
export const Bytes = Uint8Array, decodePath = decodeURIComponent;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
export const bufferOf = uncurryGetter(typedArray, "buffer");
export const byteLengthOf = uncurryGetter(typedArray, "byteLength");
export const byteOffsetOf = uncurryGetter(typedArray, "byteOffset");

const { stringify } = JSON;
/** Shadows any `toJSON` of a prototype; JSON omits a property that is undefined. */
const withoutToJson = frozen({ value: undefined, enumerable: false });

/** The JSON text of an object of nerve; a `toJSON` that user code gave to prototypes does not change the object. */
export function toOwnJson(value: object): string {
  return stringify(defineProperty(value, "toJSON", withoutToJson));
}

const ownConstructor = frozen({ value: Promise });

/** The same promise, safe to await: see I2. */
export function pristine<T>(promise: Promise<T>): Promise<T> {
  return defineProperty(promise, "constructor", ownConstructor);
}

/** A descriptor that inherits nothing from a prototype. */
function frozen<T extends object>(object: T): T {
  return Object.freeze(Object.assign(Object.create(null), object));
}
