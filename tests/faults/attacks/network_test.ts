/** The network: only granted hosts are reached, in any spelling, and no socket of the machine. */
import { type Attacks, attackTest, longAttackTest } from "../../support/attack_tests.ts";
import type { Targets } from "../../support/attack_targets.ts";

const refused = /^threw .*(NotCapable|Requires (net|read|write|all) access|closed in the sandbox)/;
const unavailable = /^threw .*(is not a function|is not a constructor)/;
const noListener = /^threw .*is closed in the sandbox: a net grant opens connections, not listeners/;

attackTest("without a grant nothing can be reached over the network", {
  "fetch": { body: "return await (await fetch(`http://127.0.0.1:${config.deniedPort}/`)).text()", outcome: refused },
  "fetch-name": {
    body: "return await (await fetch(`http://localhost:${config.deniedPort}/`)).text()",
    outcome: refused,
  },
  "fetch-number": {
    body: "return await (await fetch(`http://2130706433:${config.deniedPort}/`)).text()",
    outcome: refused,
  },
  "fetch-mapped": {
    body: "return await (await fetch(`http://[::ffff:127.0.0.1]:${config.deniedPort}/`)).text()",
    outcome: refused,
  },
  "fetch-https": { body: "return (await fetch('https://example.com/')).status", outcome: refused },
  "fetch-client": {
    body:
      "return await (await fetch('http://x/', { client: Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${config.deniedPort}` } }) })).text()",
    outcome: refused,
  },
  "fetch-unix": {
    body:
      "return await (await fetch('http://x/', { client: Deno.createHttpClient({ proxy: { transport: 'unix', path: config.unix } }) })).text()",
    outcome: refused,
  },
  "connect": {
    body: "(await Deno.connect({ hostname: '127.0.0.1', port: config.deniedPort })).close()",
    outcome: refused,
  },
  "connect-tls": {
    body: "(await Deno.connectTls({ hostname: 'localhost', port: config.deniedPort })).close()",
    outcome: refused,
  },
  "connect-unix": { body: "(await Deno.connect({ transport: 'unix', path: config.unix })).close()", outcome: refused },
  "connect-control": {
    body: "(await Deno.connect({ transport: 'unix', path: config.socket })).close()",
    outcome: refused,
  },
  "control-stop": {
    body: `const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: config.socket } });
      return (await fetch('http://localhost/v1/stop', { method: 'POST', client })).status`,
    outcome: refused,
  },
  "abstract-unix": { body: "(await Deno.connect({ transport: 'unix', path: '\\0nerve' })).close()", outcome: refused },
  "listen": { body: "Deno.listen({ hostname: '127.0.0.1', port: 0 })", outcome: noListener },
  "listen-unix": {
    body: "Deno.listen({ transport: 'unix', path: config.workspace + '/data/blobs/l.sock' })",
    outcome: noListener,
  },
  "listen-datagram": {
    body: "Deno.listenDatagram({ transport: 'udp', hostname: '127.0.0.1', port: 0 })",
    outcome: unavailable,
  },
  "serve": { body: "Deno.serve({ port: 0 }, () => new Response('x'))", outcome: noListener },
  "resolve-dns": { body: "return await Deno.resolveDns('example.com', 'A')", outcome: refused },
  "node-dns": {
    body: "return await (await import('node:dns/promises')).lookup('example.com')",
    outcome: /^threw .*getaddrinfo EPERM/,
  },
  "node-dns-exfiltrate": {
    body: "return await new (await import('node:dns')).promises.Resolver().resolve4('secret.example.com')",
    outcome: /^threw .*queryA UNKNOWN/,
  },
  "web-socket": {
    body: `const socket = new WebSocket(\`ws://127.0.0.1:\${config.deniedPort}/\`);
      return await new Promise((resolve, reject) => { socket.onopen = () => resolve('open'); socket.onerror = (event) => reject(event.error ?? event); })`,
    outcome: refused,
  },
  "web-socket-stream": {
    body: "return await new globalThis.WebSocketStream(`ws://127.0.0.1:${config.deniedPort}/`).opened",
    outcome: unavailable,
  },
  "event-source": {
    body: `const source = new EventSource(\`http://127.0.0.1:\${config.deniedPort}/\`);
      await new Promise((resolve, reject) => { source.onopen = resolve; source.onerror = () => reject(new Error('NotCapable or no connection')); })`,
    outcome: /^threw .*NotCapable or no connection/,
  },
  "node-net": { body: "return typeof (await import('node:net')).connect", outcome: refused },
  "node-http": { body: "return typeof (await import('node:http')).get", outcome: refused },
  "node-http-bare": { body: "return typeof (await import('http')).get", outcome: refused },
  "node-https": { body: "return typeof (await import('node:https')).get", outcome: refused },
  "node-http2": { body: "return typeof (await import('node:http2')).connect", outcome: refused },
  "node-tls": { body: "return typeof (await import('node:tls')).connect", outcome: refused },
  "node-dgram": { body: "return typeof (await import('node:dgram')).createSocket", outcome: refused },
  "remote-import": {
    body: "return await import(`http://127.0.0.1:${config.deniedPort}/x.ts`)",
    outcome: /^threw .*Requires import access/,
  },
  "remote-wasm": {
    body: "return await WebAssembly.compileStreaming(fetch(`http://127.0.0.1:${config.deniedPort}/`))",
    outcome: refused,
  },
  "web-transport": {
    body: "return await new WebTransport(`https://127.0.0.1:${config.deniedPort}/`).ready",
    outcome: /^threw .*WebTransport is not defined/,
  },
  "quic": { body: "return new Deno.QuicEndpoint({ hostname: '127.0.0.1', port: 0 })", outcome: unavailable },
  "kv": { body: "return await Deno.openKv('http://127.0.0.1:' + config.deniedPort)", outcome: unavailable },
  "cache-api": {
    body: "return await (await caches.open('x')).match('http://example.com/')",
    outcome: /^threw .*Cannot read properties of undefined .reading .open/,
  },
  "local-storage": { body: "return localStorage.length", outcome: /^threw .*localStorage is not defined/ },
}, {
  landlock: ["fetch", "fetch-name", "fetch-number", "connect", "connect-tls"],
});

longAttackTest(
  "a grant of one host and port allows nothing else: no other name, port, redirect or protocol",
  {},
  {
    landlock: ["redirect", "other-port", "connect-elsewhere"],
    attacks({ grantedPort }: Targets): Attacks {
      const yaml = { permissions: { net: [`127.0.0.1:${grantedPort}`] } };
      const attack = (body: string, outcome = refused) => ({ body, outcome, yaml });
      return {
        "granted": attack(
          "return await (await fetch(`http://127.0.0.1:${config.grantedPort}/`)).text()",
          /^returned "granted"/,
        ),
        "redirect": attack("return await (await fetch(`http://127.0.0.1:${config.grantedPort}/away`)).text()"),
        "other-port": attack("return await (await fetch(`http://127.0.0.1:${config.deniedPort}/`)).text()"),
        "other-name": attack("return await (await fetch(`http://localhost:${config.grantedPort}/`)).text()"),
        "user-in-url": attack(
          "return await (await fetch(`http://127.0.0.1:${config.grantedPort}@127.0.0.1:${config.deniedPort}/`)).text()",
          /^threw .*Requires net access/,
        ),
        "unix": attack("(await Deno.connect({ transport: 'unix', path: config.socket })).close()"),
        "module": attack(
          "return await import(`http://127.0.0.1:${config.grantedPort}/x.ts`)",
          /^threw .*Requires import access/,
        ),
        "listen": attack("Deno.listen({ hostname: '127.0.0.1', port: config.grantedPort })", noListener),
        "serve": attack(
          "Deno.serve({ hostname: '127.0.0.1', port: config.grantedPort }, () => new Response('x'))",
          noListener,
        ),
        "proxy": attack(
          "return await (await fetch(`http://127.0.0.1:${config.grantedPort}/`, { client: Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${config.deniedPort}` } }) })).text()",
        ),
        "connect-elsewhere": attack("(await Deno.connect({ hostname: '127.0.0.1', port: config.deniedPort })).close()"),
      };
    },
  },
);

// Deno asks for the host that the code names, and then connects to the proxy that a variable names.
longAttackTest("a granted variable of a proxy cannot be set, so no request goes where no grant leads", {}, {
  attacks({ grantedPort }: Targets): Attacks {
    const names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy"];
    const yaml = { permissions: { net: [`127.0.0.1:${grantedPort}`], env: names } };
    const ways = {
      "deno": (name: string) => `Deno.env.set('${name}', proxy)`,
      "node": (name: string) => `process.env.${name} = proxy`,
      "node-assign": (name: string) => `Object.assign(process.env, { ${name}: proxy })`,
      "node-define": (name: string) => `Object.defineProperty(process.env, '${name}', { value: proxy })`,
      "import": (name: string) => `(await import('node:process')).env.${name} = proxy`,
      "delete": (name: string) => `Deno.env.delete('${name}'); delete process.env.${name}`,
    };
    return Object.fromEntries(
      Object.entries(ways).flatMap(([way, set]) =>
        names.slice(0, way === "deno" ? names.length : 1).map((name, at) => [`${way}-${at}`, {
          body: `const proxy = \`http://127.0.0.1:\${config.deniedPort}\`; ${set(name)};
            return await (await fetch(\`http://127.0.0.1:\${config.grantedPort}/\`)).text()`,
          outcome: /^threw .*a variable cannot be set in the sandbox/,
          yaml,
          only: "sense" as const,
        }])
      ),
    );
  },
});
