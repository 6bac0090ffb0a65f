import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  findNextStatement,
  prepareOnlyStatement,
  runScript,
  ScriptError,
} from "../../../src/store/sqlite/sql_script.ts";
import fc from "../../support/fast_check.ts";

const blanks = [" ", "\n", "\t", ";", "-- a; comment\n", "/* not; 'this */", "\uFEFF"];
const blank = fc.array(fc.constantFrom(...blanks), { maxLength: 4 }).map((parts) => parts.join(""));
const text = fc.string({ unit: "grapheme", maxLength: 8 }).map((value) =>
  value.replaceAll("\0", "").replaceAll("'", "''")
);

Deno.test("a script runs each of its statements once, whatever stands between them and in their strings", () => {
  fc.assert(fc.property(fc.array(fc.tuple(blank, text), { maxLength: 6 }), blank, (parts, end) => {
    using db = new DatabaseSync(":memory:");
    db.exec("create table said (word text)");
    runScript(db, parts.map(([before, word]) => `${before}insert into said values ('${word}');`).join("") + end);
    const words = db.prepare("select word from said order by rowid").all().map(({ word }) => word);
    assert.deepEqual(words, parts.map(([, word]) => word.replaceAll("''", "'").toWellFormed()));
  }));
});

Deno.test("a trigger with several statements in its body is one statement", () => {
  using db = new DatabaseSync(":memory:");
  runScript(
    db,
    `create table a (n); create table b (n);
     create trigger copy after insert on a begin insert into b values (new.n); insert into b values (';'); end;
     insert into a values (1)`,
  );
  assert.equal(db.prepare("select count(*) as n from b").get()?.n, 2);
});

Deno.test("an error names the line of its statement, not of the blank line before it", () => {
  using db = new DatabaseSync(":memory:");
  const script = "-- first\ncreate table a (n);\n\n/* two\nlines */\ncreate table a (n);\nselect 1;";
  assert.throws(() => runScript(db, script), (thrown) => {
    assert.ok(thrown instanceof ScriptError);
    assert.match(thrown.message, /already exists/);
    assert.equal(thrown.line, 6);
    return true;
  });
});

// The bug would be: asking SQLite for the text of an empty statement ends the process with SIGSEGV.
Deno.test("a script without a statement does nothing, and has no only statement", () => {
  using db = new DatabaseSync(":memory:");
  for (const script of ["", "  \n", ";;", "-- only this", "/* unterminated", "/**/;--\n", "\uFEFF"]) {
    assert.equal(findNextStatement(script, 0), script.length, JSON.stringify(script));
    runScript(db, script);
    assert.equal(prepareOnlyStatement(db, script), null);
  }
});

Deno.test("the only statement of a script is found among comments, and two statements are not one", () => {
  using db = new DatabaseSync(":memory:");
  assert.deepEqual(prepareOnlyStatement(db, "-- it\n select ';' as a; /* end */ ;")?.get()?.a, ";");
  assert.equal(prepareOnlyStatement(db, "select 1; select 2"), null);
});
