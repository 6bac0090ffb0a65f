/** Senses that cannot be loaded, one for each reason. */

const fine = "export const compute = () => ({ fine: 1 });";

export const endless = "await new Promise(() => {});\nexport const compute = () => 1;";

/** The text of index.ts, the reported error, and the line of its place. */
export const unloadable: Readonly<Record<string, [string, RegExp, number]>> = {
  "syntax": ["export const a = 1;\nexport const b = ;", /Expression expected/, 2],
  "no-export": ["export const other = 1;", /does not export a function named compute \(it exports other\)/, 1],
  "not-a-function": ["export const compute = 1;", /does not export a function named compute/, 1],
  "empty": ["", /it exports nothing/, 1],
  "missing-import": ["\n\nimport './gone.ts';\nexport const compute = () => 1;", /gone\.ts/, 3],
  "bare-import": ["import 'left-pad';\nexport const compute = () => 1;", /left-pad/, 1],
  "top-level-throw": ["\nthrow new RangeError('at the top');", /RangeError: at the top/, 2],
  "imports-outside": [
    "import '../fine/index.ts';\nexport const compute = () => 1;",
    /cannot be imported: move it to lib\//,
    1,
  ],
};

export function withAll(): { yaml: Record<string, unknown>; senses: Record<string, string> } {
  const senses: Record<string, string> = { fine, sibling: fine, endless };
  for (const [name, [text]] of Object.entries(unloadable)) senses[name] = text;
  const options = (name: string) => {
    if (name === "fine") return {};
    return name === "endless" ? { group: "g", timeout: "200ms", grace_period: "20s" } : { group: "g" };
  };
  return { senses, yaml: { senses: Object.fromEntries(Object.keys(senses).map((name) => [name, options(name)])) } };
}
