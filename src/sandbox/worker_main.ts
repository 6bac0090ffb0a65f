/**
 * The entry point of the restricted worker: connects to the kernel, locks the realm down, then passes each message of
 * the kernel to the sense or workflow runtime. Started by shim.ts. No user code runs before `lockDown`.
 * I1. After user code was loaded, nothing here uses what user code can replace (primordials.ts): it can break the
 *     runtimes, but neither close this loop nor read what passes through it.
 */
import { messageOf, unreachable } from "../base/errors.ts";
import type { FromProcess, LoadProblem, ProcessSpec, ToProcess } from "../protocol/message.ts";
import { provideProgramRunner } from "../sdk/host.ts";
import { installAgentPrompts, onPrompted } from "./agent_prompts.ts";
import { toStrayProblem } from "./error_text.ts";
import { installHostClient } from "./host_client.ts";
import { createKernelLink, type KernelLink } from "./kernel_link.ts";
import { lockDown, reportStrayErrors } from "./lockdown.ts";
import { installModuleGate } from "./module_gate.ts";
import { installSecrets, maskOwnText } from "./own_secrets.ts";
import { parseJson, pristine, toOwnJson } from "./primordials.ts";
import { installPrograms, onHeld, onProgramsEnded, runPart } from "./programs.ts";
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
    sendToShim(toOwnJson({ t: "fault", message: messageOf(thrown, maskOwnText) } satisfies FromProcess));
  });
}, { once: true });

/** Runs until the connection ends, which ends the shim too. */
async function runWorker(
  { spec, socket, token, mark, connectGrants, reads, secrets }: BootMessage,
  sendToShim: (text: string) => void,
): Promise<void> {
  const link = await connect(socket, token, connectGrants);
  const kernel = createKernelChannel(link, sendToShim, new Int32Array(reads)), { folders } = spec.modules;
  lockDown((code) => kernel.send({ t: "exit_refused", code }));
  installSecrets(secrets);
  installAgentPrompts(kernel);
  if (mark !== null) {
    await installPrograms(mark, kernel);
    provideProgramRunner(runPart);
  }
  const runtime = await startRuntime(spec, kernel);
  installModuleGate(spec.modules);
  reportStrayErrors((thrown) => kernel.send({ t: "stray", ...describeStray(thrown, folders) }));
  const end = async () => {
    try {
      runtime.close();
    } finally {
      await pristine(link.flushed());
      sendToShim("ended");
    }
  };
  kernel.send({ t: "ready" });
  await link.read((line) => {
    const message = parseJson(line) as ToProcess;
    if (message.t === "ping") kernel.send({ t: "pong", n: message.n });
    else if (message.t === "programs_ended") onProgramsEnded(message.work);
    else if (message.t === "prompted") onPrompted(message);
    else if (message.t === "held") onHeld(message.subjects);
    else if (message.t === "end") void end();
    else if (message.t !== "init") runtime.handle(message);
  });
}

/** User code that replaced built-ins of its realm loses the text of its error, but still cannot break this loop. */
function describeStray(thrown: unknown, folders: readonly string[]): LoadProblem {
  try {
    return toStrayProblem(thrown, folders);
  } catch {
    return { message: "uncaught error outside of any compute or role (its text cannot be read)", place: null };
  }
}

function createKernelChannel(link: KernelLink, sendToShim: (text: string) => void, reads: Int32Array): KernelChannel {
  let throughShim = 0, announced = 0;
  const sendText = (line: string) => {
    if (announced !== throughShim) {
      link.send(toOwnJson({ t: "barrier", n: announced = throughShim } satisfies FromProcess));
    }
    link.send(line);
  };
  return {
    send: (message) => sendText(toOwnJson(message)),
    sendText,
    flushed: () => link.flushed(),
    sendNow(message) {
      throughShim++;
      sendToShim(toOwnJson(message));
    },
    reads: createReadLimit(reads, sendToShim),
  };
}

/** Connects, then revokes the permission to do so: nothing in the worker can connect again. */
async function connect(path: string, token: string, grants: readonly ConnectGrant[]): Promise<KernelLink> {
  const connection = await Deno.connect({ transport: "unix", path });
  for (const grant of grants) Deno.permissions.revokeSync(grant);
  // Bound now: user code may replace the prototype's methods later.
  const link = createKernelLink({ read: connection.read.bind(connection), write: connection.write.bind(connection) });
  link.send(token);
  return link;
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
