/** Which computes need databases. A compute that uses `db` fails without it: in doubt it gets one. */
import assert from "node:assert/strict";
import { canUse } from "../../../src/sandbox/compute_source.ts";
import { defineSense, option } from "../../../src/sdk/mod.ts";

type Context = Record<"db" | "peers" | "sqlite" | "config", unknown>;

Deno.test("a compute that uses neither db nor peers needs no databases", () => {
  const functions = [
    () => null,
    function () {},
    async function compute() {},
    async () => await Promise.resolve(),
    ({ sqlite }: Context) => sqlite,
    ({ sqlite: db, config }: Context) => [db, config],
    async function compute({ sqlite, config }: Context) {
      return await Promise.resolve([sqlite, config]);
    },
    {
      compute({ config }: Context) {
        return config;
      },
    }.compute,
  ];
  for (const each of functions) assert.equal(canUse(each, ["db", "peers"]), false, String(each));
});

Deno.test("a compute that uses db or peers, or might, needs the databases", () => {
  const inner = ({ db }: Context) => db;
  const functions = [
    inner,
    ({ config, peers }: Context) => [config, peers],
    ({ db: own }: Context) => own,
    (context: Context) => context.config,
    ({ config, ...rest }: Context) => [config, rest],
    (...all: unknown[]) => all,
    ({ config = {} }: Context) => config,
    ({ "db": own }: Context) => own,
    ({ ["d" + "b" as "db"]: own }: Context) => own,
    function () {
      return Reflect.get(arguments[0], "db");
    },
    function () {
      return eval("arguments[0].db");
    },
    inner.bind(null),
    new Proxy(() => null, { apply: (_, __, [context]) => inner(context) }),
    class {},
  ];
  for (const each of functions) assert.equal(canUse(each, ["db", "peers"]), true, Object.prototype.toString.call(each));
});

Deno.test("for a compute from defineSense(), the author's own function decides what is needed", () => {
  const config = { most: option.number(10) };
  const without = defineSense({ config, compute: ({ config: settings, sqlite }) => [settings.most, sqlite] });
  const withDb = defineSense({ config, compute: ({ config: settings, db }) => [settings.most, db] });
  assert.equal(canUse(without.compute, ["db", "peers"]), false);
  assert.equal(canUse(withDb.compute, ["db", "peers"]), true);
});
