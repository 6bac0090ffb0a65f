/** Node's path functions under one name, for tests. */
export { basename, dirname, join, relative, resolve } from "node:path";
export { fileURLToPath as fromFileUrl, pathToFileURL as toFileUrl } from "node:url";
