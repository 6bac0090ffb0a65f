/** Sends back each line from the socket that it is given; see floor_echo.ts. */
import { LineChannel } from "../../../src/protocol/line_channel.ts";

globalThis.addEventListener("message", async (event) => {
  if (!(event instanceof MessageEvent)) return;
  const stream = await Deno.connect({ transport: "unix", path: event.data });
  const channel = new LineChannel(stream, { lineMaxBytes: 1_000_000 });
  for await (const line of channel.lines()) channel.send(line);
  event.ports[0]?.postMessage("ended");
}, { once: true });
