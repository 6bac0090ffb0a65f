/** Which rules a process gets when there are links on a path. Danger: a rule for the target of a program's link. */
import assert from "node:assert/strict";
import { listChangeable } from "../../../src/base/granted_path.ts";
import { applyFollowed, followGrants, holdRules } from "../../../src/process/followed_grants.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const nothing = {
  read: false,
  write: false,
  net: false,
  env: false,
  run: false,
  sys: false,
  ffi: false,
  import: false,
};

Deno.test("grants become what they lead to, rules follow no later link, and a foreign link refuses the start", () =>
  inTempDir((folder) => {
    const root = Deno.realPathSync(folder), changeable = listChangeable([`${root}/out`]);
    for (const path of ["out/c", "secret", "real"]) Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    Deno.symlinkSync("real", `${root}/way`);
    Deno.symlinkSync("../secret", `${root}/out/b`);
    assert.throws(() => followGrants({ granted: [`${root}/out/b/x`], changeable }), {
      code: "GRANT_REPLACED",
      hint: /remove the link/,
    });
    const followed = followGrants({ granted: [`${root}/way`, `${root}/out/c`, "/proc/self/status"], changeable });
    const permissions = { ...nothing, read: [`${root}/way`, "/implied"], run: ["sh"] };
    assert.deepEqual(applyFollowed(permissions, followed), { ...permissions, read: [`${root}/real`, "/implied"] });
    const own = [[`${root}/out/b`, "read"], ["/usr", "execute"], [`${root}/real`, "read"]] as const;
    const rules = holdRules({ paths: own, connect: [], bind: null }, followed.values(), changeable);
    assert.deepEqual(rules.paths, own.slice(1), "also a rule that nobody declared is not of a foreign link");
    assert.deepEqual(rules.unfollowed, [`${root}/real`, `${root}/out/c`]);
    return Promise.resolve();
  }));
