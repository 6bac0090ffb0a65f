/** Dates as feeds write them: a moment, or null. */
import assert from "node:assert/strict";
import { parseFeedDate } from "../../../senses/feed-watch/dates.ts";

Deno.test("dates of RSS and of Atom name a moment", () => {
  const dates: Record<string, string> = {
    "Mon, 06 Sep 2021 14:00:00 +0200": "2021-09-06T12:00:00.000Z",
    "06 Sep 2021 14:00 GMT": "2021-09-06T14:00:00.000Z",
    "Mon, 6 Sep 21 14:00:00 EST": "2021-09-06T19:00:00.000Z",
    "Monday, 6 September 2021 14:00:00 UT": "2021-09-06T14:00:00.000Z",
    "Thu, 29 Feb 2024 23:59:59 -0000": "2024-02-29T23:59:59.000Z",
    "Sun, 06 Nov 94 08:49:37 GMT": "1994-11-06T08:49:37.000Z",
    "2021-09-06T14:00:00Z": "2021-09-06T14:00:00.000Z",
    "2021-09-06t14:00:00.25-01:30": "2021-09-06T15:30:00.250Z",
    "2021-09-06T14:00+0200": "2021-09-06T12:00:00.000Z",
    "2021-09-06 14:00:00Z": "2021-09-06T14:00:00.000Z",
    "2021-09-06 14:00:00 UTC": "2021-09-06T14:00:00.000Z",
    "Mon,06 Sep 2021 14:00:00 GMT": "2021-09-06T14:00:00.000Z",
    "Mon, 06 Sep 2021 14:00:00 +0200 (CEST)": "2021-09-06T12:00:00.000Z",
  };
  for (const [text, expected] of Object.entries(dates)) assert.equal(parseFeedDate(text), expected, text);
});

Deno.test("what does not name a moment is null, not a guess", () => {
  const texts = [
    ...["", "soon", "Week 12", "12", "2021", "1630936800", "06.09.2021 14:00", "09/06/2021 14:00:00", "2021-09-06"],
    ...["2021-09-06T14:00:00", "Mon, 06 Sep 2021 14:00:00", "Mon, 31 Feb 2021 14:00:00 GMT", "2021-02-29T00:00:00Z"],
    ...[
      "Mon, 06 Sep 2021 24:00:00 GMT",
      "Mon, 06 Sep 2021 12:60:00 GMT",
      "2021-13-01T00:00:00Z",
      "2021-00-10T00:00:00Z",
    ],
    ...["Mo, 06. Okt 2021 14:00:00 +0200", "Mon, 06 Sep 2021 14:00:00 CEST", "2021-09-06T14:00:00+99:00"],
    ...["0001-01-01T00:00:00Z", "32 Jan 2021 00:00:00 GMT", "Mon, 00 Sep 2021 14:00:00 GMT"],
  ];
  for (const text of texts) assert.equal(parseFeedDate(text), null, text);
});
