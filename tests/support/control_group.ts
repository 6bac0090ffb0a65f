/** A control group (version 2) that a test's program sees as the root, so that it changes no other. Needs root. */

/**
 * The beginning of a shell script that enters a control group of its own. `folder` exists. The rest must `exec unshare
 * --cgroup`, and mount a new file system of control groups to see it.
 */
export function enterGroup(folder: string, name: string): string {
  return `set -e
mkdir -p '${folder}/groups'
mount -t cgroup2 none '${folder}/groups'
mkdir '${folder}/groups/${name}'
echo $$ > '${folder}/groups/${name}/cgroup.procs'
umount '${folder}/groups'
`;
}

/** Call this when its processes have been killed: they end a moment later. */
export async function removeGroup(name: string): Promise<void> {
  const script = 'mount -t cgroup2 none /mnt && [ ! -d "/mnt/$1" ] || find "/mnt/$1" -depth -type d -exec rmdir {} +';
  for (let tries = 0; tries < 100; tries++) {
    const args = ["--mount", "sh", "-c", script, "sh", name];
    if ((await new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).output()).success) return;
  }
}
