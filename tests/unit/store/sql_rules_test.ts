/** The table of what SQL may do. Danger: a newer SQLite adds a function, module or pragma, and no one reviews it. */
import assert from "node:assert/strict";
import { constants, DatabaseSync } from "node:sqlite";
import { judgeOwnSql, judgeReading } from "../../../src/store/sqlite/sql_rules.ts";
import { readSource } from "../../support/source_files.ts";

function namesFrom(list: string): string[] {
  using db = new DatabaseSync(":memory:");
  return db.prepare(`select distinct name from pragma_${list} order by 1`).all().map(({ name }) => String(name));
}

/** The pragmas of docs/senses.md, by the description in their row. */
function documented(): Map<string, string> {
  const [, table = ""] = /\| pragmas \| \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(readSource("docs/senses.md")) ?? [];
  return new Map(
    table.trimEnd().split("\n").flatMap((row) => {
      const [, names = "", use = ""] = row.split("|");
      return [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]): [string, string] => [name, use.trim()]);
    }),
  );
}

Deno.test("every pragma is closed unless docs/senses.md names it, and then open as it says", () => {
  const open = documented(), all = namesFrom("pragma_list");
  assert.ok(open.size > 30 && all.length > 60);
  for (const name of new Set([...all, ...open.keys(), "unheard_of", "data_store_directory", "lock_status"])) {
    const use = open.get(name), may = (argument: string | null) => judgeOwnSql(constants.SQLITE_PRAGMA, name, argument);
    assert.equal(may("1") === null, use !== undefined && use !== "to read", `${name} with an argument`);
    assert.equal(may(null) === null, use !== undefined, name);
    assert.equal(judgeOwnSql(constants.SQLITE_PRAGMA, name.toUpperCase(), null) === null, use !== undefined, name);
    const reads = (argument: string | null) => judgeReading(constants.SQLITE_PRAGMA, name, argument) === null;
    assert.equal(reads(null), use !== undefined && use !== "to run", `${name} by a reader`);
    assert.equal(reads("1"), use === "with any argument", `${name} with an argument, by a reader`);
  }
});

/** Every function of this SQLite that was reviewed: it computes, and reaches nothing outside the database. */
const looked = new Set(
  `-> ->> abs avg bm25 changes char coalesce concat concat_ws count cume_dist current_date current_time current_timestamp
  date datetime dense_rank first_value format fts5 fts5_get_locale fts5_insttoken fts5_locale fts5_source_id glob
  group_concat hex highlight if ifnull iif instr julianday lag last_insert_rowid last_value lead length like likelihood
  likely lower ltrim match matchinfo max min nth_value ntile nullif octet_length offsets optimize percent_rank printf quote
  random randomblob rank replace round row_number rtreecheck rtreedepth rtreenode rtrim sign snippet soundex
  sqlite_compileoption_get sqlite_compileoption_used sqlite_log sqlite_source_id sqlite_version strftime string_agg substr
  substring subtype sum time timediff total total_changes trim typeof unhex unicode unistr unistr_quote unixepoch unlikely
  upper zeroblob`.split(/\s+/),
);

Deno.test("every function of this SQLite is closed, or one that somebody has looked at", () => {
  const closed = namesFrom("function_list").filter((name) =>
    judgeOwnSql(constants.SQLITE_FUNCTION, null, name) !== null
  );
  assert.deepEqual(closed, ["fts3_tokenizer", "load_extension"]);
  const unknown = namesFrom("function_list").filter((name) =>
    !looked.has(name) && !/^jsonb?(_|$)/.test(name) && !closed.includes(name)
  );
  assert.deepEqual(unknown, [], "look at what it does, then add it here or to sql_rules.ts");
  for (const name of ["FTS3_Tokenizer", "LOAD_EXTENSION"]) {
    assert.match(judgeOwnSql(constants.SQLITE_FUNCTION, null, name) ?? "", /is closed/);
    assert.match(judgeReading(constants.SQLITE_FUNCTION, null, name) ?? "", /is closed/);
  }
});

Deno.test("virtual tables are made of known modules only, and an action that nobody knows is refused", () => {
  const make = (module: string) => judgeOwnSql(29, "t", module);
  const closed = namesFrom("module_list").filter((name) => !name.startsWith("pragma_") && make(name) !== null);
  assert.deepEqual(closed, ["dbstat"]);
  assert.equal(make("FTS5"), null);
  assert.match(make("unheard_of") ?? "", /closed/);
  for (const action of [0, 34, 99, -1]) {
    assert.match(judgeOwnSql(action, null, null) ?? "", /does what nerve does not know/);
    assert.notEqual(judgeReading(action, null, null), null);
  }
});
