/**
 * An agent for tests that tries what it may not: its prompt is a JSON of paths and a process. It prints what worked, as
 * a JSON of booleans; the agent makes each attempt itself, and again through a program that it starts, where that makes
 * sense.
 */
interface Targets {
  readonly outside: string;
  readonly secret: string;
  readonly socket: string;
  readonly pid: number;
}

const { outside, secret, socket, pid }: Targets = JSON.parse(await new Response(Deno.stdin.readable).text());

async function works(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}

const run = (script: string) => async () => {
  const { success } = await new Deno.Command("sh", { args: ["-c", script], stdin: "null", stderr: "null" }).output();
  if (!success) throw new Error(script);
};

/** A pair of sockets of a type: 1 is a stream; 2 is for datagrams, which can also be sent to any named socket. */
const pair = (type: number) => () => {
  const { symbols } = Deno.dlopen("libc.so.6", {
    socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  });
  // With the flag that libraries set: closed when another program takes the place of this one.
  if (symbols.socketpair(1, type | 0x80000, 0, new Uint8Array(8)) !== 0) throw new Error(`no pair of type ${type}`);
};

const found = {
  folder: await works(() => Deno.writeTextFileSync("own.txt", "mine")),
  home: await works(() => Deno.writeTextFileSync(`${Deno.env.get("HOME")}/own.txt`, "mine")),
  temporary: await works(() => Deno.writeTextFileSync(`${Deno.env.get("TMPDIR") ?? "/tmp"}/own-${Deno.pid}`, "mine")),
  system: await works(() => Deno.readTextFileSync("/etc/hostname")),
  program: await works(run("ls /usr > /dev/null")),
  write: await works(() => Deno.writeTextFileSync(`${outside}/a.txt`, "x")),
  writeByProgram: await works(run(`echo x > '${outside}/b.txt'`)),
  read: await works(() => Deno.readTextFileSync(secret)),
  readByProgram: await works(run(`cat '${secret}'`)),
  readEnvironment: await works(() => Deno.readTextFileSync(`/proc/${pid}/environ`)),
  signal: await works(run(`kill -0 ${pid}`)),
  socket: await works(async () => (await Deno.connect({ transport: "unix", path: socket })).close()),
  ownSocket: await works(() => Deno.listen({ transport: "unix", path: "own.sock" }).close()),
  pairOfStreams: await works(pair(1)),
  pairOfDatagrams: await works(pair(2)),
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(found)));
