/** A folder of migrations and the database of a sense to which they are applied. */
import { join } from "node:path";
import { type OpenedSense, openMigrated } from "./sense_database.ts";
import { FakeClock } from "./fake_clock.ts";
import { inTempDir } from "./temp_workspace.ts";

export const first = "0001_readings.sql", second = "0002_more.sql";

export interface MigrationBench {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Opens and closes the database; returns the problems as `file:line message`. */
  open(): Promise<string[]>;
  tables(): Promise<string[]>;
}

export function withMigrations(test: (bench: MigrationBench) => Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    const folder = join(root, "migrations"), path = join(root, "cpu.db");
    await Deno.mkdir(folder);
    const opened = async <T>(use: (sense: OpenedSense) => T): Promise<T> => {
      const sense = await openMigrated(path, folder, new FakeClock());
      try {
        return use(sense);
      } finally {
        sense.sqlite.close();
      }
    };
    await test({
      folder,
      write: (files) => {
        for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(join(folder, name), text);
      },
      open: () => opened(({ problems }) => problems.map(describe(folder))),
      tables: () =>
        opened(({ sqlite }) =>
          sqlite.prepare("select name from sqlite_schema where type = 'table' order by rowid").all()
            .map(({ name }) => String(name)).filter((name) => name !== "_migrations")
        ),
    });
  });
}

export function describe(folder: string): (problem: OpenedSense["problems"][number]) => string {
  return ({ message, place }) => `${place?.file.replace(`${folder}/`, "")}:${place?.line} ${message}`;
}
