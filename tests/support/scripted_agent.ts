/**
 * An agent for tests, as a real process: it does what the prompt says, word for word. `scripted_agent.ts acp` speaks
 * the Agent Client Protocol; `scripted_agent.ts command [SESSION]` reads one prompt from its input; `scripted_agent.ts
 * terminal SESSION` reads one from each line. What it remembers of a conversation is a file in its home.
 * Prompts: `say TEXT`, `count`, `env`, `write FILE TEXT`, `ask KIND [PATH]`, `fail`, `die`, `start SECONDS` (a program
 * that keeps running), `hang`, `noise`, `flood PIECES` (of 32 KiB each), `clock FROM` (the milliseconds since then),
 * `spend TOKENS COST`, `until FILE` (continues once that file is in its home).
 * Files in its home make it fail: `refuse-load` refuses to resume a conversation, `die-at-start` contains how many more
 * of its programs end at once, `hang-at-start` never answers the first request. It writes its process number to `pid`.
 */
const [protocol = "", given = ""] = Deno.args, encoder = new TextEncoder();
const print = (text: string) => Deno.stdout.writeSync(encoder.encode(text));
const complain = (text: string) => Deno.stderr.writeSync(encoder.encode(`${text}\n`));
const memory = (session: string) => `${Deno.env.get("HOME")}/${session}.txt`;

function count(session: string): number {
  let before = 0;
  try {
    before = Number(Deno.readTextFileSync(memory(session)));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  Deno.writeTextFileSync(memory(session), String(before + 1));
  return before + 1;
}

/** Reports usage; replaced by the protocol. */
let spend = (tokens: number, cost: number): void => {
  print(`${JSON.stringify({ total_cost_usd: cost, usage: { input_tokens: tokens, output_tokens: 0 } })}\n`);
};

/** Sends a part of an answer; replaced by the protocol. */
let talk = (text: string): void => void print(text);

class Refused extends Error {
  readonly code: number;

  constructor(message: string, code = -32603) {
    super(message);
    this.code = code;
  }
}

const inHome = (name: string) => `${Deno.env.get("HOME")}/${name}`;

function exists(name: string): boolean {
  try {
    Deno.statSync(inHome(name));
    return true;
  } catch {
    return false;
  }
}

function dieAtStart(): void {
  if (!exists("die-at-start")) return;
  const left = Number(Deno.readTextFileSync(inHome("die-at-start")));
  if (left <= 0) return;
  Deno.writeTextFileSync(inHome("die-at-start"), String(left - 1));
  complain("not today");
  Deno.exit(9);
}

async function play(prompt: string, session: string, ask: (kind: string) => Promise<string>): Promise<string> {
  const [past = "", now] = prompt.split("# Now\n\n");
  if (now !== undefined) return `${past}\n${await play(now, session, ask)}`;
  const [word = "", ...rest] = prompt.split(/\s+/), text = rest.join(" "), prompts = count(session);
  switch (word) {
    case "say":
      return text;
    case "count":
      return `prompt ${prompts}`;
    case "env":
      return Object.keys(Deno.env.toObject()).sort().join(" ");
    case "write":
      Deno.writeTextFileSync(rest[0] ?? "", rest.slice(1).join(" "));
      return "written";
    case "ask":
      return await ask(text);
    case "fail":
      throw new Refused("cannot");
    case "die":
      complain("out of luck");
      return Deno.exit(7);
    case "start":
      new Deno.Command("setsid", { args: ["sleep", text], stdin: "null" }).spawn();
      return await new Promise<never>(() => setInterval(() => {}, 1_000_000));
    case "until":
      while (!exists(text)) await new Promise((resolve) => setTimeout(resolve, 5));
      return `went on, prompt ${prompts}`;
    case "spend":
      spend(Number(rest[0]), Number(rest[1]));
      return rest[2] === "hang" ? await new Promise<never>(() => setInterval(() => {}, 1_000_000)) : "spent";
    case "noise":
      for (let at = 0; at < 200; at++) print(`{"jsonrpc": nonsense ${at} ${"x".repeat(1_000)}\n`);
      return "after the noise";
    case "flood":
      for (let at = 0; at < Number(rest[0]); at++) talk("x".repeat(32 * 1024));
      return "after the flood";
    case "clock":
      return String(performance.timeOrigin + performance.now() - Number(rest[0]));
    default:
      return await new Promise<never>(() => setInterval(() => {}, 1_000_000));
  }
}

async function runCommand(): Promise<void> {
  const session = given === "" ? crypto.randomUUID() : given;
  print(`{"session": "${session}"}\n`);
  try {
    print(await play(await new Response(Deno.stdin.readable).text(), session, () => Promise.resolve("no one to ask")));
  } catch (thrown) {
    complain(String(thrown));
    Deno.exit(1);
  }
}

async function runAcp(): Promise<void> {
  const send = (message: Record<string, unknown>) => print(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const asked = new Map<number, (outcome: string) => void>();
  const say = (sessionId: unknown, text: string) => {
    const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } };
    send({ method: "session/update", params: { sessionId, update } });
  };
  talk = (text) => say("", text);
  let used = 0, amount = 0;
  spend = (tokens, cost) => {
    const update = { sessionUpdate: "usage_update", used: used += tokens, size: 1e6, cost: { amount: amount += cost } };
    send({ method: "session/update", params: { sessionId: "", update } });
  };
  const askLeave = (sessionId: string) => (text: string) =>
    new Promise<string>((resolve) => {
      const id = 1_000 + asked.size, [kind, path] = text.split(" ");
      const about = { title: `do ${kind}`, locations: path === undefined ? [] : [{ path }], rawInput: { why: "test" } };
      asked.set(id, resolve);
      const options = ["allow_once", "reject_once"].map((each) => ({ optionId: `o-${each}`, name: each, kind: each }));
      send({
        id,
        method: "session/request_permission",
        params: { sessionId, toolCall: { toolCallId: "1", kind, ...about }, options },
      });
    });
  const handle = async (id: number, method: string, params: Record<string, unknown>) => {
    if (method === "initialize") {
      if (exists("hang-at-start")) await new Promise<never>(() => setInterval(() => {}, 1_000_000));
      return { protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] };
    }
    if (method === "session/new") return { sessionId: crypto.randomUUID() };
    const sessionId = String(params.sessionId);
    if (method === "session/load" && exists("refuse-load")) throw new Refused("no such conversation", -32002);
    if (method === "session/load") return say(sessionId, "what was said before") ?? null;
    if (method !== "session/prompt") throw new Refused(`no method ${method} for ${id}`);
    const [part] = params.prompt as { text: string }[];
    say(sessionId, await play(part?.text ?? "", sessionId, askLeave(sessionId)));
    return { stopReason: "end_turn" };
  };
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const { id, method, params, result } of lines.map((line) => JSON.parse(line))) {
      if (method === undefined) asked.get(id)?.(JSON.stringify(result.outcome));
      else if (id !== undefined) {
        handle(id, method, params).then(
          (answer) => send({ id, result: answer }),
          (thrown) => send({ id, error: { code: thrown.code ?? -32603, message: String(thrown.message) } }),
        );
      }
    }
  }
}

async function runTerminal(): Promise<void> {
  print("\n> ");
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) print(`${await play(line, given, () => Promise.resolve("no one to ask"))}\n> `);
  }
}

dieAtStart();
Deno.writeTextFileSync(inHome("pid"), String(Deno.pid));
await (protocol === "acp" ? runAcp() : protocol === "terminal" ? runTerminal() : runCommand());
