/** The repository's documents as tests read them: blocks of code, commands in running text, headings and links. */
import { join } from "./paths.ts";
import { readSource, repository, sourceFiles } from "./source_files.ts";

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The file that its first line names, in a comment of its language; null when it names none. */
  readonly file: string | null;
}

export interface Document {
  /** In the repository: `docs/senses.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** The documents that a reader of the repository finds; the READMEs of the library have tests of their own. */
export const documentPaths: readonly string[] = [
  "README.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...sourceFiles(["docs"], ".md"),
];
export const libraryReadmes: readonly string[] = sourceFiles(["senses", "workflows"], "README.md");

export function readDocument(path: string): Document {
  const text = readSource(path);
  return { path, text, blocks: blocksOf(text) };
}

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
    file: /^(?:\/\/|#|--) (\S+\.(?:ts|yaml|sql))\n/.exec(text)?.[1] ?? null,
  }));
}

/** The text without its code blocks. */
function proseOf(text: string): string {
  return text.replaceAll(/^```\w*\n[\s\S]*?^```$/gm, "");
}

/** Commands in running text: the text in one pair of backticks that begins with `nerve `. */
export function inlineCommands(text: string): string[] {
  return [...proseOf(text).matchAll(/`(nerve [^`]+)`/g)].map(([, command = ""]) =>
    command.replaceAll(/\s*\n\s*/g, " ")
  );
}

/** Targets of all links, as written. */
export function linksOf(text: string): string[] {
  const prose = proseOf(text).replaceAll(/`[^`]+`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors of all headings, as GitHub generates them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
    for (let n = 0, free = anchor;; free = `${anchor}-${++n}`) {
      if (anchors.has(free)) continue;
      anchors.add(free);
      break;
    }
  }
  return anchors;
}

/** The TypeScript blocks of a document by their paths: the files that it names, and each other block as a file. */
export function codeOf({ path, blocks }: Document): Record<string, string> {
  const folder = path.replaceAll(/\W/g, "_");
  return Object.fromEntries(
    blocks.filter(({ language }) => language === "ts").map((block, index) => [
      join(folder, block.file ?? `block_${index}.ts`),
      block.text
        // The path of an embedder's own clone.
        .replace('"./src/mod.ts"', JSON.stringify(join(repository, "src/mod.ts")))
        // `nerve init` and `nerve validate` add a line for each sense of a workspace that has a schema.
        .replace('"nerve/peers/disk-usage"', JSON.stringify(join(repository, "senses/disk-usage/schema.ts"))),
    ]),
  );
}
