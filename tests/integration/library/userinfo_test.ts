/**
 * A user and password in an address leave nowhere: of every sense and workflow that takes an address, against servers that
 * answer, fail, redirect, and are not there. Danger: a password in the log, a database, a message, a status or an error,
 * where whoever may read these finds it.
 */
import assert from "node:assert/strict";
import { readLibraryFiles } from "../../../src/cli/scaffold/library.ts";
import { hasProgram } from "../../support/debian.ts";
import { long } from "../../support/long_form.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const user = "adalovelace7", password = "pw%21-hunter2", decoded = decodeURIComponent(password);
const hidden = [user, password, decoded, btoa(`${user}:${decoded}`)];
const feed = `<rss><channel><item><title>one</title><link>/one</link></item></channel></rss>`;

/** What each path answers; the server also says what it was sent, as a careless one does in its errors. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  await request.body?.cancel();
  if (pathname.startsWith("/feed")) return new Response(feed);
  if (pathname.startsWith("/moved")) return new Response(null, { status: 302, headers: { location: "/feed" } });
  if (pathname.startsWith("/away")) {
    return new Response(null, { status: 302, headers: { location: "http://nobody.invalid/" } });
  }
  if (pathname.startsWith("/fail")) return new Response("no", { status: 500 });
  if (pathname.startsWith("/who")) return new Response("who are you?", { status: 401 });
  return Response.json({ ok: true });
}

type Units = Record<string, Record<string, unknown>>;

type Add = (units: Units, use: string, config: Record<string, unknown>, permissions?: object) => void;

/** Where an address does not belong, is none, or is written as nobody should. */
function addWrong(host: string, senses: Units, workflows: Units, add: Add): void {
  const at = (path: string, scheme = "http") => `${scheme}://${user}:${password}@${host}${path}`;
  for (const wrong of [at("/ok"), at("/ok", "https").replace("://", ":/"), `${user}:${password}@${host}`]) {
    add(senses, "ping", { hosts: [wrong] }, {});
    add(senses, "port-check", { ports: [wrong] });
    add(senses, "tls-expiry", { servers: [wrong] });
    add(senses, "dns-answers", { records: "a.test A", servers: [wrong] });
    add(senses, "dns-answers", { records: `${wrong} A`, servers: "127.0.0.1:1" });
    add(senses, "containers", { engine: wrong });
    add(senses, "database-query", { url: wrong, query: "select 1" });
    add(senses, "database-query", { file: wrong, query: "select 1" });
  }
  // Those with other slashes, or with a space, are addresses all the same.
  const odd = [
    `http:/${user}:${password}@${host}`,
    `http:${user}:${password}@${host}/ok`,
    `http:\\\\${user}:${password}@${host}`,
  ];
  const spaced = `http://${user} 7:${password} x@${host}/ok`;
  for (const wrong of [at("/", "gopher"), ...odd, spaced, `${user}:${password}@${host}`]) {
    add(senses, "http-check", { url: wrong });
    add(senses, "feed-watch", { urls: [wrong] });
    add(senses, "url-change", { url: wrong });
    add(workflows, "http-request", { url: wrong });
    add(workflows, "notify", { url: wrong });
  }
}

function plan(host: string, folder: string): { senses: Units; workflows: Units } {
  const at = (path: string, scheme = "http") => `${scheme}://${user}:${password}@${host}${path}`;
  const gone = `http://${user}:${password}@127.0.0.1:1/`, net = [host, "127.0.0.1:1"];
  const senses: Units = {}, workflows: Units = {};
  const add = (units: Units, use: string, config: Record<string, unknown>, permissions: object = { net }) => {
    units[`${use}-${Object.keys(units).length}`] = { use, config, permissions };
  };
  for (const url of [at("/ok"), at("/fail"), at("/who"), at("/moved"), at("/away"), gone]) {
    add(senses, "http-check", { url });
    add(senses, "feed-watch", { urls: [url, at("/feed")], announce_first: true });
    add(senses, "url-change", { url });
    add(workflows, "http-request", { url, attempts: 2, retry_delay: "1ms" });
    for (const channel of ["webhook", "ntfy", "slack", "discord"]) {
      add(workflows, "notify", { channel, url, to: "topic", attempts: 2, retry_delay: "1ms" });
    }
  }
  const mail = { channel: "mail", from: "a@example.com", to: "b@example.com", attempts: 1, timeout: "1s" };
  add(workflows, "notify", { ...mail, url: at("", "smtp-plain") });
  add(workflows, "notify", { ...mail, url: at("", "smtp") });
  // Without a grant.
  add(senses, "http-check", { url: at("/ok") }, {});
  add(senses, "feed-watch", { urls: [at("/ok")] }, {});
  add(senses, "url-change", { url: at("/ok") }, {});
  add(workflows, "http-request", { url: at("/ok") }, {});
  add(workflows, "notify", { url: at("/ok") }, {});
  addWrong(host, senses, workflows, add);
  add(senses, "database-query", { url: at("/shop", "postgresql"), query: "select 1" });
  const files = { read: [folder], write: [folder] };
  const git = { ...files, net, run: ["git", "make"] };
  add(workflows, "git-build", { folder: `${folder}/site`, build: ["make"] }, git);
  const backup = { folder: `${folder}/site`, timeout: "10s" };
  add(workflows, "backup-folder", { ...backup, tool: "restic", target: `rest:${at("/fail/")}` }, {
    ...files,
    ...{ net, run: ["restic"], env: ["RESTIC_PASSWORD"] },
  });
  add(workflows, "backup-folder", { ...backup, tool: "rsync", target: at("/x", "rsync") }, {
    ...files,
    ...{ net, run: ["rsync", "test"] },
  });
  return { senses, workflows };
}

async function makeSite(folder: string, remote: string): Promise<void> {
  const git = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("git", {
      args: ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false", ...args],
      cwd: `${folder}/site`,
      env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  Deno.mkdirSync(`${folder}/site`);
  await git("init", "--quiet", "--initial-branch=main");
  await git("commit", "--quiet", "--allow-empty", "-m", "one");
  await git("remote", "add", "origin", remote);
  await git("config", "branch.main.remote", "origin");
  await git("config", "branch.main.merge", "refs/heads/main");
  await git("update-ref", "refs/remotes/origin/main", "HEAD");
}

/** Where one of the texts stands in a file below `folder`. */
function findIn(folder: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...findIn(path));
    if (!isFile) continue;
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    found.push(...hidden.filter((each) => text.includes(each)).map((each) => `${path}: ${around(text, each)}`));
  }
  return found;
}

function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 120), at + 80).replaceAll(/[^\x20-\x7e]/g, ".");
}

async function useAll(workspace: WorkspaceFixture, { senses, workflows }: ReturnType<typeof plan>): Promise<string[]> {
  const { api } = workspace.kernel, gone = new AbortController().signal, said: unknown[] = [];
  for (const name of Object.keys(senses)) for (const _ of [1, 2]) said.push(await workspace.trigger(name));
  const runs = await Promise.all(
    Object.keys(workflows).map((name) => api.startRun(name, { prompt: "one", payload: {} })),
  );
  for (const { runId } of runs) {
    const run = await within(api.runEnded(runId, gone), `${runId} to end`);
    said.push(run, api.records.messages(runId, {}));
  }
  await api.recorded();
  said.push(
    workspace.health(),
    api.senses(),
    api.workflows(),
    workspace.events,
    await workspace.rows({ limit: 10_000 }),
  );
  const answered = said.filter((each) => (each as { kind?: string }).kind === "signal").length;
  assert.ok(answered > 30, `${answered} signals`);
  return said.flatMap((each) => {
    const text = JSON.stringify(each);
    return hidden.filter((part) => text.includes(part)).map((part) => around(text, part));
  });
}

long.test("the user and password of an address leave no sense and no workflow of the library", async () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-userinfo-" }));
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const host = `127.0.0.1:${server.addr.port}`, plans = plan(host, folder);
  await makeSite(folder, `http://${user}:${password}@${host}/fail`);
  for (const name of ["restic", "rsync"]) await hasProgram(name, name);
  const yaml = { ...plans, env_file: ".env" };
  await using workspace = await makeWorkspace({ yaml, files: { ".env": "RESTIC_PASSWORD=another-secret\n" } });
  for (const kind of ["senses", "workflows"] as const) {
    for (const name of new Set(Object.values(plans[kind]).map(({ use }) => String(use)))) {
      for (const [path, bytes] of readLibraryFiles(kind, name)) workspace.write(path, new TextDecoder().decode(bytes));
    }
  }
  try {
    await workspace.start();
    assert.deepEqual(await useAll(workspace, plans), []);
    await workspace.stop();
    assert.deepEqual(findIn(workspace.paths.data), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
