/** The routes that only the dashboard reads. */
import assert from "node:assert/strict";
import {
  permissionsSchema,
  senseColumnsSchema,
  senseSeriesSchema,
  storeSizesSchema,
} from "../../../src/protocol/dashboard.ts";
import { apiBench } from "../../support/api_bench.ts";

Deno.test("a column over time is asked for by a span, which ends when the request says", async () => {
  const { get, view } = apiBench(), path = "/v1/senses/cpu-usage/series?table=samples&column=used&untilMs=90000000";
  const series = senseSeriesSchema.parse(await (await get(`${path}&spanMs=60000&points=6`)).json());
  assert.deepEqual([series.untilMs, series.fromMs, series.widthMs], [90_000_000, 89_940_000, 10_000]);
  await get(path);
  const asked = { series: "cpu-usage", table: "samples", column: "used", points: 300 };
  assert.deepEqual(view.requests.at(-1), { ...asked, fromMs: 3_600_000, untilMs: 90_000_000 });
});

Deno.test("columns, permissions and sizes are answered as their shapes say", async () => {
  const { get } = apiBench();
  senseColumnsSchema.parse(await (await get("/v1/senses/cpu-usage/columns")).json());
  permissionsSchema.parse(await (await get("/v1/permissions")).json());
  storeSizesSchema.parse(await (await get("/v1/store")).json());
});

Deno.test("an unknown sense, and a span that is none, are refused", async () => {
  const { get } = apiBench();
  assert.equal((await get("/v1/senses/other/columns")).status, 404);
  assert.equal((await get("/v1/senses/other/series?table=a&column=b")).status, 404);
  assert.equal((await get("/v1/senses/cpu-usage/series?table=a&column=b&points=0")).status, 400);
  assert.equal((await get("/v1/senses/cpu-usage/series?column=b")).status, 400);
});
