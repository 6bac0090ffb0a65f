/**
 * The entry of the restricted worker: takes its private port, locks the realm down, then hands each line of the kernel
 * to the runtime of its kind. Started by shim.ts; no user code has run before `lockDown` has.
 */
import { messageOf, unreachable } from "../base/errors.ts";
import type { FromProcess, ProcessSpec, ToProcess } from "../protocol/message.ts";
import { lockDown, reportStrayErrors } from "./lockdown.ts";
import { strayError } from "./explain.ts";
import { closeModules } from "./module_gate.ts";

/** What a runtime of senses or of a workflow does for the kernel. */
export interface Runtime {
  handle(message: RuntimeMessage): void;
  /** Closes databases; called once, at the end. */
  close(): void;
}
export type RuntimeMessage = Exclude<ToProcess, { t: "init" | "ping" | "end" }>;
/** Sends one message to the kernel. `sendText` takes JSON that is already text, to spare a second encoding. */
export interface KernelPort {
  send(message: FromProcess): void;
  sendText(line: string): void;
}

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) throw new Error("nerve bug: the worker was started without its port");
  boot(event.data, port).catch((thrown) => {
    port.postMessage(JSON.stringify({ t: "fault", message: messageOf(thrown) } satisfies FromProcess));
  });
}, { once: true });

async function boot(spec: ProcessSpec, port: MessagePort): Promise<void> {
  // Bound now: user code may replace the prototype's methods later, and may forge only for its own group anyway.
  const post = port.postMessage.bind(port), stringify = JSON.stringify, parse = JSON.parse;
  const kernel: KernelPort = { send: (message) => post(stringify(message)), sendText: (line) => post(line) };
  lockDown((code) => kernel.send({ t: "exit_refused", code }));
  closeModules(spec.modules);
  reportStrayErrors((thrown) => kernel.send({ t: "stray", ...strayError(thrown, spec.modules.folders) }));
  const runtime = await startRuntime(spec, kernel);
  port.onmessage = ({ data }) => {
    const message = parse(data) as ToProcess;
    if (message.t === "ping") return kernel.send({ t: "pong", n: message.n });
    if (message.t === "end") {
      try {
        return runtime.close();
      } finally {
        post("ended");
      }
    }
    if (message.t !== "init") runtime.handle(message);
  };
  kernel.send({ t: "ready" });
}

async function startRuntime(spec: ProcessSpec, kernel: KernelPort): Promise<Runtime> {
  switch (spec.kind) {
    case "group":
      return new (await import("./sense_runtime.ts")).SenseRuntime(spec, kernel);
    case "workflow":
      return new (await import("./workflow_runtime.ts")).WorkflowRuntime(spec, kernel);
    default:
      return unreachable(spec.kind);
  }
}
