/** Checks hooks and the listener against the rest of nerve.yaml. Pure; called by parse.ts. */
import { hintNearest } from "../base/did_you_mean.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { clipText, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { NerveConfig } from "./types.ts";

/** `positions`: those of the reflexes in nerve.yaml. */
export function checkHooks(config: NerveConfig, positions: readonly number[], diagnostics: DiagnosticList): void {
  const { hooks, reflexes, listen } = config;
  reflexes.forEach(({ hook }, index) => {
    if (hook === null || hooks.has(hook)) return;
    const hint = () =>
      hintNearest(hook, hooks.keys()) ?? `add hooks: { ${hook}: { secret: env NAME, verify: github } }`;
    diagnostics.error(
      ["reflexes", positions[index] ?? index, "hook"],
      unknownText("hook", clipText(hook)),
      hint,
    );
  });
  const used = new Set(reflexes.map(({ hook }) => hook));
  for (const { name, dedup, proof } of hooks.values()) {
    const path = ["hooks", name];
    if (!used.has(name)) {
      const hint = `add { sense: NAME, hook: ${name} } to reflexes`;
      diagnostics.warning(path, "no sense computes for it, so it takes no delivery", hint);
    }
    if (dedup.length === 0 && proof.kind === "hmac") {
      const hint = "add dedup: header NAME, or dedup: body";
      diagnostics.warning(path, "a delivery that someone recorded can be sent again", hint);
    }
  }
  if (hooks.size > 0 && listen === null) {
    const [first = ""] = hooks.keys();
    diagnostics.warning(
      ["hooks"],
      `nobody can reach ${quote(first)}: nerve does not listen`,
      "add listen: 127.0.0.1:7077",
    );
  }
}
