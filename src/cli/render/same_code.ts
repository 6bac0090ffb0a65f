/** Lists entries of nerve.yaml that share the same code (`use`). Used by `sense list` and `workflow list`. */

interface Entry {
  readonly name: string;
  /** Null from an older daemon. */
  readonly use: string | null;
}

/** Entries with the same code follow each other, at the place of the first; otherwise the order stays. */
export function placeSameCodeTogether<T extends Entry>(entries: readonly T[]): T[] {
  return [...Map.groupBy(entries, ({ use, name }) => use ?? name).values()].flat();
}

/** The title and the cell of the column CODE; none when each entry has code of its own name. */
export function listCodeColumn(entries: readonly Entry[]): { title: string[]; cell: (entry: Entry) => string[] } {
  const shown = entries.some(({ use, name }) => use !== null && use !== name);
  return { title: shown ? ["CODE"] : [], cell: ({ use, name }) => shown ? [use ?? name] : [] };
}
