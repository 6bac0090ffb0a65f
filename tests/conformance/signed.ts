/**
 * The part of list.ts about decisions that are signed. The last of the list: once nerve.yaml names approvers, every gate
 * of the workspace asks for a signature.
 */
import assert from "node:assert/strict";
import { type Approval, toSignedText } from "../../src/protocol/approval.ts";
import { HardwareKey } from "../support/ssh_keys.ts";
import { type Ability, codeOf, script } from "./world.ts";

export const signed: readonly Ability[] = [
  {
    what: "gate: where nerve.yaml names approvers, a decision counts with the signature of one whom the gate names",
    async act(world) {
      const ada = await HardwareKey.make("ed25519"), bob = await HardwareKey.make("ecdsa");
      const approvers = { ada: { key: ada.publicKey }, bob: { key: bob.publicKey }, ops: ["ada"] };
      const text = script.replace('ask: gate({ title: "Go on?"', 'ask: gate({ title: "Go on?", approvers: ["ops"]');
      world.workspace.write("workflows/script/index.ts", text);
      await world.reconfigure({ approvers });
      const run = await world.start(["say", "ask", "other"]), { id, digest } = await world.asked(run);
      const decide = async (key: HardwareKey | null, option: string, of: Pick<Approval, "id" | "digest">) => {
        const signature = key === null
          ? {}
          : { signature: await key.sign(toSignedText(of, { option, comment: "go" })) };
        return await world.api.decide(id, {
          option: "approve",
          digest,
          token: "t",
          by: "ada",
          comment: "go",
          ...signature,
        });
      };
      for (
        const [key, option, of] of [
          [null, "approve", { id, digest }],
          [bob, "approve", { id, digest }],
          [ada, "reject", { id, digest }],
          [ada, "approve", { id, digest: "0".repeat(64) }],
        ] as const
      ) assert.equal(await codeOf(decide(key, option, of)), "APPROVAL_FORBIDDEN", `${option} ${of.digest}`);
      const { replayed, approval } = await decide(ada, "approve", { id, digest });
      assert.deepEqual([replayed, approval.by, approval.key?.slice(0, 7)], [false, "ada", "SHA256:"]);
      assert.match(approval.signature ?? "", /^-----BEGIN SSH SIGNATURE-----/);
      assert.equal((await decide(ada, "approve", { id, digest })).replayed, true);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual([world.meta(run, 2).decision, world.meta(run, 2).by], ["approve", "ada"]);
    },
  },
];
