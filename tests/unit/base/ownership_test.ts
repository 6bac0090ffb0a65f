/** Who may have made a file. Danger: a group that looks private has other members, or a user's own group is refused. */
import assert from "node:assert/strict";
import { findFaultsBelow, findOwnershipFault, readTrust } from "../../../src/base/ownership.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const isRoot = Deno.uid() === 0 && Deno.build.os === "linux", unknownGroup = 54_321;

Deno.test("a group that only its user is in may write; one with others, or that nobody lists, may not", {
  ignore: !isRoot,
}, () =>
  inTempDir((folder) => {
    const trust = readTrust(), file = `${folder}/file`;
    Deno.writeTextFileSync(file, "");
    Deno.chmodSync(file, 0o664);
    Deno.chownSync(file, 0, 0);
    assert.equal(findOwnershipFault(file, trust), null);
    Deno.chownSync(file, 0, unknownGroup);
    const fault = findOwnershipFault(file, trust);
    assert.deepEqual([fault?.why, fault?.remedy], [
      `may be changed by the group ${unknownGroup} (mode 0664)`,
      `chmod -R go-w ${file}`,
    ]);
    const nobody = Deno.readTextFileSync("/etc/passwd").split("\n").find((line) => line.startsWith("nobody:"));
    Deno.chownSync(file, 0, Number(nobody?.split(":")[3]));
    assert.match(findOwnershipFault(file, trust)?.why ?? "", /may be changed by the group/);
    return Promise.resolve();
  }));

Deno.test("a tree is judged through its links, ends at a link to itself, and reads no file of another user", () =>
  inTempDir((folder) => {
    const trust = readTrust();
    Deno.mkdirSync(`${folder}/tree/a/b`, { recursive: true });
    Deno.symlinkSync("..", `${folder}/tree/a/up`);
    Deno.symlinkSync("missing", `${folder}/tree/dangling`);
    Deno.symlinkSync("loop", `${folder}/tree/loop`);
    Deno.mkdirSync(`${folder}/aside`);
    Deno.writeTextFileSync(`${folder}/aside/open`, "");
    Deno.symlinkSync("../../aside", `${folder}/tree/a/out`);
    const found = () => [...findFaultsBelow(`${folder}/tree`, trust, 1_000)].map(({ path }) => path);
    assert.deepEqual(found(), []);
    Deno.chmodSync(`${folder}/aside/open`, 0o666);
    assert.deepEqual(found(), [`${folder}/tree/a/out/open`]);
    assert.deepEqual([...findFaultsBelow(`${folder}/tree`, trust, 1_000, ["out"])], []);
    assert.deepEqual([...findFaultsBelow(`${folder}/tree`, trust, 2)], []);
    assert.equal(findOwnershipFault(`${folder}/tree/loop`, trust), null);
    assert.equal(findOwnershipFault(`${folder}/tree/not/there`, trust), null);
    return Promise.resolve();
  }));
