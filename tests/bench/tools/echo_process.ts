/** The other end of floor_echo.ts: passes each line to a restricted worker, and what that says back. */
import { LineChannel } from "../../../src/protocol/line_channel.ts";

const stream = await Deno.connect({ transport: "unix", path: Deno.args[0] ?? "" });
const channel = new LineChannel(stream, { lineMaxBytes: 1_000_000 });
const worker = new Worker(new URL("./echo_worker.ts", import.meta.url), {
  type: "module",
  deno: { permissions: "none" },
});
const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => channel.send(data);
worker.postMessage(null, [port2]);
for await (const line of channel.lines()) port1.postMessage(line);
Deno.exit(0);
