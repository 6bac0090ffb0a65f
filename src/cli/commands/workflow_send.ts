/** `nerve workflow send RUN EVENT`: sends an event to a run in the daemon. An event before its wait is kept. */
import { type CliIo, exit } from "../io.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { parsePayload } from "./workflow_trigger.ts";

interface Flags {
  readonly payload?: string | undefined;
  readonly key?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowSend(io: CliIo, flags: Flags, runId: string, name: string): Promise<number> {
  const payload = flags.payload === undefined ? undefined : parsePayload(flags.payload);
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const key = flags.key ?? crypto.randomUUID();
  const reply = await client.sendEvent(runId, { name, key, ...(payload === undefined ? {} : { payload }) });
  if (flags.json) printJson(io, reply);
  else {
    const { event: { taken }, replayed } = reply;
    const what = taken === null ? "is kept until the run waits for it" : `settled round ${taken}`;
    print(io, `${sign.signal} event ${name} of run ${runId} ${what}${replayed ? "; it was sent before" : ""}`);
    print(io, `${sign.next} nerve workflow inspect ${runId}`);
  }
  return exit.ok;
}
