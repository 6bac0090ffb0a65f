/** Says back what it hears on the port that it is given; see floor_echo.ts. */
globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port !== undefined) port.onmessage = ({ data }) => port.postMessage(data);
});
