/** The commands `add` and `library`, which `nerve sense` and `nerve workflow` share. */
import type { Command } from "@stricli/core";
import { type CliContext, defineCommand, textFlag } from "../command.ts";
import { proposeFromLibrary } from "../completion_names.ts";
import type { LibraryKind } from "../scaffold/library.ts";

const examples = {
  senses: { part: "sense", name: "tls-expiry", as: "tls-of-mail" },
  workflows: { part: "workflow", name: "notify", as: "notify-team" },
} as const;

export function libraryRoutes(kind: LibraryKind): Record<"add" | "library", Command<CliContext>> {
  const { part, name, as } = examples[kind];
  return {
    add: defineCommand(
      async () => (await import("../commands/library.ts")).libraryAdd.bind(null, kind),
      {
        brief: `Add a ${part} from the library to the workspace`,
        details:
          `Copies a ${part} from the library into the workspace and adds its lines to nerve.yaml, whose comments,\n` +
          "order and style do not change. What already exists under that name is never touched.\n" +
          `With --as, the entry NEW uses the code of ${kind}/NAME/: one code, any number of entries.`,
        examples: [`nerve ${part} add ${name}`, `nerve ${part} add ${name} --as ${as}`],
      },
      {
        flags: { as: textFlag("The name of its entry in nerve.yaml", "NEW") },
        positional: {
          kind: "tuple",
          parameters: [{
            brief: `A ${part} in the library`,
            placeholder: "NAME",
            parse: String,
            proposeCompletions: (partial: string) => proposeFromLibrary(kind, partial),
          }],
        },
      },
    ),
    library: defineCommand(
      async () => (await import("../commands/library.ts")).libraryList.bind(null, kind),
      {
        brief: `The ${part}s that come with nerve, and what each needs`,
        examples: [`nerve ${part} library`, `nerve ${part} library --json`],
      },
      { json: true, workspace: false },
    ),
  };
}
