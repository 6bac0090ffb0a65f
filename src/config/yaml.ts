/**
 * The `yaml` package as ES modules. Its exports give Node, and so Deno, the same code as CommonJS: 70 files that take
 * 27 ms to load, more than anything else at the start of `nerve run`; these take 5. Used by all who read or write YAML.
 */
import type * as yaml from "yaml";

// In a built nerve the package is one ES module already (build/vendor.ts), at another address.
const entry = import.meta.resolve("yaml").replace(/\/dist\/index\.js$/, "/browser/index.js");
const modules: typeof yaml = await import(entry);

export const {
  Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  stringify,
  visit,
} = modules;
