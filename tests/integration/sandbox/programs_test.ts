/** `Deno.Command` of a unit that may run programs: marked, and otherwise as Deno has it. */
import assert from "node:assert/strict";
import { markVariable, parseMark } from "../../../src/base/program_mark.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const compute = (body: string) =>
  `import type { SenseContext } from "nerve";
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  void text;
  export const compute = async ({ signal }: SenseContext): Promise<unknown> => { void signal; await 0; ${body} };`;

/** Each body, and what it gives on Deno without nerve. */
const uses: Readonly<Record<string, readonly [string, unknown]>> = {
  "output": [
    `const { code, success, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", "echo a; echo b >&2; exit 3"] }).output();
    return [code, success, text(stdout), text(stderr)];`,
    [3, false, "a\n", "b\n"],
  ],
  "output-sync": [
    `const { code, stdout } = new Deno.Command("sh", { args: ["-c", "echo a"], stderr: "null" }).outputSync();
    return [code, text(stdout)];`,
    [0, "a\n"],
  ],
  "streams": [
    `const child = new Deno.Command("cat", { stdin: "piped", stdout: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("through"));
    await writer.close();
    const { stdout } = await child.output();
    return [text(stdout), child instanceof Deno.ChildProcess, typeof child.pid];`,
    ["through", true, "number"],
  ],
  "kill": [
    `const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
    child.kill("SIGTERM");
    return await child.status;`,
    { success: false, code: 143, signal: "SIGTERM" },
  ],
  "signal": [
    `const controller = new AbortController();
    const done = new Deno.Command("sleep", { args: ["1000"], signal: controller.signal }).output();
    controller.abort();
    return (await done).signal;`,
    "SIGTERM",
  ],
  "env": [
    `const { stdout } = await new Deno.Command("sh", {
      args: ["-c", "echo $GREETING $PATH; env | grep -c NERVE"], clearEnv: true, env: { GREETING: "hello" },
    }).output();
    return text(stdout).replace(/ .*/, "");`,
    "hello\n1\n",
  ],
  "cwd": [
    `return text((await new Deno.Command("pwd", { cwd: "/" }).output()).stdout);`,
    "/\n",
  ],
  "one-command-twice": [
    `const command = new Deno.Command("echo", { args: ["x"] });
    return [text((await command.output()).stdout), text(command.outputSync().stdout)];`,
    ["x\n", "x\n"],
  ],
  "instance": [
    `const command = new Deno.Command("echo"); return [command instanceof Deno.Command, Deno.Command.name];`,
    [
      true,
      "Command",
    ],
  ],
  "spawn-functions": [
    `const all = Deno as unknown as Record<string, (...args: unknown[]) => any>;
    return [
      (await all.spawn("sh", ["-c", "exit 4"], { stdout: "null" }).status).code,
      text((await all.spawnAndWait("echo", { args: ["a"] })).stdout),
      text(all.spawnAndWaitSync("echo", ["b"]).stdout),
    ];`,
    [4, "a\n", "b\n"],
  ],
  "piped-stdin": [
    `return await new Deno.Command("cat", { stdin: "piped" }).output().catch((thrown: Error) => thrown.message);`,
    "Piped stdin is not supported for this function, use 'Deno.Command.spawn()' instead",
  ],
  "missing": [
    `return await new Deno.Command("/no/such").output().then(() => "ran", (thrown: Error) => thrown.name);`,
    "NotCapable",
  ],
  "not-replaced": [
    `return ["Command", "spawn", "spawnAndWait", "spawnAndWaitSync"].map((key) => Reflect.set(Deno, key, 1) || Reflect.deleteProperty(Deno, key));`,
    [false, false, false, false],
  ],
};

long.test("programs are started as Deno starts them", async () => {
  const settings = { permissions: { run: ["sh", "cat", "sleep", "pwd", "echo"] } };
  await using workspace = await startWorkspace({
    yaml: { senses: Object.fromEntries(Object.keys(uses).map((name) => [name, settings])) },
    senses: Object.fromEntries(Object.entries(uses).map(([name, [body]]) => [name, compute(body)])),
  });
  for (const [name, [, expected]] of Object.entries(uses)) {
    assert.deepEqual(await workspace.payload(name), expected, name);
  }
});

Deno.test("every way to start a program puts its mark on it, whatever its options say", async () => {
  const options =
    `{ args: ["-c", "echo $${markVariable}"], stdout: "piped", clearEnv: true, env: { ${markVariable}: "forged" } }`;
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { permissions: { run: ["sh"] } } } },
    senses: {
      a: compute(`const all = Deno as unknown as Record<string, (...args: unknown[]) => any>;
        const command = new Deno.Command("sh", ${options});
        const old = all.run({ cmd: ["sh", "-c", "echo $${markVariable}"], env: { ${markVariable}: "forged" }, stdout: "piped" });
        return [
          (await command.output()).stdout, command.outputSync().stdout, (await command.spawn().output()).stdout,
          (await all.spawn("sh", ${options}).output()).stdout, (await all.spawnAndWait("sh", ${options})).stdout,
          all.spawnAndWaitSync("sh", ${options}).stdout, await old.output(),
        ].map((bytes) => text(bytes).trim());`),
    },
  });
  const marks = await workspace.payload("a") as string[];
  const [first = ""] = marks;
  const { kind, unit, work, subject, owner } = parseMark(first) ?? {};
  assert.deepEqual([kind, unit, work, subject, owner?.pid], ["group", "a", 1, "a", Deno.pid], first);
  assert.deepEqual(marks, Array(7).fill(first));
});

Deno.test("a program belongs to its compute however indirectly it is started", async () => {
  // What nerve rests on here is Deno's: a store of AsyncLocalStorage follows each of these.
  const echo = `new Deno.Command("sh", { args: ["-c", "echo $${markVariable}"] }).output()`;
  const routes = `
    const mark = async () => text((await ${echo}).stdout).trim();
    const later = (call: (done: () => void) => void) =>
      new Promise<string>((resolve) => call(() => resolve(mark())));
    const target = new EventTarget(), controller = new AbortController();
    const child = new Deno.Command("sh", { args: ["-c", "echo x"], stdout: "piped" }).spawn();
    const all = [
      mark(),
      later((done) => setTimeout(done, 5)),
      later((done) => queueMicrotask(done)),
      later((done) => void Promise.resolve().then(() => {}).finally(done)),
      later((done) => target.addEventListener("x", done)),
      later((done) => controller.signal.addEventListener("abort", done)),
      later((done) => signal.addEventListener("abort", done)),
      later((done) => void child.status.then(done)),
      later((done) => void (async () => { for await (const _ of child.stdout) done(); })()),
      later((done) => void (async () => { for await (const _ of (async function* () { yield await 1; })()) done(); })()),
      import("./part.ts").then((part) => part.mark),
    ];
    target.dispatchEvent(new Event("x"));
    controller.abort();
    return await Promise.all(all);`;
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { timeout: "300ms", grace_period: "1m", permissions: { run: ["sh"] } } } },
    senses: { a: compute(routes) },
    files: {
      "senses/a/part.ts": `export const mark = new TextDecoder().decode((await ${echo}).stdout).trim();`,
    },
  });
  const marks = await workspace.payload("a") as string[];
  assert.equal(parseMark(marks[0] ?? "")?.work, 1);
  assert.deepEqual(marks, Array(11).fill(marks[0]));
});

long.test("the mark is not in the environment of user code", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { permissions: { run: ["sh"], env: true } } } },
    senses: { a: compute(`return Deno.env.get("${markVariable}") ?? "unset";`) },
  });
  assert.equal(await workspace.payload("a"), "unset");
});

Deno.test("a sense whose program could not be ended starts no other, and says why; its siblings do", async () => {
  const run = `return (await new Deno.Command("sh", { args: ["-c", "exit 7"] }).output()).code;`;
  await using units = await SupervisedWorkspace.make({
    yaml: {
      senses: { a: { group: "g", permissions: { run: ["sh"] } }, b: { group: "g", permissions: { run: ["sh"] } } },
    },
    senses: { a: compute(run), b: compute(run) },
  });
  const process = await units.ready("group:g");
  assert.deepEqual(await units.compute(process, "a"), { kind: "value", value: 7 });
  process.send({ t: "held", subjects: { a: "sense a: df (pid 12) cannot be ended: it hangs" } });
  const outcome = await units.compute(process, "a");
  assert.ok(outcome.kind === "error");
  assert.equal(outcome.message, "Busy: sh is not started: sense a: df (pid 12) cannot be ended: it hangs");
  assert.deepEqual(await units.compute(process, "b"), { kind: "value", value: 7 });
  process.send({ t: "held", subjects: {} });
  assert.deepEqual(await units.compute(process, "a"), { kind: "value", value: 7 });
});
