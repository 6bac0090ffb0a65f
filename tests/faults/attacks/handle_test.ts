/**
 * The handle of a database: a sense gets what its SQL returns, and no way to the objects of node:sqlite behind it, neither
 * by walking through what it was given nor by replacing what nerve's own code uses. A bug here would show as a path, or as
 * the built-in method to which a handle or a statement was passed.
 */
import { type Attack, attackTest, longAttackTest } from "../../support/attack_tests.ts";

/** Whether something is, or is a part of, an object of node:sqlite. It must not call what was replaced. */
const isNative = `
  const names = ["DatabaseSync", "StatementSync", "Session", "SQLTagStore"];
  const methods = ["setAuthorizer", "loadExtension", "enableLoadExtension", "expandedSQL", "setReturnArrays", "applyChangeset", "__statement_ref"];
  const { getPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols } = Object;
  const isNative = (value) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
    for (let each = value, depth = 0; each !== null && depth < 5; each = getPrototypeOf(each), depth++) {
      for (let at = 0; at < methods.length; at++) if (getOwnPropertyDescriptor(each, methods[at]) !== undefined) return true;
      const named = getOwnPropertyDescriptor(each, "constructor")?.value;
      const name = named === undefined ? undefined : getOwnPropertyDescriptor(named, "name")?.value;
      for (let at = 0; at < names.length; at++) if (name === names[at]) return true;
    }
    return false;
  };`;

/** What a sense can lay its hands on: what it was given, what that returns, and what it throws. */
const given = `
  const { sql } = await import("drizzle-orm");
  const { BetterSQLiteSession } = await import("drizzle-orm/better-sqlite3/session");
  const caught = (work) => { try { return work(); } catch (thrown) { return thrown; } };
  sqlite.exec("create table if not exists t (x)");
  const statement = sqlite.prepare("select * from t where x = ?");
  const given = {
    sqlite, db, logs, blobs, trigger, signal, peers: { victim: peers.victim }, statement, BetterSQLiteSession,
    rows: statement.iterate(1), row: statement.get(1), all: statement.all(1), run: sqlite.prepare("delete from t").run(),
    syntax: caught(() => sqlite.prepare("selec")), refusal: caught(() => sqlite.exec("vacuum")),
    binding: caught(() => statement.get({})), drizzle: caught(() => db.run(sql.raw("selec"))),
    peer: caught(() => peers.victim.run(sql.raw("delete from kept"))), missing: caught(() => peers.steady),
    raw: db.session.client.prepare("select 1").raw(), transaction: db.session.client.transaction(() => 1),
    prepared: db.select({ one: sql\`1\` }).from(sql\`t\`).prepare(), query: db.select({ one: sql\`1\` }).from(sql\`t\`),
    inner: db.transaction((tx) => tx), logRows: logs.query({ limit: 1 }),
  };`;

/** Follows every property, prototype, getter and constructor, and calls what takes no argument. */
const walk = `${isNative}${given}
  const seen = new Set(), queue = [[given, "given"]], found = [];
  const add = (value, path) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    if (isNative(value)) found.push(path);
    if (path.split(".").length < 12) queue.push([value, path]);
  };
  for (let at = 0; at < queue.length && at < 60_000; at++) {
    const [value, path] = queue[at];
    add(getPrototypeOf(value), path + ".__proto__");
    for (const key of [...getOwnPropertyNames(value), ...getOwnPropertySymbols(value)]) {
      const { value: direct, get } = getOwnPropertyDescriptor(value, key) ?? {};
      add(direct, path + "." + String(key));
      if (get !== undefined) { try { add(get.call(value), path + "." + String(key) + "()"); } catch { /* no way */ } }
    }
  }
  return { found, walked: seen.size };`;

/** Replaces a method by one that looks at what it is given first. */
const spy = `${isNative}
  const leaks = {}, { apply } = Reflect, { defineProperty } = Object;
  const look = (where, self, given) => {
    if (isNative(self)) leaks[where] = "this";
    for (let at = 0; at < given.length; at++) if (isNative(given[at])) leaks[where] = "argument";
  };
  const spyOn = (object, name, where) => {
    const descriptor = getOwnPropertyDescriptor(object, name);
    if (descriptor === undefined || descriptor.configurable === false || typeof descriptor.value !== "function") return;
    const real = descriptor.value;
    defineProperty(object, name, { ...descriptor, value: function (...given) { look(where, this, given); return apply(real, this, given); } });
  };`;

/** Uses everything that runs SQL, after `before` has replaced something. */
const use = `
  const { sql } = await import("drizzle-orm");
  sqlite.exec("create table if not exists t (x); insert into t values (1)");
  for (let n = 0; n < 300; n++) sqlite.prepare("select " + n + " from t where x = :x").get({ x: 1 });
  for (const row of sqlite.prepare("select x from t").iterate()) void row;
  sqlite.transaction(() => db.all(sql.raw("select * from t")));
  for (let n = 0; n < 3; n++) { try { sqlite.exec("vacuum"); } catch { /* refused */ } }
  peers.victim.all(sql.raw("select * from kept"));
  logs.query({ limit: 3, source: "sense:victim" });
  await null;`;

const alone = { deadly: true, only: "sense" } as const;
const nothing = /^returned \{"leaks":\{\}\}$/;

const replaced: Attack = {
  ...alone,
  body: `${spy}
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  const kinds = { Object, Function, Array, Map, Set, WeakMap, WeakSet, Promise, RegExp, String, Number, Symbol, Error, Date, Uint8Array, Reflect, JSON, Atomics, Iterator, URL,
    arrayIterator: [][Symbol.iterator](), mapIterator: new Map().keys(), setIterator: new Set().keys(), generator: (function* () {})(), iterator };
  for (const kind of Object.keys(kinds)) {
    const of = kinds[kind], prototypes = typeof of === "function" ? [of, of.prototype] : [of, getPrototypeOf(of)];
    for (const object of prototypes) {
      if (object === Function.prototype) continue;
      for (const key of [...getOwnPropertyNames(object), ...getOwnPropertySymbols(object)]) {
        if (key !== "constructor") spyOn(object, key, kind + "." + String(key));
      }
    }
  }
  ${use}
  return { leaks };`,
  outcome: nothing,
};

attackTest("no path leads from what a sense is given to a handle, a statement or their prototypes", {
  "walk": { ...alone, body: walk, outcome: /^returned \{"found":\[\],"walked":\d{3,}\}$/ },
  "constructors": {
    only: "sense",
    body: `const made = [];
      for (const each of [sqlite, sqlite.prepare("select 1"), db, db.session, db.session.client, db.session.client.prepare("select 1")]) {
        for (const argument of [undefined, ":memory:", { exec() {}, prepare() {} }]) {
          try { made.push(Object.keys(new each.constructor(argument)).filter((key) => key === "exec" || key === "limits")); } catch { /* no way */ }
        }
      }
      return made.flat()`,
    outcome: /^returned \[\]$/,
  },
  "methods-on-others": {
    only: "sense",
    body: `const out = [];
      for (const other of [{}, null, peers.victim, db, Object.create(sqlite), new Proxy(sqlite, {})]) {
        for (const key of ["exec", "prepare", "transaction"]) {
          try { out.push(typeof Object.getPrototypeOf(sqlite)[key].call(other, "select 1")); } catch (thrown) { if (!(thrown instanceof TypeError)) out.push(thrown.message); }
        }
      }
      return out`,
    outcome: /^returned \[\]$/,
  },
  "call-sites": {
    ...alone,
    body: `${isNative}${given}
      const found = [];
      Error.prepareStackTrace = (_, sites) => { for (const site of sites) for (const each of [site.getThis(), site.getFunction()]) if (isNative(each)) found.push(String(site)); return ""; };
      for (const work of [() => sqlite.prepare("selec"), () => sqlite.exec("vacuum"), () => statement.get({ get x() { return new Error().stack; } }), () => statement.run(Symbol()), () => logs.query({ limit: {} })]) {
        try { work(); } catch (thrown) { void thrown.stack; }
      }
      return found`,
    outcome: /^returned \[\]$/,
  },
});

const thieves = { only: "sense", yaml: { group: "thieves" } } as const;

// The danger: a function that closes a database takes its rules off first, and then fails because the stack is full.
longAttackTest("a function of nerve that a sense got hold of, and calls on a full stack, opens nothing", {
  "thief": {
    ...thieves,
    body: `const stolen = globalThis.stolen = new Set(), { apply } = Reflect, addTo = Set.prototype.add.bind(stolen);
      for (const [prototype, key] of [[Array.prototype, "push"], [Map.prototype, "set"], [Set.prototype, "add"], [Promise.prototype, "then"]]) {
        const real = prototype[key];
        prototype[key] = function (...given) { for (let at = 0; at < given.length; at++) if (typeof given[at] === "function") addTo(given[at]); else if (typeof given[at] === "object" && given[at] !== null && typeof given[at][0] === "function") addTo(given[at][0]); return apply(real, this, given); };
      }
      return "waits"`,
    outcome: /^returned "waits"$/,
  },
  "user": {
    ...thieves,
    body: `const functions = [...globalThis.stolen].filter((each) => String(each).includes("lose")), seen = [];
      const attempt = () => { try { seen.push(Object.keys(sqlite.prepare("select fts3_tokenizer('porter') as p").get())); } catch (thrown) { void thrown; } };
      let left = 400;
      const dig = () => { try { dig(); } catch { /* full */ } if (left-- > 0) { for (const each of functions) { try { each(); } catch { /* full */ } } } };
      dig();
      attempt();
      return [functions.length > 0, seen.length]`,
    outcome: /^returned \[true,0\]$/,
  },
});

longAttackTest("no handle or statement is passed to what a sense can replace", {
  "every-method": replaced,
  "setters": {
    ...alone,
    body: `${isNative}
      const leaks = {}, taken = new WeakMap();
      for (const prototype of [Object.prototype, Array.prototype]) {
        for (const key of ["0", "1", "2", "db", "sqlite", "handle", "statement", "value", "source", "database", "readOnly", "returnArrays", "readBigInts"]) {
          Object.defineProperty(prototype, key, { __proto__: null, configurable: true,
            set(value) { if (isNative(this) || isNative(value)) leaks[key] = "set"; Object.defineProperty(this, key, { __proto__: null, value, writable: true, configurable: true, enumerable: true }); },
            get() { if (isNative(this)) leaks[key] = "get"; return undefined; } });
        }
      }
      ${use}
      return { leaks };`,
    outcome: nothing,
  },
  "thenables": {
    ...alone,
    body: `${isNative}
      const leaks = {};
      const look = (value, depth) => {
        if (isNative(value)) leaks.then = "resolved";
        if (depth > 2 || typeof value !== "object" || value === null) return;
        for (const key of getOwnPropertyNames(value)) look(getOwnPropertyDescriptor(value, key)?.value, depth + 1);
      };
      Object.defineProperty(Object.prototype, "then", { configurable: true, get() { look(this, 0); return undefined; } });
      ${use}
      await new Promise((done) => setTimeout(done, 300));
      return { leaks };`,
    outcome: nothing,
  },
});
