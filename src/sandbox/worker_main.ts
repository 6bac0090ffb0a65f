/**
 * The entry point of the restricted worker: connects to the kernel, locks the realm down, then passes each message of
 * the kernel to the sense or workflow runtime. Started by shim.ts. No user code runs before `lockDown`.
 */
import { messageOf, unreachable } from "../base/errors.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { FromProcess, ProcessSpec, ToProcess } from "../protocol/message.ts";
import { toStrayProblem } from "./error_text.ts";
import { installHostClient } from "./host_client.ts";
import { lockDown, reportStrayErrors } from "./lockdown.ts";
import { installModuleGate } from "./module_gate.ts";
import { installPrograms, onHeld, onProgramsEnded } from "./programs.ts";
import { createReadLimit } from "./read_limit.ts";
import type { BootMessage, ConnectGrant, KernelChannel, Runtime } from "./runtime.ts";

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port, services] = event.ports;
  if (port === undefined || services === undefined) throw new Error("nerve bug: the worker was started without ports");
  installHostClient(services);
  // Bound now: user code may replace the prototype's methods later.
  const sendToShim = port.postMessage.bind(port);
  runWorker(event.data, sendToShim).catch((thrown) => {
    sendToShim(JSON.stringify({ t: "fault", message: messageOf(thrown) } satisfies FromProcess));
  });
}, { once: true });

/** Runs until the connection ends, which ends the shim too. */
async function runWorker(
  { spec, socket, token, mark, connectGrants, reads }: BootMessage,
  sendToShim: (text: string) => void,
): Promise<void> {
  const channel = await connect(socket, token, connectGrants), parse = JSON.parse;
  const kernel = createKernelChannel(channel, sendToShim, new Int32Array(reads));
  lockDown((code) => kernel.send({ t: "exit_refused", code }));
  if (mark !== null) await installPrograms(mark, kernel);
  installModuleGate(spec.modules);
  reportStrayErrors((thrown) => kernel.send({ t: "stray", ...toStrayProblem(thrown, spec.modules.folders) }));
  const runtime = await startRuntime(spec, kernel);
  kernel.send({ t: "ready" });
  for await (const line of channel.lines()) {
    const message = parse(line) as ToProcess;
    if (message.t === "ping") kernel.send({ t: "pong", n: message.n });
    else if (message.t === "programs_ended") onProgramsEnded(message.work);
    else if (message.t === "held") onHeld(message.subjects);
    else if (message.t === "end") {
      try {
        runtime.close();
      } finally {
        channel.flushed().then(() => sendToShim("ended"));
      }
    } else if (message.t !== "init") runtime.handle(message);
  }
}

function createKernelChannel(
  channel: LineChannel,
  sendToShim: (text: string) => void,
  reads: Int32Array,
): KernelChannel {
  const { stringify } = JSON;
  let throughShim = 0, announced = 0;
  const sendText = (line: string) => {
    if (announced !== throughShim) {
      channel.send(stringify({ t: "barrier", n: announced = throughShim } satisfies FromProcess));
    }
    channel.send(line);
  };
  return {
    send: (message) => sendText(stringify(message)),
    sendText,
    flushed: () => channel.flushed(),
    sendNow(message) {
      throughShim++;
      sendToShim(stringify(message));
    },
    reads: createReadLimit(reads, sendToShim),
  };
}

/** Connects, then revokes the permission to do so: nothing in the worker can connect again. */
async function connect(path: string, token: string, grants: readonly ConnectGrant[]): Promise<LineChannel> {
  const connection = await Deno.connect({ transport: "unix", path });
  for (const grant of grants) Deno.permissions.revokeSync(grant);
  // Bound now: user code may replace the prototype's methods later.
  const stream = {
    read: connection.read.bind(connection),
    write: connection.write.bind(connection),
    close: connection.close.bind(connection),
  };
  const channel = new LineChannel(stream, { lineMaxBytes: Number.MAX_SAFE_INTEGER });
  channel.send(token);
  return channel;
}

async function startRuntime(spec: ProcessSpec, kernel: KernelChannel): Promise<Runtime> {
  switch (spec.kind) {
    case "group":
      return new (await import("./sense_runtime.ts")).SenseRuntime(spec, kernel);
    case "workflow":
      return new (await import("./workflow_runtime.ts")).WorkflowRuntime(spec, kernel);
    default:
      return unreachable(spec.kind);
  }
}
