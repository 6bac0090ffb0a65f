/** The rules that permit tools to agents. Danger: a rule that permits more than it states. */
import assert from "node:assert/strict";
import { judgeToolRequest, ToolPermissions } from "../../../src/agents/tool_permissions.ts";

const place = { cwd: "/w", home: "/home/x" };
const asked = (kind: string, ...paths: string[]) => ({ kind, paths, title: "t", detail: "" });

Deno.test("deny counts before ask, ask before allow, and what no rule names is refused", () => {
  const rules = {
    allow: ["read", "edit src/**", "execute"],
    ask: ["edit src/main.ts", "delete"],
    deny: ["execute bin", "* .git"],
  };
  const cases = [
    [asked("read"), "allow"],
    [asked("read", "/etc/passwd"), "allow"],
    [asked("read", ".git/config"), "deny"],
    [asked("edit", "src/a/b.ts"), "allow"],
    [asked("edit", "/w/src/a.ts", "/w/src/b.ts"), "allow"],
    [asked("edit", "src/a.ts", "other.ts"), "deny"],
    [asked("edit", "src/../other.ts"), "deny"],
    [asked("edit"), "deny"],
    [asked("edit", "src/a.ts", "src/main.ts"), "ask"],
    [asked("delete", "anything"), "ask"],
    [asked("execute"), "allow"],
    [asked("execute", "bin/x"), "deny"],
    [asked("fetch"), "deny"],
    [asked("unheard-of"), "deny"],
  ] as const;
  for (const [request, wanted] of cases) {
    assert.equal(judgeToolRequest(rules, request, place), wanted, `${request.kind} ${request.paths}`);
  }
});

Deno.test("a person is asked only where a rule says so, and not more often than anybody can answer", async () => {
  const answers: ((given: boolean) => void)[] = [], { signal } = new AbortController();
  const ask = () => new Promise<boolean>((resolve) => answers.push(resolve));
  const permissions = new ToolPermissions({ allow: ["read"], ask: ["*"], deny: ["execute"] }, place, ask);
  assert.equal(await permissions.decide(asked("execute"), signal), false);
  const waiting = Array.from({ length: 1_000 }, () => permissions.decide(asked("edit"), signal));
  assert.equal(answers.length, 20);
  answers.forEach((answer) => answer(true));
  assert.equal((await Promise.all(waiting)).filter((given) => given).length, 20);
  const gone = AbortSignal.abort();
  assert.equal(await permissions.decide(asked("edit"), gone), false);
  assert.equal(answers.length, 20);
});
