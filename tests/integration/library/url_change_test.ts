/** url-change with a real server, in its sandbox. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/** A server whose answer a test sets, and the sense that may ask it. */
async function withPage(
  test: (
    page: { answer: Answer; readonly host: string; readonly requests: { readonly headers: Headers }[] },
    sense: QuietSense,
  ) => Promise<void>,
): Promise<void> {
  const requests: { headers: Headers }[] = [];
  const page = { answer: (() => new Response("")) as Answer, host: "", requests };
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push({ headers: new Headers(request.headers) });
    return page.answer(request);
  });
  page.host = `127.0.0.1:${server.addr.port}`;
  await using sense = new QuietSense("url-change", { net: [page.host] });
  await test(page, sense);
}

function html(text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { headers: { "content-type": "text/html; charset=utf-8", ...headers } });
}

Deno.test("url-change tells what has changed, and nothing at the first visit", async () => {
  await withPage(async (page, sense) => {
    const config = { url: `http://${page.host}/a?b=c`, text_only: true, ignore: ["visitors"] };
    page.answer = () => html(`<p>Version 2.0</p><p>${Math.random()} visitors</p><i x="${Math.random()}">y</i>`);
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    page.answer = () => html("<p>Version 2.1</p><i>y</i>");
    const changed = valueOf(await sense.compute(config));
    assert.deepEqual([changed.changed, changed.added, changed.removed], [true, ["Version 2.1"], ["Version 2.0"]]);
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    page.answer = () => html("<p>Version 3</p>");
    const run = valueOf(await sense.compute({ ...config, workflow: "notify" }));
    assert.deepEqual(run.workflow, { name: "notify", prompt: `${config.url}: it has changed`, maxRounds: 20 });
    assert.equal(rowsOf(sense.database, "select 1 from changes").length, 2);
    assert.deepEqual(await sense.compute({ ...config, ignore: [] }), { kind: "null" }, "other rules");
  });
});

long.test("url-change asks with ETag and date, and believes 304 unless it should not", async () => {
  await withPage(async (page, sense) => {
    const url = `http://${page.host}/`;
    const etag = 'W/"1-gzip"', date = "Mon, 02 Jan 2006 15:04:05 GMT";
    page.answer = (request) =>
      request.headers.get("if-none-match") === etag
        ? new Response(null, { status: 304 })
        : new Response("one", { headers: { etag, "last-modified": date } });
    await sense.compute({ url });
    assert.deepEqual(await sense.compute({ url }), { kind: "null" });
    assert.equal(page.requests[1]?.headers.get("if-modified-since"), date);
    await sense.compute({ url, conditional: false });
    assert.equal(page.requests[2]?.headers.get("if-none-match"), null);
    const told = valueOf(await sense.compute({ url, always: true }));
    assert.deepEqual([told.ok, told.changed], [true, false]);
  });
});

long.test("url-change takes an error for a problem, not for a change, and compares with the last good state", async () => {
  await withPage(async (page, sense) => {
    const url = `http://${page.host}/`;
    page.answer = () => html("<p>good</p>");
    await sense.compute({ url });
    for (const status of [503, 404, 500]) {
      page.answer = () => new Response("sorry", { status });
      const { ok, changed, problems } = valueOf(await sense.compute({ url }));
      assert.deepEqual([ok, changed, problems], [false, false, [`status ${status}`]]);
    }
    page.answer = () => html("<p>good</p>");
    const back = valueOf(await sense.compute({ url }));
    assert.deepEqual([back.ok, back.changed], [true, false]);
    page.answer = () => html("x".repeat(5 * 1024 * 1024));
    assert.match(valueOf(await sense.compute({ url })).problems[0], /larger than/);
    page.answer = () => html("<p>better</p>");
    const better = valueOf(await sense.compute({ url }));
    assert.deepEqual([better.ok, better.changed], [true, true]);
    const none = valueOf(await sense.compute({ url, only: ["Version"] }));
    assert.deepEqual(none.problems, ["nothing in it fits config.only"]);
  });
});

long.test("url-change compares what is compressed, in another encoding, or no text at all", async () => {
  await withPage(async (page, sense) => {
    const url = `http://${page.host}/`, text_only = true;
    const gzip = () => {
      const body = new Blob([new Uint8Array([0x3c, 0x70, 0x3e, 0xfc])]).stream().pipeThrough(
        new CompressionStream("gzip"),
      );
      return new Response(body, {
        headers: { "content-encoding": "gzip", "content-type": "text/html; charset=latin1" },
      });
    };
    page.answer = gzip;
    await sense.compute({ url, text_only });
    page.answer = () => html("<p>\u00fc");
    assert.deepEqual(await sense.compute({ url, text_only }), { kind: "null" }, "the same text");
    // Bytes that no encoding has: as text they would all be the same.
    const bytes = (last: number) => () =>
      new Response(new Uint8Array([0xff, 0xfe, 0xfd, last]), { headers: { "content-type": "application/pdf" } });
    page.answer = bytes(0xf8);
    await sense.compute({ url });
    page.answer = bytes(0xf9);
    const changed = valueOf(await sense.compute({ url }));
    assert.deepEqual([changed.changed, changed.counts], [true, { added: 0, removed: 0 }]);
  });
});

long.test("url-change sends the password of its address to that server only, and tells nobody", async () => {
  await withPage(async (page, sense) => {
    page.answer = ({ url }) => {
      if (new URL(url).pathname !== "/") return html("moved");
      return new Response(null, { status: 302, headers: { location: "/there" } });
    };
    const config = { url: `http://ada:secret@${page.host}/`, always: true };
    const told = [valueOf(await sense.compute(config))];
    const authorizations = page.requests.map(({ headers }) => headers.get("authorization"));
    assert.deepEqual(authorizations, Array(2).fill(`Basic ${btoa("ada:secret")}`));
    page.answer = () => new Response(null, { status: 302, headers: { location: "http://bob:secret@127.0.0.2:8765/" } });
    told.push(valueOf(await sense.compute(config)));
    assert.match(told[1].problems[0], /moved to http:\/\/127\.0\.0\.2:8765\/, which permissions\.net does not name/);
    const wrong = await sense.compute({ url: "ftp://ada:secret@h/" });
    assert.doesNotMatch(JSON.stringify([told, wrong, rowsOf(sense.database, "select * from pages")]), /secret/);
  });
});

long.test("url-change deletes changes older than keep", async () => {
  await withPage(async (page, sense) => {
    const url = `http://${page.host}/`;
    for (const text of ["a", "b", "c"]) {
      page.answer = () => html(text);
      await sense.compute({ url });
    }
    {
      using db = openDatabase(sense.database);
      db.exec("update changes set ts = ts - 2 * 86400000");
    }
    await sense.compute({ url, keep: "1d" });
    assert.equal(rowsOf(sense.database, "select 1 from changes").length, 0);
  });
});

long.test("url-change fails with NotCapable without its grant", async () => {
  await using sense = new QuietSense("url-change", {});
  const outcome = await sense.compute({ url: "http://127.0.0.1:8765/" });
  assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
});
