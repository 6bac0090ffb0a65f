/** A second daemon of a workspace, while the first one holds its lock. */
import assert from "node:assert/strict";
import { repository } from "./source_files.ts";

/** Does not use the socket, which a stopping daemon has closed. */
export async function secondHostIsRefused(root: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", `${repository}src/main.ts`, "run", "--workspace", root],
    stdin: "null",
  }).output();
  assert.notEqual(code, 0);
  assert.match(new TextDecoder().decode(stderr), /already runs/);
}
