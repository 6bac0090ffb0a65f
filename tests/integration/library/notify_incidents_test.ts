/** The workflow notify in a daemon: what follows on an incident belongs to the message that told it first. */
import assert from "node:assert/strict";
import { readSource } from "../../support/source_files.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const folder = "workflows/notify", parts = ["chat", "file", "index", "mail", "notice", "settings", "system", "webhook"];
const shared = ["lib/template.ts", "lib/url.ts", "lib/program.ts"];

function files(): Record<string, string> {
  const paths = [...parts.map((part) => `${folder}/${part}.ts`), ...shared];
  return Object.fromEntries(paths.map((path) => [path, readSource(path)]));
}

interface Asked {
  readonly method: string;
  readonly path: string;
  // deno-lint-ignore no-explicit-any -- whatever was posted
  readonly body: any;
}

Deno.test("Discord's message is changed at the end of its incident; Telegram's is answered", async () => {
  const asked: Asked[] = [];
  let ids = 100;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push({ method: request.method, path: pathname, body: await request.json() });
    ids++;
    return Response.json(pathname.startsWith("/bot") ? { ok: true, result: { message_id: ids } } : { id: `${ids}` });
  });
  const { port } = server.addr, url = `http://127.0.0.1:${port}`;
  const permissions = { net: [`127.0.0.1:${port}`], env: ["NOTIFY_INCIDENT_TOKEN"] };
  Deno.env.set("NOTIFY_INCIDENT_TOKEN", "t0ken-of-the-test");
  try {
    await using workspace = await startWorkspace({
      files: files(),
      yaml: {
        workflows: {
          discord: { use: "notify", permissions, config: { channel: "discord", url: `${url}/hooks/1` } },
          telegram: {
            use: "notify",
            permissions,
            config: { channel: "telegram", url, to: "5", secret_env: "NOTIFY_INCIDENT_TOKEN" },
          },
        },
      },
    });
    const payload = { alert: "disk-full", key: "", severity: "error" };
    const tell = async (workflow: string, state: string, since: number) => {
      const run = await workspace.kernel.startWorkflow(workflow, {
        prompt: state,
        payload: { ...payload, state, since },
      });
      const from = workspace.events.findIndex((event) => event.kind === "run" && event.run.runId === run.runId);
      const ended = await workspace.waitFor(
        (event) => event.kind === "run" && event.run.runId === run.runId && event.run.endedAt !== null,
        "the run to end",
        Math.max(0, from),
      );
      assert.ok(ended.kind === "run" && ended.run.status === "completed");
      return asked.at(-1) ?? assert.fail("nothing was asked");
    };
    assert.equal((await tell("discord", "firing", 1)).path, "/hooks/1");
    assert.equal((await tell("discord", "firing", 2)).path, "/hooks/1");
    const { method, path } = await tell("discord", "resolved", 1);
    assert.deepEqual([method, path], ["PATCH", "/hooks/1/messages/101"]);
    assert.equal((await tell("telegram", "firing", 1)).body.reply_parameters, undefined);
    assert.equal((await tell("telegram", "resolved", 1)).body.reply_parameters.message_id, 104);
    assert.equal((await tell("telegram", "resolved", 9)).body.reply_parameters, undefined);
  } finally {
    Deno.env.delete("NOTIFY_INCIDENT_TOKEN");
  }
});
