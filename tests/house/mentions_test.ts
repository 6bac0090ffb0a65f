/** A file that a comment or a document names exists: a reader who looks for it must find it. */
import { parse } from "@babel/parser";
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { isPlainObject } from "../../src/protocol/json.ts";
import { readSource, repositoryFiles } from "../support/source_files.ts";

const files = repositoryFiles();
const paths = new Set(files), names = new Set(files.map((path) => path.slice(path.lastIndexOf("/") + 1)));

/**
 * A name or path with one of this repository's file endings, which is not the end of a longer word or of an address.
 */
const mention =
  /(?<![\w:/@$*.}>-])(?:\.{0,2}\/)?(?:[\w-]+(?:\.[\w-]+)*\/)*[\w-]+(?:\.[\w-]+)*\.(?:tsx?|md|sh|c|sql)\b(?![\w/])/g;

/**
 * Files of workspaces: the code of a sense or workflow, its README, and files that a workflow of the library writes.
 */
const ofUsers = [
  /^(senses|workflows)\/[\w-]+\/(index|schema)\.ts$/,
  /^(\.?\/)?(index|schema)\.ts$/,
  /^\/README\.md$/,
  /^personas\/NAME\.md$/,
  /^(senses\/[\w-]+\/)?(migrations\/)?(\d{4}|NNNN)_\w+\.sql$/,
  /^(digest-[\w-]+|report)\.md$/,
  /^(data\/reports\/)?RUN\.report\.md$/,
];

function mentionsIn(path: string, source: string): string[] {
  return textsOf(path, source).flatMap((text) => [...text.matchAll(mention)].map(([found]) => found));
}

/** The prose of a file: a document or comments, without code blocks, in which a column may be called `ts`. */
function textsOf(path: string, source: string): string[] {
  if (path.endsWith(".md")) return [source.replaceAll(/^```(?!text|sh)\w*\n[\s\S]*?^```$/gm, "")];
  const syntax = path.endsWith(".tsx") ? ["jsx"] as const : [];
  const plugins = ["typescript", "importAttributes", ...syntax] as const;
  const { comments, program } = parse(source, { sourceType: "module", plugins: [...plugins] });
  const texts = (comments ?? []).map(({ value }) => value.replaceAll(/```[\s\S]*?```/g, ""));
  return path.startsWith("src/") ? [...texts, ...messagesOf(program)] : texts;
}

/** Texts of more than one word, except SQL, whose columns are called `ts` and `sql`: messages for people. */
function messagesOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(messagesOf);
  if (!isPlainObject(node)) return [];
  const { type, value } = node;
  const text = type === "StringLiteral" ? value : type === "TemplateElement" ? Object(value).cooked : null;
  if (typeof text === "string") return /\w \w/.test(text) && !/\b(select|create|insert)\b/i.test(text) ? [text] : [];
  return Object.values(node).flatMap(messagesOf);
}

function isHere(named: string, from: string): boolean {
  if (ofUsers.some((pattern) => pattern.test(named))) return true;
  if (!named.includes("/")) return names.has(named);
  const room = from.split("/").slice(0, 2).join("/");
  return ["", "src", room, dirname(from)].some((folder) => paths.has(join(folder, named)));
}

Deno.test("no comment, message or document names a file that is not in this repository", () => {
  const scanned = files.filter((path) => /\.(tsx?|md)$/.test(path));
  assert.ok(scanned.length > 400);
  const lost = scanned.flatMap((path) =>
    mentionsIn(path, readSource(path)).filter((named) => !isHere(named, path)).map((named) => `${path}: ${named}`)
  );
  assert.deepEqual(lost, []);
});

Deno.test("a name in a comment is found, one in code or in an address is not", () => {
  const source =
    'throw "no h.md here"; // see a/b.ts, c.md and https://example.com/d.md\nimport "e.ts";\n/** `../f.ts` (g.ts:3:4). */';
  assert.deepEqual(mentionsIn("x.ts", source), ["a/b.ts", "c.md", "../f.ts", "g.ts"]);
  assert.deepEqual(mentionsIn("src/x.ts", source), ["a/b.ts", "c.md", "../f.ts", "g.ts", "h.md"]);
  assert.deepEqual(mentionsIn("x.md", "[h](docs/i.md#j) k.ts"), ["docs/i.md", "k.ts"]);
  assert.deepEqual([isHere("a/b.ts", "x.ts"), isHere("clock.ts", "x.ts"), isHere("base/clock.ts", "x.ts")], [
    false,
    true,
    true,
  ]);
});
