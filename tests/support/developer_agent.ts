/**
 * An agent for tests of `develop`, as a real process that speaks the Agent Client Protocol: it writes specifications,
 * plans and reviews as requested, and real commits. The optional file `script.json` in its home sets how often its
 * review wants changes (`changes`), and in which phase it hangs until it is killed (`hangs`), once. Its prompts are
 * kept beside it, in `prompts.jsonl`.
 */
interface Script {
  readonly changes?: number;
  readonly hangs?: string;
}

const home = Deno.env.get("HOME") ?? "/", encoder = new TextEncoder();

function readIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** How often this was requested in this worktree, including this time. */
function count(what: string, cwd: string): number {
  const path = `${home}/${what}-${cwd.replaceAll("/", "_")}.count`, n = Number(readIfThere(path) ?? 0) + 1;
  Deno.writeTextFileSync(path, String(n));
  return n;
}

function git(cwd: string, ...args: string[]): void {
  const identity = ["-c", "user.name=agent", "-c", "user.email=agent@example.com", "-c", "commit.gpgSign=false"];
  const { success, stderr } = new Deno.Command("git", { args: [...identity, ...args], cwd }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function play(prompt: string, cwd: string): Promise<string> {
  const phase = /^Phase: (\w+)$/m.exec(prompt)?.[1] ?? "again",
    script: Script = JSON.parse(readIfThere(`${home}/script.json`) ?? "{}");
  Deno.writeTextFileSync(`${home}/prompts.jsonl`, `${JSON.stringify({ phase, prompt, cwd })}\n`, { append: true });
  if (script.hangs === phase && count(`hang-${phase}`, cwd) === 1) {
    await new Promise<never>(() => setInterval(() => {}, 1_000_000));
  }
  const n = count(phase, cwd),
    answer = (value: unknown) => Deno.writeTextFileSync(`${cwd}/.nerve/${phase}.json`, JSON.stringify(value));
  if (phase === "specification") {
    answer({
      title: "Greet politely",
      summary: "The greeting says please.",
      requirements: ["greet.txt says please"],
      acceptance: ["make test passes"],
    });
  } else if (phase === "plan") answer({ steps: ["write greet.txt"], tests: ["grep please"] });
  else if (phase === "review") {
    const wanted = n <= (script.changes ?? 0);
    answer(
      wanted
        ? {
          verdict: "changes",
          summary: `round ${n} is not polite enough`,
          findings: [{ file: "greet.txt", line: 1, what: "say it twice" }],
        }
        : { verdict: "approve", summary: "polite" },
    );
  } else {
    Deno.writeTextFileSync(`${cwd}/greet.txt`, `${"please ".repeat(n).trim()}\n`);
    git(cwd, "add", "greet.txt");
    git(cwd, "commit", "--quiet", "-m", `greet politely, ${n}`);
    Deno.writeTextFileSync(`${cwd}/notes.txt`, `not committed ${n}\n`);
  }
  return `done: ${phase}, ${n}`;
}

const send = (message: Record<string, unknown>) =>
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`));
const folders = new Map<string, string>();

async function handle(method: string, params: Record<string, unknown>): Promise<unknown> {
  if (method === "initialize") return { protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] };
  if (method === "session/new") {
    const sessionId = crypto.randomUUID();
    folders.set(sessionId, String(params.cwd));
    return { sessionId };
  }
  const sessionId = String(params.sessionId);
  if (method === "session/load") {
    folders.set(sessionId, String(params.cwd));
    return null;
  }
  const [part] = params.prompt as { text: string }[],
    text = await play(part?.text ?? "", folders.get(sessionId) ?? ".");
  send({
    method: "session/update",
    params: { sessionId, update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } },
  });
  return { stopReason: "end_turn" };
}

let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const { id, method, params } of lines.map((line) => JSON.parse(line))) {
    if (id === undefined) continue;
    handle(method, params).then(
      (result) => send({ id, result }),
      (thrown) => send({ id, error: { code: -32603, message: String(thrown.message) } }),
    );
  }
}
