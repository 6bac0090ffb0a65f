/** Names in nerve.yaml in which `*` stands for any text. Imported by the senses temperature and containers. */

/** Whether one of `names` matches `text`. */
export function toMatcher(text: string): (names: readonly string[]) => boolean {
  const parts = text.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`, "s");
  return (names) => names.some((name) => pattern.test(name));
}

/** Whether a name counts: it matches one of `wanted`, if there are any, and none of `ignored`. */
export function toFilter(wanted: readonly string[], ignored: readonly string[]): (names: readonly string[]) => boolean {
  const some = wanted.map(toMatcher), none = ignored.map(toMatcher);
  return (names) =>
    (some.length === 0 || some.some((matches) => matches(names))) && !none.some((matches) => matches(names));
}
