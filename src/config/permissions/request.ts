/**
 * Reads `permissions:` of a sense or workflow into a PermissionRequest. Used by schema.ts.
 * Deno throws for some invalid values and silently ignores others (measured, Deno 2.9.6): here each is rejected with a
 * reason.
 */
import { isPlainObject } from "../../protocol/json.ts";
import { quote } from "../diagnostic.ts";
import { getBuiltIn } from "../../base/built_ins.ts";
import { findNearest, hintNearest } from "../../base/did_you_mean.ts";
import { type PermissionName, permissionNames, type PermissionRequest } from "../types.ts";

/** `path` leads from the `permissions` key to the invalid value. */
export interface PermissionFault {
  readonly path: (string | number)[];
  readonly message: string;
  readonly hint: string | null;
}

/** The `sys` values of Deno 2.9.6, which refuses to start a worker with any other. */
export const sysNames = [
  "cpus",
  "getPriority",
  "getegid",
  "gid",
  "homedir",
  "hostname",
  "inspector",
  "loadavg",
  "networkInterfaces",
  "osRelease",
  "osUptime",
  "setPriority",
  "setuid",
  "statfs",
  "systemMemoryInfo",
  "uid",
  "userInfo",
  "username",
] as const;

/** Reads both forms: a mapping of names to lists, and a list of Deno's flags. Reports every fault. */
export function readPermissionRequest(value: unknown): { request: PermissionRequest; faults: PermissionFault[] } {
  const reader = new Reader();
  if (Array.isArray(value)) value.forEach((flag, index) => reader.flag(flag, index));
  else if (isPlainObject(value)) { for (const [name, wanted] of Object.entries(value)) reader.entry(name, wanted); }
  else if (value !== null && value !== undefined) {
    reader.fault(
      [],
      "must be a mapping of permissions or a list of flags",
      "write { read: [/var/log], net: [example.com] }",
    );
  }
  return { request: reader.request(), faults: reader.faults };
}

/** `--allow-net=a,b`: kind, name and list. */
const flagPattern = /^--(allow|deny)-([a-z]+)(?:=(.*))?$/s;

class Reader {
  readonly faults: PermissionFault[] = [];
  readonly #wanted = new Map<PermissionName, true | Set<string>>();
  #unconfined = false;

  request(): PermissionRequest {
    const entries = permissionNames.flatMap((name) => {
      const wanted = this.#wanted.get(name);
      if (wanted === undefined || (wanted !== true && wanted.size === 0)) return [];
      return [[name, wanted === true ? wanted : [...wanted]]];
    });
    return { ...Object.fromEntries(entries), ...this.#unconfined ? { unconfined: true } : {} };
  }

  fault(path: (string | number)[], message: string, hint: string | null = null): void {
    this.faults.push({ path, message, hint });
  }

  entry(name: string, wanted: unknown): void {
    if (name === "unconfined") {
      if (typeof wanted === "boolean" || wanted === null) this.#unconfined = wanted === true;
      else this.fault([name], "must be true or false");
      return;
    }
    if (!isPermissionName(name)) {
      const known = [...permissionNames, "unconfined"];
      return this.fault([name], `unknown permission ${quote(name)}`, hintNearest(name, known));
    }
    if (wanted === true) this.#wanted.set(name, true);
    else if (Array.isArray(wanted)) wanted.forEach((item, index) => this.#add(name, item, [name, index]));
    else if (wanted !== false && wanted !== null) {
      const example = typeof wanted === "string" ? wanted : "...";
      this.fault([name], "must be a list, or true for everything", `write ${name}: [${quote(example)}]`);
    }
  }

  flag(flag: unknown, index: number): void {
    if (typeof flag !== "string") return this.fault([index], "must be a flag of Deno, such as --allow-net=example.com");
    if (flag === "-A" || flag === "--allow-all") {
      return this.fault([index], `${flag} would disable the sandbox`, "name each permission that is needed");
    }
    const [, kind, name = "", list] = flagPattern.exec(flag) ?? [];
    if (kind === undefined) {
      return this.fault([index], `${quote(flag)} is not a permission flag of Deno`, hintFlag(flag));
    }
    if (kind === "deny") {
      return this.fault([index], "Deno's workers ignore deny lists", "leave it out, and allow only what is needed");
    }
    if (!isPermissionName(name)) {
      return this.fault([index], `unknown permission ${quote(name)}`, hintNearest(name, permissionNames));
    }
    if (list === undefined) this.#wanted.set(name, true);
    else for (const item of list.split(",")) this.#add(name, item, [index]);
  }

  #add(name: PermissionName, item: unknown, path: (string | number)[]): void {
    // YAML reads a plain `~` as null, but users mean their home folder.
    if (item === null) return this.fault(path, "must be text", 'write "~" in quotes for the home folder');
    if (typeof item === "number") return this.fault(path, "must be text", `write "${item}"`);
    if (typeof item !== "string") return this.fault(path, "must be text");
    const fault = findValueFault(name, item);
    if (fault !== null) return this.fault(path, fault[0], fault[1]);
    const known = this.#wanted.get(name) ?? new Set<string>();
    // After `--allow-net` alone, a list adds nothing.
    if (known !== true) this.#wanted.set(name, known.add(item));
  }
}

function isPermissionName(name: string): name is PermissionName {
  return (permissionNames as readonly string[]).includes(name);
}

function hintFlag(flag: string): string {
  if (isPermissionName(flag)) return `write --allow-${flag}=...`;
  const near = findNearest(flag.split("=")[0] ?? "", permissionNames.map((name) => `--allow-${name}`));
  return near === null ? "write flags such as --allow-net=example.com:443" : `did you mean ${near}?`;
}

type ValueFault = readonly [message: string, hint: string | null] | null;

/** Why `value` cannot be granted as `name`, or null. */
function findValueFault(name: PermissionName, value: string): ValueFault {
  if (value.trim() === "") return ["must not be empty", null];
  if (value.includes("\0")) return ["must not contain a NUL character", null];
  if (value.trim() !== value) return [`${quote(value)} begins or ends with a space`, null];
  switch (name) {
    case "read":
    case "write":
    case "ffi":
      return findPathFault(value);
    case "net":
      return value.startsWith("unix:") ? findSocketFault(value) : findHostFault(value);
    case "import":
      return value.startsWith("npm:") ? findPackageFault(value) : findHostFault(value);
    case "env":
      return findVariableFault(value);
    case "run":
      return findProgramFault(value);
    case "sys":
      if ((sysNames as readonly string[]).includes(value)) return null;
      return [`${quote(value)} is not one of Deno's system calls`, hintNearest(value, sysNames)];
  }
}

function findPathFault(value: string): ValueFault {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(value)) return [`${quote(value)} is a URL, not a path`, "write the path"];
  if (/[*?]/.test(value)) return ["patterns are not expanded", "grant the folder: it covers everything below it"];
  if (value.includes("$")) return ["variables are not expanded", "write the path, or ~ for your home folder"];
  if (/^~[^/]/.test(value)) return ["another user's home folder is not resolved", "write the path"];
  return null;
}

function findSocketFault(value: string): ValueFault {
  return value.startsWith("unix:/") ? null : ["a Unix socket needs an absolute path", "write unix:/run/name.sock"];
}

const packagePattern = /^npm:(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*(@[a-z0-9^~<>=|.*+ -]+)?$/i;

function findPackageFault(value: string): ValueFault {
  if (packagePattern.test(value)) return null;
  return [`${quote(value)} is not the name of an npm package`, "write npm:name, or npm:name@1.2.3 for one version"];
}

const domainPattern = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
const addressPattern = /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/;
const bracketPattern = /^\[([0-9a-f:.]+)\](?::(.*))?$/i;

/** Accepts `example.com`, `*.example.com`, `10.0.0.0/8` and `[::1]`, each with or without `:port`. */
function findHostFault(value: string): ValueFault {
  if (value.includes("://")) {
    return [`${quote(value)} is a URL, not a host`, `write ${quote(hostOfUrl(value) ?? "example.com:443")}`];
  }
  const bracketed = bracketPattern.exec(value);
  if (bracketed === null && value.split(":").length > 2) {
    return [`${quote(value)} is not a host`, 'write an IPv6 address in brackets: "[::1]:443"'];
  }
  const [host = "", port] = bracketed === null ? value.split(":") : [bracketed[1], bracketed[2]];
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return [`${quote(port)} is not a port`, "a port is a number from 1 to 65535"];
  }
  if (bracketed !== null) return URL.canParse(`http://[${host}]/`) ? null : [`${quote(value)} is not a host`, null];
  if (addressPattern.test(host)) return findAddressFault(host);
  if (host === "*") return ["* is not a host", "write true for every host, or *.example.com"];
  if (host.length > 253 || /^[\d.]+$/.test(host) || !domainPattern.test(host)) {
    const ascii = toAscii(host);
    // Requests contain that form: a grant in another form would never match.
    if (ascii !== null) return [`${quote(value)} is not in ASCII`, `write ${quote(value.replace(host, ascii))}`];
    return [`${quote(value)} is not a host`, "write example.com or example.com:443, without a path"];
  }
  return null;
}

/** `xn--bcher-kva.example` for `bücher.example`; null when the host is not a name, or is already in ASCII. */
function toAscii(host: string): string | null {
  const [, wild = "", name = ""] = /^(\*\.)?(.*)$/s.exec(host) ?? [];
  const ascii = /^[ -~]*$/.test(name) ? "" : getBuiltIn("node:url").domainToASCII(name);
  return ascii !== "" && ascii.length <= 253 && domainPattern.test(ascii) ? `${wild}${ascii}` : null;
}

function findAddressFault(host: string): ValueFault {
  const [address = "", prefix = "32"] = host.split("/");
  const valid = address.split(".").every((part) => Number(part) <= 255) && Number(prefix) <= 32;
  return valid ? null : [`${quote(host)} is not an address`, null];
}

function hostOfUrl(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || url.hostname === "") return null;
  return `${url.hostname}:${url.port || (url.protocol === "http:" ? 80 : 443)}`;
}

/** These variables would change the trusted process around the sandbox before the sandbox exists. */
const processVariables = /^(LD_|DYLD_|DENO_|NERVE_|NODE_OPTIONS$|NODE_CHANNEL_FD$|V8_|GLIBC_TUNABLES$|SSLKEYLOGFILE$)/;

function findVariableFault(value: string): ValueFault {
  if (value === "*") return ["* would grant every variable", "name the variables, or a prefix such as EXAMPLE_*"];
  if (!/^[A-Za-z_][A-Za-z0-9_]*\*?$/.test(value)) {
    const name = /^\$?\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(value)?.[1];
    return [`${quote(value)} is not the name of a variable`, name === undefined ? null : `write ${name}`];
  }
  if (!isProcessVariable(value)) return null;
  return [`${value} would change nerve's own process around the sandbox`, "pass the value under another name"];
}

/** Whether a variable never reaches a sandboxed process, whatever is granted. */
export function isProcessVariable(name: string): boolean {
  return processVariables.test(name);
}

function findProgramFault(value: string): ValueFault {
  if (/\s/.test(value)) return ["must name a program without arguments", `write ${quote(value.split(/\s/)[0] ?? "")}`];
  if (/[*?$]/.test(value)) return ["patterns and variables are not expanded", "name the program"];
  return null;
}
