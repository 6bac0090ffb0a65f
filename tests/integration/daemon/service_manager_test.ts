/** What systemd is told (sd_notify(3)), at a real socket; and a real systemd that starts, watches and ends a daemon. */
import assert from "node:assert/strict";
import { ServiceManager } from "../../../src/daemon/service_manager.ts";
import { BootedSystemd, canBootSystemd } from "../../support/booted_systemd.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const watchdog = { WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" };

/** A receiver in a process of its own: only there Deno may listen for datagrams. */
class Receiver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #rest: string[] = [];

  constructor(address: string) {
    const code = `const socket = Deno.listenDatagram({ transport: "unixpacket", path: ${
      JSON.stringify(address.replace(/^@/, "\0"))
    } });
      console.log("listens");
      for await (const [bytes] of socket) console.log(JSON.stringify(new TextDecoder().decode(bytes)));`;
    const args = ["eval", "--unstable-net", "--quiet", code];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "null" }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error("the receiver has ended");
      this.#rest = value.split("\n").filter((line: string) => line !== "");
    }
    return this.#rest.shift() ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#lines.return?.();
    await this.#child.status;
  }
}

Deno.test("the service manager is told what the daemon does, and beats as often as it asks for, until it is closed", () =>
  inTempDir(async (folder) => {
    for (const address of [`${folder}/notify`, `@nerve-test-${crypto.randomUUID()}`]) {
      await using receiver = new Receiver(address);
      assert.equal(await receiver.next(), "listens");
      const clock = new FakeClock(), problems: string[] = [];
      const options = { clock, pid: 7, report: (what: string) => void problems.push(what) };
      const manager = ServiceManager.find({ NOTIFY_SOCKET: address, ...watchdog }, options);
      assert.ok(manager !== null);
      manager.ready("3 senses");
      await clock.tick(60_000);
      manager.stopping();
      manager.close();
      assert.equal(clock.pending, 0);
      const told = [];
      for (let n = 0; n < 5; n++) told.push(JSON.parse(await receiver.next()));
      const beat = "WATCHDOG=1";
      assert.deepEqual(told, [beat, "READY=1\nSTATUS=3 senses", beat, beat, "STOPPING=1"]);
      assert.deepEqual(problems, []);
    }
  }));

Deno.test("without a service manager nobody is told, and one that has gone is a problem once", () =>
  inTempDir((folder) => {
    const clock = new FakeClock(), problems: string[] = [];
    const options = { clock, pid: 7, report: (what: string) => void problems.push(what) };
    for (const env of [{}, { NOTIFY_SOCKET: "" }]) assert.equal(ServiceManager.find(env, options), null);
    // The watchdog is of another process.
    const manager = ServiceManager.find({ NOTIFY_SOCKET: `${folder}/gone`, ...watchdog, WATCHDOG_PID: "8" }, options);
    assert.equal(clock.pending, 0);
    for (let n = 0; n < 3; n++) manager?.status("x");
    assert.deepEqual(problems, [`systemd cannot be notified at ${folder}/gone`]);
    ServiceManager.find({ NOTIFY_SOCKET: "vsock:2:1" }, options)?.ready("x");
    assert.match(problems[1] ?? "", /vsock:2:1 is no address of a Unix socket/);
    return Promise.resolve();
  }));

long.test({
  name: "a real systemd waits until the daemon is ready, shows its status, and ends and restarts one that hangs",
  ignore: !await canBootSystemd(),
  async fn() {
    await using workspace = await DaemonWorkspace.make();
    const main =
      `${Deno.execPath()} run -A --no-prompt --cached-only --config ${repository}/deno.json ${repository}/src/main.ts`;
    const service = [
      "Type=notify",
      "NotifyAccess=main",
      "WatchdogSec=10",
      "Restart=on-failure",
      "RestartSec=0",
      "KillMode=mixed",
    ];
    const env = ["HOME", "PATH", "DENO_DIR"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [`Environment="${name}=${value}"`];
    });
    const unit = ["[Service]", ...service, ...env, `ExecStart=${main} run --workspace ${workspace.root}`, ""].join(
      "\n",
    );
    await using booted = await BootedSystemd.boot({ "nerve.service": unit });
    assert.ok(booted !== null);
    await booted.systemctl("start", "nerve.service");
    const shown = await booted.systemctl("show", "nerve.service", "-p", "ActiveState,SubState,StatusText,MainPID");
    assert.match(shown, /^ActiveState=active$/m);
    assert.match(shown, /^StatusText=1 sense, 1 workflow$/m);
    const pid = /^MainPID=(\d+)$/m.exec(shown)?.[1] ?? "";
    assert.ok(Number(pid) > 0, shown);
    await booted.systemctl("kill", "--kill-who=main", "--signal=SIGSTOP", "nerve.service");
    await booted.until(/^NRestarts=[1-9]/m, "show", "nerve.service", "-p", "NRestarts");
    await booted.until(/^SubState=running$/m, "show", "nerve.service", "-p", "SubState");
    const after = await booted.systemctl("show", "nerve.service", "-p", "MainPID");
    assert.notEqual(after.trim(), `MainPID=${pid}`);
    await booted.systemctl("stop", "nerve.service");
    await booted.until(/^Result=success$/m, "show", "nerve.service", "-p", "Result");
  },
});
