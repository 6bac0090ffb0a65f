/**
 * What a run starts from: a template and the personas that it names, pinned by the hash of their content. Used by
 * index.ts.
 * I1. A run uses what it was started with, or what its first role found; later changes of the files do not affect it.
 * I2. A persona never changes: different content under the same name and version is an error.
 */
import type { JsonObject } from "nerve";
import { type Outline, readOutline } from "./outline.ts";

/** A text with its identity. `hash`: its SHA-256, in hex. */
export interface Pinned {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly text: string;
}

export interface Phase {
  readonly key: string;
  readonly role: string;
  readonly artifact: string | null;
  readonly gate: string | null;
}

export interface Template {
  readonly name: string;
  readonly version: number;
  readonly roles: Readonly<Record<string, { readonly persona: string; readonly agent: string | null }>>;
  readonly phases: readonly Phase[];
  readonly rounds: number;
}

/** The phases, in order, with the artifact and the gate that each may have. */
const known: readonly { key: string; artifact: string | null; gate: string | null; needed: boolean }[] = [
  { key: "specification", artifact: "specification@1", gate: "spec_approved", needed: true },
  { key: "plan", artifact: "plan@1", gate: null, needed: false },
  { key: "implementation", artifact: null, gate: null, needed: true },
  { key: "review", artifact: "review@1", gate: "merge_approved", needed: false },
];

/** Throws a TypeError that names the mistake in the template. */
export function readTemplate(text: string): Template {
  const { name, version, roles, phases, rounds = 3, ...rest } = asKeys(readOutline(text), "it");
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new TypeError(`it has an unknown key ${unknown}`);
  const read = Object.entries(asKeys(roles, "roles")).map(([role, keys]) => {
    const { persona, agent, ...more } = asKeys(keys, `roles.${role}`), [other] = Object.keys(more);
    if (other !== undefined) throw new TypeError(`roles.${role} has an unknown key ${other}`);
    return [role, {
      persona: asText(persona, `roles.${role}.persona`),
      agent: agent === undefined ? null : asText(agent, `roles.${role}.agent`),
    }] as const;
  });
  const template = {
    name: asText(name, "name"),
    version: asCount(version, "version"),
    roles: Object.fromEntries(read),
    phases: readPhases(phases),
    rounds: asCount(rounds, "rounds"),
  };
  for (const { key, role } of template.phases) {
    if (!Object.hasOwn(template.roles, role)) {
      throw new TypeError(`the phase ${key} names the role ${role}, which is not there`);
    }
  }
  return template;
}

function readPhases(value: Outline | undefined): Phase[] {
  if (!Array.isArray(value)) throw new TypeError("its phases are no list");
  const phases = value.map((each, index): Phase => {
    const { key, role, artifact = "", gate = "", ...more } = asKeys(each, `phase ${index + 1}`),
      [other] = Object.keys(more);
    if (other !== undefined) throw new TypeError(`phase ${index + 1} has an unknown key ${other}`);
    const found = known.find((one) => one.key === key);
    if (found === undefined) {
      throw new TypeError(`there is no phase ${String(key)}: there are ${known.map((one) => one.key).join(", ")}`);
    }
    if ((artifact === "" ? null : artifact) !== found.artifact) {
      throw new TypeError(`the artifact of ${found.key} is ${found.artifact ?? "none"}`);
    }
    if (gate !== "" && gate !== found.gate) {
      throw new TypeError(`the gate of ${found.key} is ${found.gate ?? "none"}, if it has one`);
    }
    return {
      key: found.key,
      role: asText(role, `the role of ${found.key}`),
      artifact: found.artifact,
      gate: gate === "" ? null : found.gate,
    };
  });
  const order = phases.map(({ key }) => known.findIndex((one) => one.key === key));
  if (order.some((at, index) => index > 0 && at <= (order[index - 1] ?? -1))) {
    throw new TypeError(`its phases come in this order, each once: ${known.map((one) => one.key).join(", ")}`);
  }
  const missing = known.find((one) => one.needed && !phases.some(({ key }) => key === one.key));
  if (missing !== undefined) throw new TypeError(`it has no phase ${missing.key}`);
  return phases;
}

function asKeys(value: Outline | undefined, what: string): { [key: string]: Outline } {
  if (typeof value === "object" && !Array.isArray(value)) return value;
  throw new TypeError(`${what} has no keys`);
}

function asText(value: Outline | undefined, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${what} is no text`);
}

function asCount(value: Outline | undefined, what: string): number {
  if (typeof value === "number" && value >= 1 && value <= 1_000) return value;
  throw new TypeError(`${what} is no whole number from 1 to 1000`);
}

/** `folder`: the workflow's folder, as a URL. `given`: the payload of the run. */
export async function pin(
  folder: string,
  name: string,
  given: JsonObject,
): Promise<{ readonly template: Pinned; readonly personas: readonly Pinned[] }> {
  const template = given.template === undefined
    ? await readTemplateFile(folder, name)
    : await readPinned(given.template, "the template");
  const list = Array.isArray(given.personas) ? given.personas : null;
  const wanted = new Set(Object.values(parse(template).roles).map(({ persona }) => persona));
  const personas = list === null
    ? await Promise.all([...wanted].map((persona) => readPersonaFile(folder, persona)))
    : await Promise.all(list.map((each) => readPinned(each, "a persona")));
  for (const persona of wanted) {
    if (!personas.some((each) => `${each.name}@${each.version}` === persona)) {
      throw new Error(`the run was given no persona ${persona}`);
    }
  }
  return { template, personas };
}

export function parse({ name, version, text }: Pinned): Template {
  try {
    return readTemplate(text);
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new TypeError(`the template ${name}, version ${version}: ${thrown.message}`);
    throw thrown;
  }
}

async function readTemplateFile(folder: string, name: string): Promise<Pinned> {
  const path = `templates/${name}.yaml`, text = await readFile(folder, path, `there is no template ${name}`);
  try {
    const { name, version } = readTemplate(text);
    return { name, version, hash: await hashOf(text), text };
  } catch (thrown) {
    throw thrown instanceof TypeError ? new TypeError(`${path}: ${thrown.message}`) : thrown;
  }
}

async function readPersonaFile(folder: string, persona: string): Promise<Pinned> {
  const [, name = "", version = ""] = /^([a-z0-9][a-z0-9-]{0,63})@([0-9]{1,9})$/.exec(persona) ?? [];
  if (name === "") throw new TypeError(`${persona} is no persona: write NAME@VERSION`);
  const text = await readFile(folder, `personas/${persona}.md`, `there is no persona ${persona}`);
  return { name, version: Number(version), hash: await hashOf(text), text };
}

async function readFile(folder: string, path: string, missing: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(path, folder));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) {
      throw new Error(`${missing}: ${path} is not in the folder of the workflow`);
    }
    throw thrown;
  }
}

async function readPinned(value: unknown, what: string): Promise<Pinned> {
  const { name, version, hash, text } = Object(value);
  if (typeof name !== "string" || typeof version !== "number" || typeof text !== "string") {
    throw new TypeError(`${what} that the run was given has no name, version or text`);
  }
  if (hash !== await hashOf(text)) {
    throw new Error(`${what} that the run was given, ${name}, does not have the hash that it was given with`);
  }
  return { name, version, hash, text };
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** I2. `file` records the hashes of all runs. Not asynchronous: two runs must not overwrite each other's entries. */
export function checkPersonas(file: string, personas: readonly Pinned[]): void {
  const before = readKnown(file), after = { ...before };
  for (const { name, version, hash } of personas) {
    const persona = `${name}@${version}`, was = before[persona];
    if (was !== undefined && was !== hash) {
      throw new Error(
        `the persona ${persona} has changed: another run began with ${was.slice(0, 12)}, and now it is ${
          hash.slice(0, 12)
        }; write ${name}@${version + 1}, and name that in the template`,
      );
    }
    after[persona] = hash;
  }
  if (Object.keys(after).length === Object.keys(before).length) return;
  Deno.writeTextFileSync(`${file}.new`, `${JSON.stringify(after, null, 2)}\n`);
  Deno.renameSync(`${file}.new`, file);
}

function readKnown(file: string): Record<string, string> {
  try {
    return JSON.parse(Deno.readTextFileSync(file));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return {};
    throw thrown;
  }
}
