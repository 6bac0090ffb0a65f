/** How large the data is, and how fast it grows. */
import type { StoreSizes } from "../../src/protocol/dashboard.ts";
import { formatAge, formatBytes, plural } from "../format.ts";
import { useResource } from "../hooks.ts";
import { Empty, Mark, Section, Waiting } from "../parts/basic.tsx";
import { toHash } from "../route.ts";

const oddMax = 50;

export function Store() {
  const sizes = useResource<StoreSizes>("/v1/store", { everyMs: 60_000 });
  return (
    <>
      <h1 tabIndex={-1}>Store</h1>
      {sizes.data === null ? <Waiting error={sizes.error} rows={8} /> : <Sizes sizes={sizes.data} />}
    </>
  );
}

function Sizes({ sizes }: { readonly sizes: StoreSizes }) {
  const { log, odd, totalBytes } = sizes, parts = listParts(sizes);
  const most = Math.max(1, ...parts.map(({ bytes }) => bytes));
  return (
    <>
      <Section title="Sizes" count={formatBytes(totalBytes)}>
        <table class="table sizes">
          <thead>
            <tr>
              <th>What</th>
              <th class="grow">Share</th>
              <th class="right">Size</th>
              <th class="wide">Holds</th>
            </tr>
          </thead>
          <tbody>{parts.map((part) => <PartRow key={part.key} part={part} most={most} />)}</tbody>
        </table>
      </Section>
      <Growth log={log} />
      <Section title="What does not belong there" count={odd.length}>
        {odd.length === 0
          ? (
            <Empty>
              <Mark tone="good" /> Nothing.
            </Empty>
          )
          : (
            <ul class="needs">
              {odd.slice(0, oddMax).map(({ path, why }) => (
                <li key={path} class="warn">
                  <Mark tone="warn" />
                  <span class="what mono">
                    {path} <span class="detail">{why}</span>
                  </span>
                </li>
              ))}
            </ul>
          )}
      </Section>
    </>
  );
}

interface Part {
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  readonly holds: string;
  readonly href: string | null;
}

function listParts({ log, senses, blobs, archive }: StoreSizes): Part[] {
  const part = (name: string, bytes: number, holds: string): Part => ({ key: name, name, bytes, holds, href: null });
  return [
    ...log === null ? [] : [part("log", log.bytes, describeLog(log))],
    part("archive", archive.bytes, `${plural(archive.days, "day")}, ${plural(archive.rows, "row")}`),
    part("blobs", blobs.bytes, plural(blobs.files, "file")),
    ...senses.toSorted((a, b) => b.bytes - a.bytes).map(({ name, bytes }): Part => {
      return { key: `sense ${name}`, name, bytes, holds: "database of the sense", href: toHash("senses", name) };
    }),
  ];
}

function describeLog({ rows, runs, oldestMs, newestMs }: NonNullable<StoreSizes["log"]>): string {
  const span = oldestMs === null || newestMs === null ? "" : `, over ${formatAge(newestMs - oldestMs)}`;
  return `${plural(rows, "row")}, ${plural(runs, "run")}${span}`;
}

function PartRow({ part: { name, bytes, holds, href }, most }: { readonly part: Part; readonly most: number }) {
  return (
    <tr>
      <td class="mono">{href === null ? name : <a href={href}>{name}</a>}</td>
      <td class="grow">
        <span class="bar">
          <i style={{ width: `${bytes / most * 100}%` }} />
        </span>
      </td>
      <td class="right num">{formatBytes(bytes)}</td>
      <td class="wide dim">{holds}</td>
    </tr>
  );
}

function Growth({ log }: Pick<StoreSizes, "log">) {
  if (log === null) return null;
  const { perDay, freeBytes, bytes } = log;
  return (
    <>
      {perDay === null ? null : (
        <p class="dim">
          The log grows by {plural(perDay.rows, "row")}, {formatBytes(perDay.bytes)} a day (mean of{" "}
          {plural(perDay.days, "day")}).
        </p>
      )}
      {freeBytes <= bytes / 4
        ? null
        : <p class="dim">{formatBytes(freeBytes)} of the log are free: nerve store archive --vacuum returns them.</p>}
    </>
  );
}
