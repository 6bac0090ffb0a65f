/** Reads the template of `develop` and its personas from disk, with their hashes: a run keeps them. */
import { join } from "node:path";
import { parse } from "yaml";
import { messageOf, NerveError } from "../base/errors.ts";
import { isMissing } from "../base/if_present.ts";
import { sha256 } from "../base/sha256.ts";
import { isPlainObject, type JsonObject } from "../protocol/json.ts";

/** `folder`: the folder of the workflow's code. The run reports what is wrong inside the template. */
export async function readPins(folder: string, name: string): Promise<JsonObject> {
  const path = join(folder, "templates", `${name}.yaml`), text = await readFile(path, `there is no template ${name}`);
  const { name: title, version, roles } = readYaml(text, path);
  const wanted = Object.values(isPlainObject(roles) ? roles : {}).map((role) =>
    isPlainObject(role) ? String(role.persona) : ""
  );
  const template = await pin(String(title), Number(version), text);
  const personas = await Promise.all([...new Set(wanted)].map((persona) => readPersona(folder, persona)));
  return { template, personas };
}

async function readPersona(folder: string, persona: string): Promise<JsonObject> {
  const [, name = "", version = ""] = /^([a-z0-9][a-z0-9-]{0,63})@([0-9]{1,9})$/.exec(persona) ?? [];
  if (name === "") {
    throw new NerveError("USAGE", `the template names a persona ${persona}, which is not NAME@VERSION`, {
      hint: `look into ${folder}/templates`,
    });
  }
  return await pin(
    name,
    Number(version),
    await readFile(join(folder, "personas", `${persona}.md`), `there is no persona ${persona}`),
  );
}

async function pin(name: string, version: number, text: string): Promise<JsonObject> {
  return { name, version, hash: await sha256(new TextEncoder().encode(text)), text };
}

function readYaml(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = parse(text);
    return isPlainObject(value) ? value : {};
  } catch (thrown) {
    throw new NerveError("USAGE", `${path} is not YAML: ${messageOf(thrown)}`, { hint: "mend the template" });
  }
}

async function readFile(path: string, missing: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    throw new NerveError("USAGE", `${missing}: ${path}`, {
      hint: "nerve workflow add develop copies those that come with nerve",
    });
  }
}
