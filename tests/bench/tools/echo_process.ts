/**
 * The other end of floor_echo.ts: a process whose restricted worker sends each line back, over a connection of its own.
 */
const [path = ""] = Deno.args;
const worker = new Worker(new URL("./echo_worker.ts", import.meta.url), {
  type: "module",
  deno: { permissions: { net: [`unix:${path}`], read: [path], write: [path] } },
});
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => Deno.exit(0);
worker.postMessage(path, [port2]);
