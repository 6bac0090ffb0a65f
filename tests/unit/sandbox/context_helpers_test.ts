/** The context of user code. Danger: two computes that communicate through a shared object, or a log that throws. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { logLineMaxBytes } from "../../../src/base/limits.ts";
import type { FromProcess } from "../../../src/protocol/message.ts";
import { createLog, deepFreeze, openLogs } from "../../../src/sandbox/context_helpers.ts";
import { newRow, withStore } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function logged(log: (write: ReturnType<typeof createLog>) => void): Extract<FromProcess, { t: "log" }>[] {
  const sent: FromProcess[] = [];
  const kernel = {
    send() {},
    sendText() {},
    flushed: () => Promise.resolve(),
    reads: { begin() {}, end() {} },
    sendNow: (m: FromProcess) => sent.push(m),
  };
  log(createLog({ ...kernel, sendNow: (message) => void sent.push(message) }, "cpu"));
  return sent.filter((message) => message.t === "log");
}

Deno.test("deepFreeze() freezes every level of a configuration", () => {
  const config = deepFreeze({ list: [{ a: 1 }], text: "x", none: null });
  assert.throws(() => config.list.push({ a: 2 }), TypeError);
  assert.throws(() => Reflect.apply(() => void (config.list[0]!.a = 2), null, []), TypeError);
});

Deno.test("ctx.log sends level, text and data, and knows no other level", () => {
  const [row, odd] = logged((log) => {
    log("warn", "hot", { celsius: 91 });
    log("shout" as "warn", "hot");
  });
  assert.deepEqual(row, { t: "log", of: "cpu", level: "warn", message: "hot", data: { celsius: 91 } });
  assert.deepEqual([odd?.level, odd?.data], ["info", null]);
});

Deno.test("ctx.log never throws: data that is not JSON is replaced by the reason, a long text is cut", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const [cycle, long, large] = logged((log) => {
    log("info", "a", cyclic as never);
    log("info", "x".repeat(logLineMaxBytes));
    log("info", "b", "x".repeat(logLineMaxBytes + 1));
  });
  assert.match(JSON.stringify(cycle?.data), /dropped.*is not JSON/);
  assert.ok((long?.message.length ?? Infinity) < logLineMaxBytes);
  assert.match(JSON.stringify(large?.data), /dropped.*larger than/);
});

Deno.test("ctx.logs reads the log newest first, and is empty where there is none yet", async () => {
  await inTempDir((root) => {
    const none = openLogs(join(root, "logs.db"));
    assert.deepEqual(none.logs.query({}), []);
    none.close();
    return Promise.resolve();
  });
  await withStore(async ({ store, path }) => {
    for (let n = 0; n < 3; n++) store.log.append(newRow({ payload: n }));
    await store.log.durable();
    const { logs, close } = openLogs(path);
    assert.deepEqual(logs.query({ limit: 2 }).map(({ payload }) => payload), [2, 1]);
    close();
  });
});
