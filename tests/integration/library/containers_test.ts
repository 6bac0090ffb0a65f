/** containers against a real Podman, and against a server that tells what Docker alone tells, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Outcome, QuietSense, valueOf } from "../../support/library.ts";
import { isLong, long } from "../../support/long_form.ts";
import { canRunPodman, Podman } from "../../support/podman.ts";

// Ignored only where podman, crun or busybox-static cannot be installed from Debian, or where containers cannot be run.
const ignore = !isLong || !await canRunPodman();

const senseOf = (socket: string) =>
  new QuietSense("containers", { net: [`unix:${socket}`, "docker:80"], read: [socket], write: [socket] });

async function start(): Promise<Podman> {
  const podman = await Podman.start();
  if (podman === null) throw new Error("Podman does not start");
  return podman;
}

const problemsOf = (outcome: Outcome): string[] => valueOf(outcome).problems;

long.test({
  name: "containers tells what has failed and what is unhealthy in Podman, and once that it is no more",
  ignore,
  fn: async () => {
    await using podman = await start();
    await using sense = senseOf(podman.socket);
    const engine = podman.socket, unchecked = "--health-interval=disable";
    await podman.run("good", [], "sleep", "100000");
    await podman.run("done", [], "true");
    await podman.until(/exited/, "done", "{{.State.Status}}");
    await podman.run("checked", ["--health-cmd=/bin/busybox true", unchecked], "sleep", "100000");
    await podman.podman("healthcheck", "run", "checked");
    assert.deepEqual(await sense.compute({ engine }), { kind: "null" });
    await podman.run("bad", [], "sh", "-c", "exit 3");
    await podman.run("asked", ["--stop-signal=TERM"], "sh", "-c", "exit 143");
    await podman.run("ill", ["--health-cmd=/bin/busybox false", "--health-retries=1", unchecked], "sleep", "100000");
    await podman.podman("healthcheck", "run", "ill").catch(() => {});
    for (const name of ["bad", "asked"]) await podman.until(/exited/, name, "{{.State.Status}}");
    const config = { engine, workflow: "restart-service" };
    const told = valueOf(await sense.compute(config));
    assert.deepEqual([told.count, told.problems], [6, ["bad: has ended with code 3", "ill: is unhealthy"]]);
    assert.deepEqual(told.workflow, { name: "restart-service", prompt: told.problems.join(", "), maxRounds: 20 });
    const { image, ...bad } = told.containers[0];
    assert.match(image, /nerve-test/);
    assert.deepEqual(bad, {
      name: "bad",
      state: "exited",
      health: null,
      exitCode: 3,
      restarts: 0,
      problem: "has ended with code 3",
    });
    const states = Object.fromEntries(
      told.containers.map(({ name, health }: Record<string, string>) => [name, health]),
    );
    assert.deepEqual([states.checked, states.ill, states.good], ["healthy", "unhealthy", null]);
    assert.equal(valueOf(await sense.compute(config)).workflow, undefined);
    assert.deepEqual(problemsOf(await sense.compute({ engine, fine_codes: ["3", "143"] })), ["ill: is unhealthy"]);
    assert.deepEqual(problemsOf(await sense.compute({ engine, max_age: "0s" })), ["ill: is unhealthy"]);
    assert.deepEqual(problemsOf(await sense.compute({ engine, ignore: ["ba*", "ill"] })), []);
    assert.deepEqual(await sense.compute({ engine, ignore: ["ba*", "ill"] }), { kind: "null" });
  },
});

long.test({
  name: "containers wants of those that are named that they are there and run, and counts restarts",
  ignore,
  fn: async () => {
    await using podman = await start();
    await using sense = senseOf(podman.socket);
    const engine = podman.socket;
    await podman.run("good", [], "sleep", "100000");
    await podman.run("done", [], "true");
    await podman.run("still", [], "sleep", "100000");
    await podman.podman(
      "create",
      "--name",
      "made",
      "--cgroups=disabled",
      "localhost/nerve-test:1",
      "/bin/busybox",
      "true",
    );
    await podman.until(/exited/, "done", "{{.State.Status}}");
    assert.deepEqual(await sense.compute({ engine }), { kind: "null" });
    await podman.run("again", ["--restart=on-failure:4"], "false");
    await podman.until(/^4 exited/, "again", "{{.RestartCount}} {{.State.Status}}");
    const problems = problemsOf(await sense.compute({ engine, containers: ["good", "done", "made", "none", "ag*"] }));
    assert.deepEqual(problems.filter((problem) => !problem.startsWith("made")), [
      "again: has ended with code 1",
      "done: has ended with code 0",
      "none: there is no such container",
    ]);
    assert.match(problems.join(), /made: does not run \(\w+\)/);
    assert.deepEqual(
      problemsOf(await sense.compute({ engine, containers: ["good"] })),
      [],
      "the end of what was wrong",
    );
    assert.deepEqual(problemsOf(await sense.compute({ engine, fine_codes: ["1"], ignore: "good", max_restarts: 4 })), [
      "again: was started again 4 times since the last check",
    ]);
  },
});

long.test({
  name: "containers deletes rows older than keep",
  ignore,
  fn: async () => {
    await using podman = await start();
    await using sense = senseOf(podman.socket);
    await podman.run("good", [], "sleep", "100000");
    await sense.compute({ engine: podman.socket });
    const db = new DatabaseSync(sense.database);
    for (const table of ["checks", "containers"]) db.exec(`update ${table} set ts = ts - 2 * 86400000`);
    await sense.compute({ engine: podman.socket, keep: "1d" });
    for (const table of ["checks", "containers"]) {
      assert.equal(db.prepare(`select count(*) as n from ${table}`).get()?.n, 1);
    }
    db.close();
  },
});

const never = "0001-01-01T00:00:00Z";
const ended = {
  Running: false,
  OOMKilled: false,
  Error: "",
  StartedAt: "2026-01-01T00:00:00.123456789Z",
  FinishedAt: new Date().toISOString(),
};

/** As Docker's API documents its answers. */
const docker: Record<string, unknown> = {
  oom: { ...ended, Status: "exited", ExitCode: 137, OOMKilled: true },
  loop: { ...ended, Status: "restarting", Restarting: true, ExitCode: 1 },
  port: {
    ...ended,
    Status: "created",
    ExitCode: 128,
    Error: "port is already allocated\n",
    StartedAt: never,
    FinishedAt: never,
  },
  husk: { ...ended, Status: "dead", Dead: true, ExitCode: 0 },
  fresh: { ...ended, Status: "created", ExitCode: 0, StartedAt: never, FinishedAt: never },
  young: {
    ...ended,
    Status: "running",
    Running: true,
    ExitCode: 0,
    FinishedAt: never,
    Health: { Status: "starting", FailingStreak: 0 },
  },
  past: { ...ended, Status: "exited", ExitCode: 0, Health: { Status: "unhealthy", FailingStreak: 3 } },
};

function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/containers/json" && searchParams.get("all") === "true") {
    return Response.json([...Object.keys(docker), "gone"].map((Id) => ({ Id, Names: [`/${Id}`] })));
  }
  const id = /^\/containers\/(\w+)\/json$/.exec(pathname)?.[1] ?? "";
  if (docker[id] === undefined) return Response.json({ message: "No such container" }, { status: 404 });
  return Response.json({ Id: id, Name: `/${id}`, RestartCount: 0, Config: { Image: "i" }, State: docker[id] });
}

const dockerProblems = [
  "husk: could not be removed (dead)",
  "loop: ends again and again, with code 1",
  "oom: has ended with code 137, out of memory",
  "port: could not be started: port is already allocated",
];

Deno.test("containers reads what Docker tells, over a socket and through a proxy", async () => {
  const folder = Deno.makeTempDirSync(), socket = `${folder}/docker.sock`;
  try {
    await using _ = Deno.serve({ path: socket, onListen: () => {} }, answer);
    await using sense = senseOf(socket);
    assert.deepEqual(problemsOf(await sense.compute({ engine: socket })), dockerProblems);
    await using proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
    const host = `127.0.0.1:${proxy.addr.port}`;
    await using over = new QuietSense("containers", { net: [host] });
    assert.deepEqual(problemsOf(await over.compute({ engine: `http://${host}/` })), dockerProblems);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

function endless(): ReadableStream<Uint8Array> {
  const part = new TextEncoder().encode('{"a":1},'.repeat(8_192));
  return new ReadableStream({ pull: (controller) => controller.enqueue(part) });
}

long.test("containers says that an engine is not there, does not answer, refuses, or is none", async () => {
  const folder = Deno.makeTempDirSync(),
    socket = `${folder}/engine.sock`,
    errorOf = async (config: Record<string, unknown>) => {
      await using sense = senseOf(socket);
      const outcome = await sense.compute({ engine: socket, ...config });
      return outcome.kind === "error" ? outcome.message : JSON.stringify(outcome);
    };
  try {
    for (
      const [say, expected] of [
        [
          () => new Response("forbidden by administrative rules", { status: 403 }),
          /answers with status 403: forbidden by/,
        ],
        [() => new Response("<html>"), /does not speak the API of Docker/],
        [() => Response.json({ hello: 1 }), /does not speak the API of Docker/],
        // The bug was: an answer without an end took the memory of the process, and with it the group.
        [() => new Response(endless()), /no answer that can be used: it is larger than 16777216 bytes/],
        [() => new Promise<Response>(() => {}), /does not answer in time/],
      ] as const
    ) {
      // What never answers keeps a server from ending in peace.
      const end = new AbortController(),
        server = Deno.serve({ path: socket, onListen: () => {}, signal: end.signal }, say);
      assert.match(await errorOf({ timeout: "500ms" }), expected);
      end.abort();
      await server.finished;
    }
    assert.match(await errorOf({}), /does not answer: /);
    assert.throws(
      () => Deno.lstatSync(socket),
      Deno.errors.NotFound,
      "nothing is in the way of an engine that starts later",
    );
    assert.match(await errorOf({ engine: "ssh://host" }), /config\.engine must be/);
    assert.match(await errorOf({ engine: "http://a:b@host" }), /config\.engine must be/);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

long.test("containers fails with NotCapable without its grants", async () => {
  const folder = Deno.makeTempDirSync(), socket = `${folder}/docker.sock`;
  try {
    await using _ = Deno.serve({ path: socket, onListen: () => {} }, answer);
    const net = [`unix:${socket}`, "docker:80"], read = [socket], write = [socket];
    const lacking = [{}, { net }, { read, write }, { net, read }, { net, write }];
    for (const grants of [...lacking, ...net.map((name) => ({ net: [name], read, write }))]) {
      await using sense = new QuietSense("containers", grants);
      const outcome = await sense.compute({ engine: socket });
      assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify([grants, outcome]));
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
