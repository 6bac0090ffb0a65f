/** `add` and `library`, the same below `nerve sense` and `nerve workflow`. */
import type { Command } from "@stricli/core";
import { type CliContext, command, textFlag } from "../command.ts";
import { proposeFromLibrary } from "../completion_names.ts";
import type { LibraryKind } from "../scaffold/library.ts";

const examples = {
  senses: { part: "sense", name: "tls-expiry", as: "tls-of-mail" },
  workflows: { part: "workflow", name: "notify", as: "notify-team" },
} as const;

export function libraryRoutes(kind: LibraryKind): Record<"add" | "library", Command<CliContext>> {
  const { part, name, as } = examples[kind];
  return {
    add: command(
      async () => (await import("../commands/library.ts")).libraryAdd.bind(null, kind),
      {
        brief: `Add a ${part} of the library to the workspace`,
        details:
          `Copies a ${part} of the library into the workspace and adds its lines to nerve.yaml, where comments,\n` +
          "order and style stay as they are. What is there under that name already is never touched.",
        examples: [`nerve ${part} add ${name}`, `nerve ${part} add ${name} --as ${as}`],
      },
      {
        flags: { as: textFlag("Its name in the workspace", "NEW") },
        positional: {
          kind: "tuple",
          parameters: [{
            brief: `A ${part} of the library`,
            placeholder: "NAME",
            parse: String,
            proposeCompletions: (partial: string) => proposeFromLibrary(kind, partial),
          }],
        },
      },
    ),
    library: command(
      async () => (await import("../commands/library.ts")).libraryList.bind(null, kind),
      {
        brief: `The ${part}s that come with nerve, and what each needs`,
        examples: [`nerve ${part} library`, `nerve ${part} library --json`],
      },
      { json: true, workspace: false },
    ),
  };
}
