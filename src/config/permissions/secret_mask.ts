/**
 * Masks the values of granted variables in everything that is shown or recorded: log rows, events and API answers.
 * Signals, payloads and messages that pass from user code to user code stay unmasked.
 * Used by the kernel where it writes rows and publishes events, and by the commands that read databases. The sandbox
 * masks before it cuts or joins a text (sandbox/own_secrets.ts). A value that user code has changed is not recognised.
 */
import { isSecretVariable, spellSecrets } from "../../base/secret_spellings.ts";
import { TextMask } from "../../base/text_mask.ts";
import type { Environment } from "../environment.ts";
import type { NerveConfig } from "../types.ts";

/** The most forms of earlier values that a mask keeps: each costs time for every text. */
const pastFormsMax = 400;

export class SecretMask extends TextMask {
  constructor(secrets: Readonly<Record<string, string>>, before?: SecretMask) {
    const spellings = spellSecrets(secrets), known = new Set(spellings.map(([value]) => value));
    const past = before === undefined ? [] : before.spellings.filter(([value]) => !known.has(value));
    super([...spellings, ...past.slice(0, pastFormsMax)]);
  }

  /**
   * The mask for every variable that a sense, a workflow or an agent is granted, and for the secrets of hooks and
   * engines. `before`: an earlier mask, which stays in force, since a process may still work with an old value.
   */
  static fromConfig(config: NerveConfig, { all, file }: Environment, before?: SecretMask): SecretMask {
    const granted = [...config.senses.values(), ...config.workflows.values()].map(({ permissions }) => permissions.env);
    const isGranted = (name: string) =>
      granted.some((list) => {
        if (list === true) return isSecretVariable(name, Object.hasOwn(file, name));
        const names = list?.some((each) => each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name);
        return names === true && isSecretVariable(name, true);
      });
    const named = new Set([...config.hooks.values(), ...config.engines.values()].flatMap(({ secrets }) => secrets));
    const ofAgents = new Set([...config.agents.values()].flatMap(({ env }) => env));
    const secrets = Object.entries(all).filter(([name]) =>
      named.has(name) || isGranted(name) || (ofAgents.has(name) && isSecretVariable(name, true))
    );
    return new SecretMask(Object.fromEntries(secrets), before);
  }
}
