/** A unit that the daemon does not know although its folder exists: what the commands that ask for it say. */
import assert from "node:assert/strict";
import { serveWorkspace } from "../../support/served_workspace.ts";

Deno.test("a trigger of a folder that is not in nerve.yaml says so, and how to add it", async () => {
  await using served = await serveWorkspace({ senses: { quiet: "export const compute = () => null;" } });
  for (const [section, command] of [["senses", "sense"], ["workflows", "workflow"]] as const) {
    served.workspace.write(`${section}/late/index.ts`, "export const compute = () => null;\n");
    const unnamed = await served.nerve(command, "trigger", "late");
    assert.equal(unnamed.code, 1);
    assert.match(
      unnamed.err,
      new RegExp(`there is no ${command} "late": ${section}/late/ exists, but nerve\\.yaml does`),
    );
    assert.match(unnamed.err, new RegExp(`\n {3}add "late: {}" under ${section} in nerve\\.yaml`));
  }
  assert.match(
    (await served.nerve("sense", "trigger", "quite")).err,
    /there is no sense "quite"\n {3}there are: quiet\n/,
  );
  served.workspace.write("nerve.yaml", "senses: { later: { use: late } }\n");
  assert.match(
    (await served.nerve("sense", "trigger", "late")).err,
    /senses\/late\/ exists, but it is the code of later\n {3}nerve sense trigger later\n/,
  );
  // It has been added meanwhile, but this kernel does not watch and has not been told to reload.
  served.workspace.write("nerve.yaml", "senses: { late: {} }\n");
  const untaken = await served.nerve("sense", "trigger", "late");
  assert.match(untaken.err, /senses\/late\/ exists, but the daemon has not loaded it\n {3}nerve reload\n/);
});
