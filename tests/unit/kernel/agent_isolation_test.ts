/** What confined agents may read. Danger: a link that a unit's program made opens its target. */
import assert from "node:assert/strict";
import { listChangeable } from "../../../src/base/granted_path.ts";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { findAgentIsolation } from "../../../src/kernel/agent_isolation.ts";
import type { AgentDefinition } from "../../../src/protocol/agent.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test({
  name: "a link that a unit may have made opens nothing to an agent; one of the user does",
  ignore: systemLandlock() < 1,
  fn: () =>
    inTempDir((folder) => {
      const root = Deno.realPathSync(folder), paths = workspacePaths(root);
      for (const path of ["out", "secret", "cwd", "home"]) Deno.mkdirSync(`${root}/${path}`);
      Deno.symlinkSync("../secret", `${root}/out/ref`);
      const agent = { confined: true, protocol: "command", read: ["out/ref"], command: ["sh"] };
      const place = { cwd: `${root}/cwd`, home: `${root}/home`, env: { PATH: "/usr/bin:/bin" } };
      const find = (written: string[]) =>
        findAgentIsolation(paths, agent as unknown as AgentDefinition, place, listChangeable(written));
      assert.throws(() => find([`${root}/out`]), /GRANT_REPLACED: .*out\/ref is not opened/);
      assert.ok(find([])?.paths.some(([path]) => path === `${root}/secret`));
      return Promise.resolve();
    }),
});
