/**
 * The Landlock layer of a unit's process: what the process, and every program that it starts, may touch. A pure
 * function of its spec, which holds its grants, and of the places of this machine. launcher.ts calls it,
 * sandbox/shim.ts applies the rules, base/landlock.ts knows the system's interface. docs/security.md has the model.
 * I1. Nothing is open except what the unit is granted and what Deno, SQLite and granted programs need to work at all.
 * I2. A writable folder is the unit's own, a granted one, or the blobs: never one that contains another unit's
 *     database. Hence the files that SQLite keeps beside a database exist before the rules apply (own_files.ts).
 */
import { dirname, join } from "node:path";
import type { LandlockRules, PathRight } from "../base/landlock.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import type { ProcessSpec } from "../protocol/message.ts";

/** What the rules depend on besides the spec. */
export interface LandlockPlaces {
  /** The executable that runs nerve. */
  readonly executable: string;
  /** Files of nerve beside its modules. */
  readonly own: readonly string[];
  /** Deno's cache; null: there is none. */
  readonly cache: string | null;
  /** A folder for temporary files that only this process has. */
  readonly temp: string;
  /** A folder for Deno's lock file, if the unit may import packages or modules from hosts. */
  readonly lock: string | null;
  /** Further files that this process writes for nerve. */
  readonly written: readonly string[];
  /** The programs that are granted by name, as found in PATH, as they are and with links followed. */
  readonly programs: readonly string[];
  /** The folders of PATH. */
  readonly path: readonly string[];
  readonly home: string | null;
  /** The package.json files in the folders above the unit's code, which Deno looks for. */
  readonly manifests: readonly string[];
}

export type LandlockRule = readonly [path: string, right: PathRight];

/** Libraries, and public descriptions of the system. Programs may also be executed there. */
const executedFolders = ["/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store"];

/** Settings for resolving hosts, users and time zones, and for trusted certificates. None is secret on any system. */
const settings = [
  ...["alternatives", "ca-certificates", "crypto-policies", "gai.conf", "group", "host.conf", "hostname", "hosts"],
  ...["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "locale.alias", "localtime", "mime.types"],
  ...["networks", "nsswitch.conf", "os-release", "passwd", "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs"],
  ...["protocols", "resolv.conf", "services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "timezone"],
].map((name) => `/etc/${name}`);

/** Settings of their own that common programs read. */
const programSettings = [
  ...["bash.bashrc", "debian_version", "fonts", "gitconfig", "inputrc", "issue", "login.defs", "magic", "mtab", "perl"],
  ...["profile", "python3", "shells", "ssh/ssh_config", "ssh/ssh_config.d", "ssh/ssh_known_hosts", "terminfo"],
  ...["xattr.conf"],
].map((name) => `/etc/${name}`);

/**
 * Descriptions of the machine. Not /proc as a whole, not even for programs: it contains the environment of every
 * process of this user, including the kernel's with its secrets, and Landlock does not protect it (measured, version
 * 7).
 */
const machine = [
  ...["cgroup", "limits", "maps", "mountinfo", "mounts", "stat", "statm", "status"].map((name) => `/proc/self/${name}`),
  ...["cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys/kernel", "sys/vm", "uptime", "version"]
    .map((name) => `/proc/${name}`),
  "/sys/devices/system/cpu",
  "/sys/fs/cgroup",
];

const sources = ["/dev/full", "/dev/random", "/dev/urandom", "/dev/zero"];

/** Parts of Deno's cache that hold modules; others are shared by all (`location_data`) or of no use to a worker. */
const cachedModules = ["deps", "gen", "npm", "remote"];
/** Where packages and modules from hosts are stored on first import. */
const downloads = ["deps", "npm", "remote"];

/** The rules of a process. */
export function buildUnitRules(spec: ProcessSpec, places: LandlockPlaces): LandlockRules {
  const { permissions } = spec,
    runs = permissions.run !== false,
    imports = permissions.import !== false ||
      spec.modules.packages === true || spec.modules.packages.length > 0;
  const rules = [
    ...both(["/dev/null", places.temp, ...places.lock === null ? [] : [places.lock]]),
    ...as("read", [...settings, ...machine, ...sources, ...places.own, ...places.manifests]),
    // Read by host_services.ts for the unit.
    ...as("read", isGranted(permissions.sys, "networkInterfaces") ? [ownNetwork] : []),
    ...as(runs ? "execute" : "read", executedFolders),
    ...as("read", [places.executable]),
    ...as("write", places.written),
    ...openCache(places.cache, imports),
    ...as("write", listTranslations(places.cache, spec)),
    ...openGrants(permissions),
    ...spec.senses.flatMap(({ database }) => both(listDatabaseFiles(database))),
    ...runs ? openPrograms(permissions, places) : [],
  ];
  const ports = findPorts(spec);
  return { paths: dropRepeats(rules), connect: ports, bind: ports };
}

function isGranted(granted: readonly string[] | boolean, name: string): boolean {
  return typeof granted === "boolean" ? granted : granted.includes(name);
}

/** Also for agent_landlock_rules.ts. */
export function as(right: PathRight, paths: readonly string[]): LandlockRule[] {
  return paths.map((path) => [path, right]);
}

export function both(paths: readonly string[]): LandlockRule[] {
  return paths.flatMap((path): LandlockRule[] => [[path, "read"], [path, "write"]]);
}

function openCache(cache: string | null, imports: boolean): LandlockRule[] {
  if (cache === null) return [];
  const below = (names: readonly string[]) => names.map((name) => join(cache, name));
  return [...as("read", below(cachedModules)), ...imports ? as("write", below(downloads)) : []];
}

/**
 * Where Deno stores the unit's own code and `lib/` as JavaScript. It waits 150 ms for each module that it cannot store
 * (measured, Deno 2.9.6).
 */
export function listTranslations(
  cache: string | null,
  { modules: { folders } }: Pick<ProcessSpec, "modules">,
): string[] {
  return cache === null ? [] : folders.map((folder) => join(cache, "gen/file", folder));
}

/** The database and the two files beside it that exist as long as it does. */
function listDatabaseFiles(database: string): string[] {
  return database === ":memory:" ? [] : [database, `${database}-wal`, `${database}-shm`];
}

function openGrants({ read, write, ffi }: SandboxPermissions): LandlockRule[] {
  const paths = (granted: readonly string[] | boolean) => granted === true ? ["/"] : granted === false ? [] : granted;
  // Any library: those of the system are open anyway.
  const libraries = ffi === true ? [] : paths(ffi);
  return [...as("read", paths(read).map(toRulePath)), ...as("write", paths(write)), ...as("read", libraries)];
}

/** Linux recreates each file below it at every open, so a rule for a single file would have no effect (Linux 6.18). */
const ownNetwork = "/proc/self/net";

function toRulePath(path: string): string {
  return /^\/proc\/(?:self\/|\d+\/)?net(?:\/|$)/.test(path) ? ownNetwork : path;
}

/** What the programs in PATH, and `programs`, need: for processes that may start all of them. */
export function openTools(
  { programs, path, home }: Pick<LandlockPlaces, "programs" | "path" | "home">,
): LandlockRule[] {
  const named = [...path.map((folder) => join(folder, "any")), ...programs].filter(isElsewhere);
  return [
    ...both(["/dev/null"]),
    ...as("read", [...settings, ...machine, ...sources, "/sys", ...programSettings]),
    ...as("execute", [...executedFolders, ...named.flatMap((program) => listInstallation(program, home))]),
  ];
}

const isElsewhere = (each: string) => !executedFolders.some((folder) => each.startsWith(`${folder}/`));

function openPrograms({ run }: SandboxPermissions, { programs, path, home }: LandlockPlaces): LandlockRule[] {
  const named = (run === true ? path.map((folder) => join(folder, "any")) : programs).filter(isElsewhere);
  // A program that is granted by its path brings nothing with it.
  const files = typeof run === "boolean" ? [] : run.filter((each) => each.startsWith("/"));
  return [
    ...as("read", ["/sys", ...programSettings]),
    ...as("execute", [...files, ...named.flatMap((program) => listInstallation(program, home))]),
  ];
}

/** The folder of a program outside the system's folders, and its libraries: PREFIX/bin/NAME has them in PREFIX/lib. */
function listInstallation(program: string, home: string | null): string[] {
  const folder = dirname(program), prefix = dirname(folder);
  if (!folder.endsWith("/bin")) return [folder];
  // Below these are folders of the user that have nothing to do with programs.
  const shared = prefix === home || prefix === `${home}/.local` ? [] : ["share"];
  return [folder, ...["lib", "lib64", "libexec", ...shared].map((name) => join(prefix, name))];
}

const packagePort = 443, namePort = 53;

/**
 * The TCP ports of the grants; null: all, because a grant names a host without a port. Deno itself restricts the hosts.
 * Name servers are also queried over TCP.
 */
function findPorts({ permissions: { net, import: hosts }, modules: { packages } }: ProcessSpec): number[] | null {
  if (net === true || hosts === true) return null;
  const ports = new Set<number>();
  if (packages === true || packages.length > 0) ports.add(packagePort);
  for (const host of hosts === false ? [] : hosts) ports.add(portOf(host) ?? packagePort);
  for (const host of net === false ? [] : net) {
    if (host.startsWith("unix:")) continue;
    const port = portOf(host);
    if (port === null) return null;
    ports.add(port);
  }
  return ports.size === 0 ? [] : [...ports.add(namePort)].sort((a, b) => a - b);
}

/** `example.com:443`, `[::1]:443`; null without a port. */
function portOf(host: string): number | null {
  const digits = /^(?:\[[^\]]*\]|[^:]*):(\d+)$/.exec(host)?.[1];
  return digits === undefined ? null : Number(digits);
}

export function dropRepeats(rules: readonly LandlockRule[]): LandlockRule[] {
  return [...new Map(rules.map((rule) => [rule.join("\n"), rule])).values()];
}
