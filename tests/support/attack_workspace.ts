/** The workspace of an attack test: each attack as a sense and as a role, beside a steady sense and a victim. */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import type { Targets } from "./attack_targets.ts";

export interface Attack {
  readonly body: string;
  /** The expected outcome, for senses and roles alike. */
  readonly outcome: RegExp;
  /** The outcome where Landlock alone holds it; without this key, Landlock does not claim to stop it. */
  readonly alone?: RegExp;
  /** Static imports: they must be in the module itself, so such an attack has a workflow of its own. */
  readonly head?: string;
  /** The attack takes its process down, so it gets a process of its own. */
  readonly deadly?: boolean;
  /** Only as a sense or only as a role: the other does not have what is attacked. */
  readonly only?: "sense" | "workflow";
  /** Omits the wrapper that returns the body's result: the return value of `compute` itself is the attack. */
  readonly raw?: boolean;
  /** Keys of the sense in nerve.yaml, which gets its own group; `permissions` and `peers` also go to the workflow. */
  readonly yaml?: Readonly<Record<string, unknown>>;
  /** Keys of its group. */
  readonly group?: Readonly<Record<string, unknown>>;
}

export type Attacks = Readonly<Record<string, Attack>>;

/** Whether a role can try it: it has no database and no peers. */
export function isForRoles({ only, body }: Attack): boolean {
  return only !== "sense" && !/(?<!node:)\b(?:sqlite|peers)\b/.test(body);
}

/**
 * The realm in which the attacks run: as Deno makes it, or with everything replaced that code can replace in it
 * (hostile_realm.ts).
 */
export type Realm = "plain" | "spy" | "thrower";

/** What a spy must never be given: by a key that only it has. */
const handlesText = `
const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const keys = ["enableLoadExtension", "createTagStore", "sourceSQL", "registerHooks", "runInNewContext", "installModuleGate", "spawnSync"];
export const handles: string[] = [];
export function findHandle(thing: object): void {
  for (let at: object | null = thing, depth = 0; at !== null && depth < 4; at = getPrototypeOf(at), depth++) {
    for (let key = 0; key < keys.length; key++) {
      if (getOwnPropertyDescriptor(at, keys[key]!) !== undefined) handles[handles.length] = keys[key]!;
    }
  }
}
`;

const hostileRealm = Deno.readTextFileSync(new URL("hostile_realm.ts", import.meta.url));

/** The system's errors when Landlock refuses something, through Deno, SQLite or a program. */
const byLandlock =
  /^threw .*(permission ?denied|EACCES|EPERM|EXDEV|os error (1|13|18)\b|unable to open|readonly database|NetworkError|error sending request|connection error)/is;

/** Keeps the attacks that Landlock claims to stop, with the outcome that they then have. */
export function keepClaimed(attacks: Attacks, claimed: readonly string[] = []): Attacks {
  for (const name of claimed) assert.ok(attacks[name] !== undefined, `there is no attack ${name}`);
  return Object.fromEntries(
    Object.entries(attacks).flatMap(([name, attack]) => {
      const outcome = claimed.includes(name) ? byLandlock : attack.alone;
      return outcome === undefined ? [] : [[name, { ...attack, outcome }]];
    }),
  );
}

/** How often the steady sense computes. */
export const tickMs = 100;
const steady = `let n = 0; export const compute = () => ({ n: ++n });`;
const victim = `export const compute = ({ sqlite }) => {
  sqlite.exec("create table if not exists kept (word text); insert into kept values ('precious')");
  return sqlite.prepare("select count(*) as n from kept where word = 'precious'").get();
};`;

/** Attacks that leave their process as it is share one workflow, as they share the group `hostile`. */
export function workflowOf(name: string, { head, deadly, yaml }: Attack): string {
  return head === undefined && deadly !== true && yaml === undefined ? "hostile" : name;
}

export function workspaceFiles(attacks: Attacks, targets: Targets, realm: Realm): Record<string, string> {
  const files: Record<string, string> = {
    "senses/steady/index.ts": steady,
    "senses/victim/index.ts": victim,
    ...realm === "plain" ? {} : {
      "lib/hostile_realm.ts": hostileRealm,
      "lib/replaced.ts": `import { findPlaces, replace } from "./hostile_realm.ts";
        import { findHandle, handles } from "./handles.ts";
        replace(findPlaces(), ${JSON.stringify(realm)}, findHandle);
        globalThis.seenHandles = handles;`,
      "lib/handles.ts": handlesText,
    },
  };
  // Runs before the first line of the attack itself.
  const prepare = realm === "plain" ? "" : `import "../../lib/replaced.ts";\n`;
  const senses: Record<string, unknown> = { steady: { keep_alive: true }, victim: {} };
  const groups: Record<string, unknown> = {};
  const workflows: Record<string, { names: string[]; head: string; yaml: unknown }> = {};
  for (const [name, attack] of Object.entries(attacks)) {
    const { body, head = "", deadly = false, raw = false, yaml, group, only } = attack;
    if (only !== "workflow") {
      const wrapped = raw ? body : `return { returned: await (async () => {\n${body}\n})() ?? null };`;
      files[`senses/${name}/index.ts`] =
        `${prepare}${head}\n// SQLite itself refuses much inside a transaction.\nexport const transaction = false;\nexport async function compute({ name, config, signal, log, logs, sqlite, db, blobs, peers, trigger }) {\n${wrapped}\n}\n`;
      const alone = deadly || yaml !== undefined || group !== undefined;
      senses[name] = { ...(alone ? {} : { group: "hostile" }), config: targets, ...yaml };
      if (group !== undefined) groups[name] = group;
    }
    if (!isForRoles(attack)) continue;
    const entry = workflows[workflowOf(name, attack)] ??= {
      names: [],
      head,
      yaml: {
        config: targets,
        ...(yaml?.permissions === undefined ? {} : { permissions: yaml.permissions }),
        ...(yaml?.peers === undefined ? {} : { peers: yaml.peers }),
        ...group,
      },
    };
    entry.names.push(name);
  }
  for (const [name, { names, head }] of Object.entries(workflows)) {
    files[`workflows/${name}/index.ts`] = workflowText(
      prepare + head,
      names.map((each) => [each, attacks[each]?.body ?? ""]),
    );
  }
  const yaml = {
    senses,
    groups,
    reflexes: [{ sense: "steady", interval: `${tickMs}ms` }],
    workflows: Object.fromEntries(Object.entries(workflows).map(([name, each]) => [name, each.yaml])),
  };
  files["nerve.yaml"] = stringify(yaml, { aliasDuplicateObjects: false });
  return files;
}

function workflowText(head: string, roles: [name: string, body: string][]): string {
  const written = roles.map(([name, body]) =>
    `${JSON.stringify(name)}: async ({ config, signal, log, logs, blobs, peers, start }) => {
    const returned = await (async () => {\n${body}\n})();
    return { content: JSON.stringify(returned ?? null), meta: {} };
  },`
  );
  return `${head}
import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
${written.join("\n")}
  },
  moderator: ({ start, messages }) => messages.length === 0 ? start.prompt : END,
});
`;
}
