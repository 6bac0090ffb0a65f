/** Generates docs/library.md: the senses and workflows of the library, and what the lines to paste grant to each. */
import { type LibraryKind, listLibrary, readLibraryEntry } from "../../src/cli/scaffold/library.ts";
import { code, generatedNote, joined, table } from "./markdown.ts";

export function libraryDocument(): string {
  const senses = listLibrary("senses"), workflows = listLibrary("workflows");
  return joined([
    "# Library",
    generatedNote("the READMEs in senses/ and workflows/"),
    `${senses.length} senses and ${workflows.length} workflows come with nerve. \`nerve sense add NAME\` and \`nerve workflow add NAME\` ` +
    "copy one into the workspace and add its lines to `nerve.yaml`; the code is yours from then on. Its README says what each " +
    "setting does, what it tells, and where a limit of the system is in the way. One code serves " +
    "[any number of entries](configuration.md#senses).",
    "The grants are those of these lines: the least that is needed. Hosts and paths in them are often examples.",
    "## Senses",
    tableOf("senses", senses),
    "## Workflows",
    tableOf("workflows", workflows),
  ]);
}

function tableOf(kind: LibraryKind, names: readonly string[]): string {
  return table(
    [kind === "senses" ? "sense" : "workflow", "what it does", "grants"],
    names.map((name) => {
      const { brief, permissions } = readLibraryEntry(kind, name);
      const grants = Object.entries(permissions).map(([key, value]) =>
        `${key} ${value === true ? "all" : listed(value)}`
      );
      return [`[${name}](../${kind}/${name}/README.md)`, brief, grants.length === 0 ? "none" : grants.join("; ")];
    }),
  );
}

function listed(value: readonly string[] | undefined): string {
  return (value ?? []).map(code).join(", ");
}
