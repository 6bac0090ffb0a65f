/** Signs a decision with an SSH key, as `ssh-keygen -Y sign` does. Used by approve.ts. */
import { NerveError } from "../base/errors.ts";
import { approvalNamespace } from "../protocol/approval.ts";
import type { CliIo } from "./io.ts";
import { toOneLine } from "./render/terminal.ts";

/**
 * `key`: a private key, or a public one whose private key is in an agent or a security key. A key with a passphrase
 * needs an agent, since nothing prompts at the terminal.
 */
export async function signText(io: CliIo, key: string, text: string): Promise<string> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("ssh-keygen", {
      args: ["-Y", "sign", "-n", approvalNamespace, "-f", key],
      cwd: io.cwd,
      env: { SSH_ASKPASS_REQUIRE: "force" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new NerveError("USAGE", "ssh-keygen is not installed here, which signs a decision", {
      hint: "install OpenSSH's client, or sign elsewhere: nerve approvals ID --to-sign OPTION, then --signature FILE",
    });
  }
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), writeAll(child.stdin, text)]);
  if (success) return new TextDecoder().decode(stdout);
  // ssh-keygen also reports its progress on stderr; the last line is why it failed.
  const why = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
  const asks = /passphrase|askpass/i.test(why);
  throw new NerveError("USAGE", `${toOneLine(key, 200)} cannot sign: ${toOneLine(why, 300)}`, {
    hint: asks
      ? `hand the key to an agent first: ssh-add ${toOneLine(key, 200)}`
      : "name a key that you have: --key FILE",
  });
}

async function writeAll(stream: WritableStream<Uint8Array<ArrayBuffer>>, text: string): Promise<void> {
  const writer = stream.getWriter();
  // ssh-keygen may end without reading; its exit status then shows why.
  await writer.write(new TextEncoder().encode(text)).then(() => writer.close()).catch(() => {});
}
