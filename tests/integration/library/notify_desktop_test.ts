/** The channel `desktop` of notify with a real notification daemon on a virtual screen, where both are installed. */
import assert from "node:assert/strict";
import { hasProgram } from "../../support/debian.ts";
import { TestWorkflow } from "../../support/library.ts";

const programs = [["dbus-daemon", "dbus"], ["Xvfb", "xvfb"], ["dunst", "dunst"], [
  "notify-send",
  "libnotify-bin",
]] as const;
let isInstalled = true;
for (const [program, packageName] of programs) isInstalled &&= await hasProgram(program, packageName);

/** A program that says a line when it is ready; `text` is all that it has written. */
function start(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = new Deno.Command(name, { args: [...args], env, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(text)?.[0];
      if (found !== undefined) return found;
      const { value, done } = await reader.read();
      if (done) assert.fail(`${name} ended: ${text}`);
      text += value;
    }
  };
  return {
    until,
    text: () => text,
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

Deno.test({
  name: "an alert is shown on the desktop, its text as text, and its end in the same place",
  ignore: !isInstalled,
  async fn() {
    await using bus = start("dbus-daemon", ["--session", "--nofork", "--print-address"]);
    const address = (await bus.until(/^.+\n/)).trim();
    await using screen = start("Xvfb", ["-displayfd", "1", "-screen", "0", "640x480x8"]);
    const display = `:${(await screen.until(/^\d+\n/)).trim()}`, session = { DBUS_SESSION_BUS_ADDRESS: address };
    await using daemon = start("dunst", ["-print"], { ...session, DISPLAY: display });
    const before = Deno.env.get("DBUS_SESSION_BUS_ADDRESS");
    Deno.env.set("DBUS_SESSION_BUS_ADDRESS", address);
    try {
      await using workflow = new TestWorkflow("notify", { run: ["notify-send"], env: ["DBUS_SESSION_BUS_ADDRESS"] });
      const payload = { alert: "disk-full", key: "/", since: 1, severity: "critical" }, config = { channel: "desktop" };
      const tell = async (state: string, prompt: string) => {
        const { error, messages } = await workflow.run({ config, prompt, payload: { ...payload, state } });
        assert.equal(error, null);
        assert.deepEqual(messages[0]?.meta, { channel: "desktop" });
      };
      // The daemon takes its name on the bus some time after it has started; notify-send waits for it.
      await tell("firing", "-- 93% <b>full</b>");
      await daemon.until(/summary: 'disk-full \/'[^}]*actions/);
      assert.match(daemon.text(), /body: '-- 93% &lt;b&gt;full&lt;\/b&gt;'/);
      assert.match(daemon.text(), /urgency: CRITICAL/);
      await tell("resolved", "resolved: 70% full");
      await daemon.until(/body: 'resolved: 70% full'[^}]*actions/);
      const tags = [...daemon.text().matchAll(/stack_tag: (\w+)/g)].map(([, tag]) => tag);
      assert.equal(tags.length, 2);
      assert.equal(tags[0], tags[1]);
    } finally {
      if (before === undefined) Deno.env.delete("DBUS_SESSION_BUS_ADDRESS");
      else Deno.env.set("DBUS_SESSION_BUS_ADDRESS", before);
    }
  },
});
