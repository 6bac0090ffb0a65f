/** Migrations of the library that change what is stored: passwords leave, everything else stays. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { migrateSenseDatabase, openSenseDatabase } from "../../../src/store/sqlite/sense_database.ts";
import { repository } from "../../support/source_files.ts";

/** What `sql` finds once the sense's newer migrations have run over `rows`, which the first one's tables held. */
async function migrated(sense: string, first: string, rows: string, sql: string): Promise<Record<string, unknown>[]> {
  const folder = Deno.makeTempDirSync(), all = join(repository, "senses", sense, "migrations");
  try {
    Deno.mkdirSync(join(folder, "migrations"));
    Deno.copyFileSync(join(all, first), join(folder, "migrations", first));
    const path = join(folder, "sense.db"), sqlite = openSenseDatabase(path);
    assert.deepEqual(await migrateSenseDatabase(sqlite, path, join(folder, "migrations")), []);
    sqlite.exec(rows);
    assert.deepEqual(await migrateSenseDatabase(sqlite, path, all), []);
    const found = sqlite.prepare(sql).all().map((row) => ({ ...row }));
    sqlite.close();
    return found;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("http-check and feed-watch forget the passwords of the addresses that they stored", async () => {
  const urls = ["https://ada:secret@h/x", "https://h/@user", "https://h/?q=a@b", "https://ada@h", "http://h/"];
  const checks = urls.map((url) => `insert into checks values (null, 1, '${url}', 1, 200, 5, null, '[]');`).join("");
  const kept = await migrated("http-check", "0001_checks.sql", checks, "select url from checks order by id");
  assert.deepEqual(kept.map(({ url }) => url), [
    ...["https://h/x", "https://h/@user", "https://h/?q=a@b", "https://h", "http://h/"],
  ]);
  const feeds =
    `insert into feeds (url, ts) values ('https://ada:secret@h/f', 1), ('https://h/g', 2), ('https://b:c@h/g', 3);
    insert into entries values ('https://ada:secret@h/f', 'k', 't', null, 1, 1), ('https://h/g', 'k', 't', null, 1, 1),
      ('https://b:c@h/g', 'k', 'other', null, 2, 2);`;
  const sql =
    "select feed, title, first_seen_at as at from entries union all select url, '', ts from feeds order by 1, 2";
  assert.deepEqual(await migrated("feed-watch", "0001_entries.sql", feeds, sql), [
    { feed: "https://h/f", title: "", at: 1 },
    { feed: "https://h/f", title: "t", at: 1 },
    { feed: "https://h/g", title: "", at: 2 },
    { feed: "https://h/g", title: "t", at: 1 },
  ]);
});
