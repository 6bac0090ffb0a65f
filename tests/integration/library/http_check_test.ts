/** http-check against local servers, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { lasting } from "../../support/certificate.ts";
import { type Outcome, QuietSense } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { addressOf, OwnPorts } from "../../support/own_ports.ts";
import { serve } from "../../support/test_server.ts";

function checked(outcome: Outcome) {
  assert.equal(outcome.kind, "value", JSON.stringify(outcome));
  return outcome.kind === "value" ? outcome.value : null;
}

async function tempFile(text: string): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

Deno.test("http-check is silent while all is well, signals while something is wrong, and once when it has recovered", async () => {
  let status = 200;
  await using server = serve(() => new Response(null, { status }));
  await using sense = new QuietSense("http-check", { net: [`127.0.0.1:${server.port}`] });
  const url = `http://127.0.0.1:${server.port}/health`;
  assert.deepEqual(await sense.compute({ url }), { kind: "null" });
  status = 503;
  for (let times = 0; times < 2; times++) {
    const bad = checked(await sense.compute({ url }));
    assert.equal(bad.ok, false);
    assert.equal(bad.status, 503);
    assert.deepEqual(bad.problems, ["status 503 instead of 200 to 399"]);
  }
  status = 204;
  const good = checked(await sense.compute({ url }));
  assert.deepEqual([good.ok, good.status, good.certificateDaysLeft], [true, 204, null]);
  assert.deepEqual(await sense.compute({ url }), { kind: "null" });
  assert.equal(checked(await sense.compute({ url, always: true })).ok, true);
  const db = new DatabaseSync(sense.database, { readOnly: true });
  const statuses = db.prepare("select status from checks order by id").all().map((row) => row.status);
  db.close();
  assert.deepEqual(statuses, [200, 503, 503, 204, 204, 204]);
  assert.deepEqual(new Set(server.seen), new Set(["/health"]));
});

long.test("http-check checks the configured status, latency and time limit", async () => {
  const held: (() => void)[] = [];
  await using server = serve(async ({ url }) => {
    if (url.endsWith("/never")) await new Promise<void>((resolve) => held.push(resolve));
    if (url.endsWith("/moved")) {
      return new Response(null, { status: 302, headers: { location: "http://127.0.0.2:1/" } });
    }
    return new Response("hello");
  });
  await using sense = new QuietSense("http-check", { net: [`127.0.0.1:${server.port}`] });
  const url = `http://127.0.0.1:${server.port}`;
  const wrong = checked(await sense.compute({ url, expect_status: 404 }));
  assert.deepEqual(wrong.problems, ["status 200 instead of 404"]);
  const slow = checked(await sense.compute({ url: `${url}/never`, timeout: "300ms" }));
  assert.deepEqual([slow.status, slow.problems], [null, ["no answer: it took too long"]]);
  const moved = checked(await sense.compute({ url: `${url}/moved`, always: true }));
  assert.deepEqual([moved.status, moved.ok], [302, true], "a redirect is an answer and is not followed");
  for (const release of held) release();
});

long.test("http-check reports a latency above max_latency", async () => {
  await using server = serve(async () => {
    await new Promise((resolve) => setTimeout(resolve, 120));
    return new Response("late");
  });
  await using sense = new QuietSense("http-check", { net: [`127.0.0.1:${server.port}`] });
  const late = checked(await sense.compute({ url: `http://127.0.0.1:${server.port}/`, max_latency: "50ms" }));
  assert.ok(late.latencyMs > 50, `it waited ${late.latencyMs} ms`);
  assert.match(late.problems[0], /^answered after \d+ ms, more than 50 ms$/);
});

long.test("http-check reports a closed port as a problem, not as an error", async () => {
  const own = new OwnPorts("127.81.7.4"), listener = own.listen();
  const address = addressOf(listener);
  await own.close(listener);
  await using sense = new QuietSense("http-check", { net: [address] });
  const down = checked(await sense.compute({ url: `https://${address}/` }));
  assert.equal(down.problems.length, 1);
  assert.match(down.problems[0], /^no answer: .*refused/i);
});

long.test("http-check reports the days left of a certificate, and warns before it expires", async () => {
  const certificate = await lasting(42);
  await using ca = await tempFile(certificate.cert);
  await using server = serve(() => new Response("hello"), certificate);
  const grants = { net: [`127.0.0.1:${server.port}`, `localhost:${server.port}`], read: [ca.path] };
  await using sense = new QuietSense("http-check", grants);
  const trusted = { url: `https://127.0.0.1:${server.port}/`, ca_file: ca.path };
  const well = checked(await sense.compute({ ...trusted, always: true }));
  assert.deepEqual([well.ok, well.status, well.certificateDaysLeft], [true, 200, 42], JSON.stringify(well));
  assert.deepEqual(await sense.compute(trusted), { kind: "null" });
  const byName = { ...trusted, url: `https://localhost:${server.port}/` };
  assert.equal(checked(await sense.compute({ ...byName, always: true })).certificateDaysLeft, 42);
  const soon = checked(await sense.compute({ ...trusted, min_certificate_days: 60 }));
  assert.deepEqual(soon.problems, ["its certificate expires in 42 days"]);
});

long.test("http-check rejects an untrusted certificate, and still knows its expiry", async () => {
  await using server = serve(() => new Response("hello"), await lasting(5));
  await using sense = new QuietSense("http-check", { net: [`127.0.0.1:${server.port}`] });
  const check = checked(await sense.compute({ url: `https://127.0.0.1:${server.port}/` }));
  assert.equal(check.certificateDaysLeft, 5);
  assert.equal(check.status, null);
  assert.match(check.problems[0], /^no answer: .*certificate/);
});

long.test("http-check reports that a certificate has expired", async () => {
  const certificate = await lasting(-3);
  await using ca = await tempFile(certificate.cert);
  await using server = serve(() => new Response("hello"), certificate);
  await using sense = new QuietSense("http-check", { net: [`127.0.0.1:${server.port}`], read: [ca.path] });
  const check = checked(await sense.compute({ url: `https://127.0.0.1:${server.port}/`, ca_file: ca.path }));
  assert.equal(check.certificateDaysLeft, -3);
  assert.ok(check.problems.includes("its certificate has expired"), JSON.stringify(check));
});

long.test("http-check fails with NotCapable without its grant, and with the grant of another port", async () => {
  await using server = serve(() => new Response("hello"), await lasting(42));
  for (const grants of [{}, { net: ["127.0.0.1:1"] }]) {
    await using sense = new QuietSense("http-check", grants);
    for (const scheme of ["http", "https"]) {
      const outcome = await sense.compute({ url: `${scheme}://127.0.0.1:${server.port}/` });
      assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
    }
  }
  assert.deepEqual(server.seen, []);
});

long.test("http-check rejects an address that is not a web address", async () => {
  await using sense = new QuietSense("http-check", {});
  for (const url of ["file:///etc/passwd", "example.com", ""]) {
    const outcome = await sense.compute({ url });
    assert.ok(outcome.kind === "error" && outcome.message.includes("config.url"), JSON.stringify(outcome));
  }
});
