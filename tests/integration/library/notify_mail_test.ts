/** The channel `mail` of notify with a real SMTP server, in its sandbox. Danger: a password sent in the clear, or a header from a text. */
import assert from "node:assert/strict";
import { SMTPServer } from "smtp-server";
import { selfSigned, type TestCertificate } from "../../support/certificate.ts";
import { type Grants, TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

const variable = "NOTIFY_MAIL_PASSWORD", password = "pass-of-the-test";

interface Received {
  readonly user: string | null;
  readonly secure: boolean;
  readonly to: readonly string[];
  readonly text: string;
}

interface Post {
  readonly port: number;
  readonly received: Received[];
  readonly logins: string[];
  readonly workflow: TestWorkflow;
  readonly ca: string;
}

interface Ways {
  readonly secure?: boolean;
  /** What it answers to a mail, in turn; then it takes them. */
  readonly codes?: number[];
  readonly noStartTls?: boolean;
}

async function posting(ways: Ways, work: (post: Post) => Promise<void>): Promise<void> {
  const now = Date.now(), received: Received[] = [], logins: string[] = [];
  const { cert, key }: TestCertificate = await selfSigned({
    notBefore: new Date(now - 10 ** 8),
    notAfter: new Date(now + 10 ** 8),
  });
  const codes = [...ways.codes ?? []];
  const server = new SMTPServer({
    ...{
      secure: ways.secure === true,
      cert,
      key,
      authOptional: true,
      disabledCommands: ways.noStartTls === true ? ["STARTTLS"] : [],
    },
    allowInsecureAuth: true,
    onAuth({ username = "", password: given = "" }, _, done) {
      logins.push(`${username}:${given}`);
      done(given === password ? null : new Error("wrong password"), { user: username });
    },
    onData(stream, session, done) {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        const code = codes.shift();
        if (code !== undefined) return done(Object.assign(new Error("not now"), { responseCode: code }));
        const to = session.envelope.rcptTo.map(({ address }) => address), text = new TextDecoder().decode(join(chunks));
        received.push({
          user: session.user === undefined ? null : String(session.user),
          secure: session.secure,
          to,
          text,
        });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.server.address(), port = typeof address === "object" ? address?.port ?? 0 : 0;
  const folder = await Deno.realPath(await Deno.makeTempDir()), ca = `${folder}/ca.pem`;
  await Deno.writeTextFile(ca, cert);
  Deno.env.set(variable, password);
  try {
    const grants: Grants = { net: [`127.0.0.1:${port}`], env: [variable], read: [ca] };
    await using workflow = new TestWorkflow("notify", grants);
    await work({ port, received, logins, workflow, ca });
  } finally {
    Deno.env.delete(variable);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await Deno.remove(folder, { recursive: true });
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}

/** Longer than an attempt takes on a machine that is busy with other tests. */
const timeout = "100s";
const from = "nerve@example.com", to = ["ada@example.com", "bob@example.com"];
const payload = { alert: "disk-full", key: "/", state: "firing", since: 1, severity: "critical" };

Deno.test("a mail goes by STARTTLS with a login, to everybody, and an incident is one thread", () =>
  posting({}, async ({ port, received, logins, workflow, ca }) => {
    const login = { user: "nerve", secret_env: variable };
    const config = { channel: "mail", timeout, url: `smtp://127.0.0.1:${port}`, from, to, ca_file: ca, ...login };
    const first = await workflow.run({
      config,
      prompt: "/ is 93% full\r\n.\r\nBcc: eve@example.com",
      payload,
      runId: "r1",
    });
    assert.equal(first.error, null);
    assert.match(first.messages[0]?.content ?? "", /answered 250 /);
    assert.ok(!JSON.stringify(first.messages).includes(password));
    await workflow.run({ config, prompt: "resolved: done", payload: { ...payload, state: "resolved" }, runId: "r2" });
    assert.deepEqual(logins, [`nerve:${password}`, `nerve:${password}`]);
    const [one, two] = received;
    assert.deepEqual([one?.secure, one?.user, one?.to], [true, "nerve", to]);
    assert.match(one?.text ?? "", /^Subject: disk-full \/\r?$/m);
    assert.match(one?.text ?? "", /^Message-ID: <r1\.1@example\.com>\r?$/m);
    const head = (one?.text ?? "").split(/\r?\n\r?\n/)[0] ?? "";
    assert.doesNotMatch(head, /eve@/);
    assert.match(two?.text ?? "", /^Subject: Resolved: disk-full \/\r?$/m);
    const thread = /^References: (<[\da-f]{32}@example\.com>)/m;
    assert.ok(thread.exec(one?.text ?? "")?.[1] !== undefined);
    assert.equal(thread.exec(one?.text ?? "")?.[1], thread.exec(two?.text ?? "")?.[1]);
  }));

long.test("a mail goes by TLS from the first byte", () =>
  posting({ secure: true }, async ({ port, received, workflow, ca }) => {
    const config = {
      channel: "mail",
      timeout,
      url: `smtps://127.0.0.1:${port}`,
      from,
      to: "ada@example.com",
      ca_file: ca,
    };
    const { error } = await workflow.run({ config, prompt: "Zürich 🔴" });
    assert.equal(error, null);
    assert.deepEqual([received[0]?.secure, received[0]?.user], [true, null]);
  }));

Deno.test("no password is sent to a server that offers no STARTTLS, nor to one that nobody trusts", async () => {
  const login = { user: "nerve", secret_env: variable, attempts: 1 };
  await posting({ noStartTls: true }, async ({ port, received, logins, workflow, ca }) => {
    const config = { channel: "mail", timeout, url: `smtp://127.0.0.1:${port}`, from, to, ca_file: ca, ...login };
    assert.match((await workflow.run({ config })).error?.message ?? "", /refused it: .*STARTTLS/i);
    assert.deepEqual([logins, received], [[], []]);
  });
  await posting({}, async ({ port, received, logins, workflow }) => {
    const config = { channel: "mail", timeout, url: `smtp://127.0.0.1:${port}`, from, to, ...login };
    assert.match((await workflow.run({ config })).error?.message ?? "", /took none of 1 attempts: .*certificate/i);
    assert.deepEqual([logins, received], [[], []]);
  });
});

long.test("a server that is busy is asked again; one that refuses for good is not", async () => {
  await posting({ codes: [451, 421] }, async ({ port, received, workflow, ca }) => {
    const config = {
      channel: "mail",
      timeout,
      url: `smtp://127.0.0.1:${port}`,
      from,
      to,
      ca_file: ca,
      retry_delay: "1ms",
    };
    const { messages, logs } = await workflow.run({ config, prompt: "hello" });
    assert.deepEqual([messages[0]?.meta.attempt, logs.length, received.length], [3, 2, 1]);
  });
  await posting({ codes: [550] }, async ({ port, received, workflow, ca }) => {
    const config = { channel: "mail", timeout, url: `smtp-plain://127.0.0.1:${port}`, from, to, ca_file: ca };
    assert.match((await workflow.run({ config })).error?.message ?? "", /refused it: .*550 not now/);
    assert.equal(received.length, 0);
  });
});

long.test("a server that is not granted is not reached, and wrong settings are said", () =>
  posting({}, async ({ port, workflow, ca }) => {
    const run = async (config: Record<string, string | string[]>) =>
      (await workflow.run({ config: { channel: "mail", timeout, from, to, attempts: 1, ca_file: ca, ...config } }))
        .error
        ?.message ?? "";
    assert.match(await run({ url: "smtp://127.0.0.2:25" }), /Requires net access to "127\.0\.0\.2:25"/);
    assert.match(await run({ url: `http://127.0.0.1:${port}` }), /config\.url of mail must be such as smtps:/);
    assert.match(
      await run({ url: `smtp://127.0.0.1:${port}`, user: "nerve" }),
      /config\.user and config\.secret_env belong/,
    );
    assert.match(await run({ url: `smtp://127.0.0.1:${port}`, to: [] }), /config\.to must name at least one address/);
  }));
