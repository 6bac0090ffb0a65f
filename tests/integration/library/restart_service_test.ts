/** The workflow restart-service with a real service process, and with a systemctl that records how it was called. */
import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { writeProgram } from "../../support/programs.ts";
import { within } from "../../support/workspace_fixture.ts";

/**
 * A program that keeps one process running: `ctl restart` restarts it, `ctl status` says whether it runs. With the file
 * `broken` beside it, a restart leaves nothing running; with `fails-first` only the first one does.
 */
const program = `#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$@" >> calls
stop() { [ -f pid ] && kill "$(cat pid)" 2>/dev/null; rm -f pid; }
case "$1" in
  stop) stop ;;
  restart) stop; [ -f broken ] && exit 1; [ -f fails-first ] && { rm fails-first; exit 0; }
    setsid sleep 1000 >/dev/null 2>&1 & echo $! > pid ;;
  status) [ -f pid ] && kill -0 "$(cat pid)" 2>/dev/null ;;
  hang) exec sleep 1000 ;;
esac
`;

class TestService implements AsyncDisposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-service-" }));
  readonly ctl: string = `${this.folder}/ctl`;
  readonly workflow: TestWorkflow;
  readonly config: Record<string, unknown> = {
    command: [this.ctl, "restart"],
    check: [this.ctl, "status"],
    settle: "50ms",
    dry_run: false,
  };

  /** The program keeps its notes beside it and ends processes, as such programs do. */
  constructor(grants: { run?: string[]; unconfined?: true } = { run: [this.ctl], unconfined: true }) {
    writeProgram(this.ctl, program);
    this.workflow = new TestWorkflow("restart-service", grants);
  }

  mark(name: string): void {
    Deno.writeTextFileSync(`${this.folder}/${name}`, "");
  }

  get calls(): string[] {
    try {
      return Deno.readTextFileSync(`${this.folder}/calls`).trim().split("\n");
    } catch {
      return [];
    }
  }

  async call(word: string): Promise<boolean> {
    const { success } = await new Deno.Command(this.ctl, { args: [word], stdout: "null", stderr: "null" }).output();
    return success;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.call("stop");
    await this.workflow[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const rolesOf = (messages: readonly { role: string }[]) => messages.map(({ role }) => role);

Deno.test("restart-service restarts a service that is down, checks that it runs, and leaves a running one alone", async () => {
  await using service = new TestService();
  const { messages, error } = await service.workflow.run({ config: service.config, prompt: "web is down" });
  assert.equal(error, null);
  assert.deepEqual(rolesOf(messages), ["before", "restart", "after", "report"]);
  assert.deepEqual(messages[3]?.meta, { service: `${service.ctl} restart`, dryRun: false, attempts: 1, running: true });
  assert.match(messages[3]?.content ?? "", /runs after 1 attempts \(asked because: web is down\)$/);
  assert.ok(await service.call("status"), "it runs");
  const again = await service.workflow.run({ config: service.config, runId: "r2" });
  assert.deepEqual(rolesOf(again.messages), ["before", "report"]);
  assert.match(again.messages[1]?.content ?? "", /already runs: nothing was done$/);
  assert.equal(service.calls.filter((call) => call === "restart").length, 1);
  const forced = await service.workflow.run({ config: { ...service.config, even_if_running: true }, runId: "r3" });
  assert.deepEqual(rolesOf(forced.messages), ["before", "restart", "after", "report"]);
});

Deno.test("restart-service restarts nothing in a dry run, which is the default", async () => {
  await using service = new TestService();
  const { dry_run: _, ...config } = service.config;
  const { messages, error } = await service.workflow.run({ config });
  assert.equal(error, null);
  assert.deepEqual(rolesOf(messages), ["before", "report"]);
  assert.equal(messages[1]?.content, `dry run: would run ${service.ctl} restart`);
  assert.deepEqual(service.calls, ["status"]);
});

long.test("restart-service tries again when the service stays down, but not for ever", async () => {
  await using service = new TestService();
  service.mark("fails-first");
  const second = await service.workflow.run({ config: service.config });
  assert.deepEqual(rolesOf(second.messages), ["before", "restart", "after", "restart", "after", "report"]);
  assert.equal(second.messages[5]?.meta.attempts, 2);
  await service.call("stop");
  service.mark("broken");
  const never = await service.workflow.run({ config: { ...service.config, attempts: 2 }, runId: "r2" });
  assert.match(never.error?.message ?? "", /does not run after 2 attempts/);
  assert.deepEqual(rolesOf(never.messages), ["before", "restart", "after", "restart", "after"]);
  assert.equal(never.messages[1]?.meta.succeeded, false);
});

long.test("restart-service stops when the configuration has changed to a dry run or another service", async () => {
  await using service = new TestService();
  const { messages } = await service.workflow.run({ config: service.config });
  await service.call("stop");
  const before = messages.slice(0, 1), calls = service.calls.length;
  for (const change of [{ dry_run: true }, { command: [service.ctl, "stop"] }]) {
    const { error } = await service.workflow.run({ config: { ...service.config, ...change }, messages: before });
    assert.match(error?.message ?? "", /no longer lets this run restart/);
  }
  assert.equal(service.calls.length, calls);
});

long.test("restart-service gives up on a command that hangs, and ends when its run is killed", async () => {
  await using service = new TestService();
  const config = { ...service.config, check: [service.ctl, "hang"] };
  const { error } = await service.workflow.run({ config: { ...config, timeout: "300ms" } });
  assert.match(error?.message ?? "", /took longer than 300 ms/);
  const hangs = async () => {
    while (service.calls.filter((call) => call === "hang").length < 2) await delay(systemClock, 20);
  };
  const abortOn = within(hangs(), "the command to be called again");
  const killed = await service.workflow.run({ config, runId: "r2", abortOn });
  assert.equal(killed.error?.name, "AbortError");
});

long.test("restart-service calls systemctl for its unit only, whatever the prompt says", async () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-systemctl-" }));
  const path = Deno.env.get("PATH") ?? "";
  writeProgram(
    `${folder}/systemctl`,
    `#!/bin/sh\nprintf '<%s>' "$@" >> ${folder}/calls; echo >> ${folder}/calls
case "$*" in *restart*) touch ${folder}/up;; *) [ -f ${folder}/up ];; esac\n`,
  );
  Deno.env.set("PATH", `${folder}${delimiter}${path}`);
  try {
    await using workflow = new TestWorkflow("restart-service", { run: ["systemctl"], unconfined: true });
    const config = { unit: "app@1.service", dry_run: false, settle: "10ms" };
    const { messages, error } = await workflow.run({
      config,
      prompt: "; rm -rf / --now other.service",
      payload: { unit: "x" },
    });
    assert.equal(error, null, error?.message);
    assert.equal(messages.at(-1)?.meta.service, "app@1.service");
    assert.deepEqual(Deno.readTextFileSync(`${folder}/calls`).trim().split("\n"), [
      "<--no-ask-password><is-active><--quiet><--><app@1.service>",
      "<--no-ask-password><restart><--><app@1.service>",
      "<--no-ask-password><is-active><--quiet><--><app@1.service>",
    ]);
    await workflow.run({ config: { ...config, user: true }, runId: "r2" });
    assert.match(Deno.readTextFileSync(`${folder}/calls`), /<--user><--no-ask-password><is-active>/);
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
});

long.test("restart-service rejects an invalid unit name and an incomplete configuration", async () => {
  await using workflow = new TestWorkflow("restart-service", {});
  for (const config of [{}, { command: ["x"] }, { check: ["x"] }, { unit: "a", command: ["x"], check: ["y"] }]) {
    assert.match((await workflow.run({ config })).error?.message ?? "", /either unit, or command and check/);
  }
  for (const unit of ["--now", "a b", "a;b", "../x", "a\nb"]) {
    assert.match((await workflow.run({ config: { unit } })).error?.message ?? "", /not the name of a unit/);
  }
});

long.test("restart-service works with its grants and fails with NotCapable without", async () => {
  for (const grants of [{}, { run: ["true"] }]) {
    await using service = new TestService(grants);
    const { error } = await service.workflow.run({ config: service.config });
    assert.equal(error?.name, "NotCapable", JSON.stringify(error));
    assert.deepEqual(service.calls, []);
  }
});
