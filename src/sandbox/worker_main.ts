/**
 * The entry of the restricted worker: connects to the kernel, locks the realm down, then hands each line of the kernel
 * to the runtime of its kind. Started by shim.ts; no user code has run before `lockDown` has.
 */
import { messageOf, unreachable } from "../base/errors.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { FromProcess, ProcessSpec, ToProcess } from "../protocol/message.ts";
import { strayError } from "./error_text.ts";
import { lockDown, reportStrayErrors } from "./lockdown.ts";
import { closeModules } from "./module_gate.ts";
import type { Boot, KernelChannel, Right, Runtime } from "./runtime.ts";

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) throw new Error("nerve bug: the worker was started without its port");
  // Bound now: user code may replace the prototype's methods later.
  const tellShim = port.postMessage.bind(port);
  run(event.data, tellShim).catch((thrown) => {
    tellShim(JSON.stringify({ t: "fault", message: messageOf(thrown) } satisfies FromProcess));
  });
}, { once: true });

/** Until the connection ends, and with it the shim. */
async function run({ spec, socket, token, rights }: Boot, tellShim: (word: string) => void): Promise<void> {
  const channel = await connect(socket, token, rights), parse = JSON.parse;
  const kernel = kernelPort(channel, tellShim);
  lockDown((code) => kernel.send({ t: "exit_refused", code }));
  closeModules(spec.modules);
  reportStrayErrors((thrown) => kernel.send({ t: "stray", ...strayError(thrown, spec.modules.folders) }));
  const runtime = await startRuntime(spec, kernel);
  kernel.send({ t: "ready" });
  for await (const line of channel.lines()) {
    const message = parse(line) as ToProcess;
    if (message.t === "ping") kernel.send({ t: "pong", n: message.n });
    else if (message.t === "end") {
      try {
        runtime.close();
      } finally {
        channel.flushed().then(() => tellShim("ended"));
      }
    } else if (message.t !== "init") runtime.handle(message);
  }
}

function kernelPort(channel: LineChannel, tellShim: (word: string) => void): KernelChannel {
  const { stringify } = JSON;
  let throughShim = 0, told = 0;
  const sendText = (line: string) => {
    if (told !== throughShim) channel.send(stringify({ t: "after", n: told = throughShim } satisfies FromProcess));
    channel.send(line);
  };
  return {
    send: (message) => sendText(stringify(message)),
    sendText,
    flushed: () => channel.flushed(),
    sendNow(message) {
      throughShim++;
      tellShim(stringify(message));
    },
  };
}

/** Connects, and gives the right to do so back: nothing in here can connect again. */
async function connect(path: string, token: string, rights: readonly Right[]): Promise<LineChannel> {
  const connection = await Deno.connect({ transport: "unix", path });
  for (const right of rights) Deno.permissions.revokeSync(right);
  // Bound for the same reason as above.
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
