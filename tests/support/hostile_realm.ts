/**
 * Replaces everything in a realm that code in it can replace: each method, getter and constructor that is reachable
 * from `globalThis`. It is written like hostile code: it runs in the sandbox, from a workspace's lib/, and imports
 * nothing.
 */

/**
 * - `spy`: passes calls on, and inspects everything that it is given.
 * - `thrower`: throws.
 * - `liar`: answers with a constant.
 */
export type Disguise = "spy" | "thrower" | { readonly liar: unknown };

interface Place {
  readonly object: object;
  readonly key: PropertyKey;
  readonly descriptor: PropertyDescriptor;
}

type Callable = (...args: unknown[]) => unknown;

// Taken now, because they are replaced later, too.
const { apply, construct, ownKeys } = Reflect;
const { getOwnPropertyDescriptor, defineProperty, getPrototypeOf, create } = Object;
const RealProxy = Proxy, RealError = Error, PromiseConstructor = Promise;

/** The same promise, in a form that `await` takes unchanged. */
export function pristine<T>(promise: Promise<T>): Promise<T> {
  const own = create(null);
  own.value = PromiseConstructor;
  return defineProperty(promise, "constructor", own);
}

/** How long a promise may take that replaced code may hold back for ever. */
const settledMaxMs = 20;
const later = setTimeout;

/** The value that a promise resolves to, or null where it does not, whatever is replaced. */
export async function settled(promise: Promise<unknown>): Promise<unknown> {
  let resolve: (value: unknown) => void = () => {};
  const result = new PromiseConstructor((act: (value: unknown) => void) => resolve = act);
  (async () => {
    try {
      resolve(await pristine(promise));
    } catch {
      resolve(null);
    }
  })();
  try {
    later(resolve, settledMaxMs, null);
  } catch {
    // Deno's own timers need a part that was replaced.
  }
  return await pristine(result);
}

/** Finds everything replaceable, without reading any getter except those of `globalThis`. */
export function findPlaces(): Place[] {
  const places: Place[] = [], seen = new Set<object>(), waiting: unknown[] = [globalThis, ...hiddenRoots()];
  for (let object = waiting.pop(); waiting.length > 0 || object !== undefined; object = waiting.pop()) {
    if (!isObject(object) || seen.has(object)) continue;
    seen.add(object);
    waiting.push(getPrototypeOf(object));
    for (const key of keysOf(object)) {
      const descriptor = getOwnPropertyDescriptor(object, key);
      if (descriptor === undefined) continue;
      const value: unknown = descriptor.get !== undefined && object === globalThis
        ? apply(descriptor.get, object, [])
        : descriptor.value;
      if (isObject(value)) waiting.push(value);
      if (descriptor.configurable !== true && descriptor.writable !== true) continue;
      if (typeof descriptor.value === "function" || (descriptor.get !== undefined && object !== globalThis)) {
        places.push({ object, key, descriptor });
      }
    }
  }
  return places;
}

function keysOf(object: object): readonly PropertyKey[] {
  try {
    return ownKeys(object);
  } catch {
    // Variables are listed only with a grant.
    return [];
  }
}

/** Prototypes that cannot be reached by name. */
function hiddenRoots(): unknown[] {
  const generator = function* () {}, asyncGenerator = async function* () {}, asyncFunction = async () => {};
  return [
    ...[getPrototypeOf(generator), getPrototypeOf(asyncGenerator), getPrototypeOf(asyncFunction), generator()],
    ...[asyncGenerator(), [][Symbol.iterator](), new Map().entries(), new Set().values(), ""[Symbol.iterator]()],
    ...["a".matchAll(/a/g), new Uint8Array(), new Intl.Segmenter().segment("a"), [].values().map((each) => each)],
  ];
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Replaces these places. `onSeen` gets each object and function that a spy receives. Returns what undoes it. */
export function replace(
  places: readonly Place[],
  disguise: Disguise,
  onSeen: (thing: object) => void = () => {},
): () => void {
  const undo: Place[] = [];
  let undone = 0;
  for (let at = 0; at < places.length; at++) {
    const place = places[at];
    if (place === undefined) continue;
    const { object, key, descriptor } = place, changed: PropertyDescriptor = create(null);
    for (const name of ["value", "writable", "get", "set", "enumerable", "configurable"] as const) {
      if (descriptor[name] !== undefined) changed[name] = descriptor[name];
    }
    const { get } = descriptor;
    if (get !== undefined) changed.get = disguised(get, disguise, onSeen) as () => unknown;
    else changed.value = disguised(descriptor.value, disguise, onSeen);
    waiting[at] = { object, key, changed };
  }
  const count = places.length;
  for (let at = 0; at < count; at++) {
    const next = waiting[at];
    if (next === undefined) continue;
    try {
      defineProperty(next.object, next.key, next.changed);
      undo[undone++] = places[at] as Place;
    } catch {
      // The place only looked replaceable.
    }
  }
  return () => {
    for (let at = 0; at < undone; at++) {
      const { object, key, descriptor } = undo[at] as Place;
      const own: PropertyDescriptor = create(null);
      if (descriptor.get !== undefined) own.get = descriptor.get;
      else own.value = descriptor.value;
      defineProperty(object, key, own);
    }
  };
}

const waiting: { object: object; key: PropertyKey; changed: PropertyDescriptor }[] = [];

function disguised(real: unknown, disguise: Disguise, onSeen: (thing: object) => void): unknown {
  const traps = create(null);
  const look = (self: unknown, args: unknown[]) => {
    if (isObject(self)) onSeen(self);
    for (let at = 0; at < args.length; at++) if (isObject(args[at])) onSeen(args[at] as object);
  };
  if (disguise === "spy") {
    traps.apply = (target: Callable, self: unknown, args: unknown[]) => {
      look(self, args);
      return apply(target, self, args);
    };
    traps.construct = (target: Callable, args: unknown[], made: Callable) => {
      look(undefined, args);
      return construct(target, args, made);
    };
  } else if (disguise === "thrower") {
    traps.apply = traps.construct = () => {
      throw new RealError("replaced");
    };
  } else {
    const { liar } = disguise;
    traps.apply = () => liar;
    traps.construct = () => isObject(liar) ? liar : create(null);
  }
  return new RealProxy(real as Callable, traps);
}
