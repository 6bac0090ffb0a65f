/** The output of smartctl for disks of different kinds. */
import assert from "node:assert/strict";
import { readReport } from "../../../senses/smart/report.ts";
import { ataAttributes, ataReport, nvmeReport, refusedReport, scsiReport } from "../../support/smart_reports.ts";

const read = (report: unknown) => readReport(JSON.stringify(report));

Deno.test("readReport() reads the counts of an ATA disk, of which makers put several into one number", () => {
  const { madeAt, ...found } = read(ataReport());
  assert.ok(madeAt !== null);
  assert.deepEqual(found, {
    ...{ model: "WDC WD40EFRX-68N32N0", serial: "WD-WCC7K1234567", standby: false, healthy: true },
    ...{ reallocated: 0, pending: 0, uncorrectable: 0, wear: null, celsius: 34, faults: [] },
  });
  const many = read(
    ataReport(ataAttributes([5, "Reallocated_Sector_Ct", 90, 4_295_032_840, "8 (1 65544)"], [197, "x", 100, 3])),
  );
  assert.deepEqual([many.reallocated, many.pending], [8, 3]);
  const worn = read(ataReport(ataAttributes([177, "Wear_Leveling_Count", 93, 120])));
  assert.equal(worn.wear, 7);
  assert.equal(
    read(ataReport({ ...ataAttributes([177, "Wear_Leveling_Count", 93, 1]), endurance_used: { current_percent: 12 } }))
      .wear,
    12,
  );
});

Deno.test("readReport() has the disk's own verdict, and tells what is wrong now from what was once", () => {
  const failing = read(ataReport({ smart_status: { passed: false } }, 8));
  assert.deepEqual([failing.healthy, failing.faults], [false, ["says that it is failing"]]);
  const below = ataAttributes([5, "Reallocated_Sector_Ct", 5, 900, "900", "now"], [
    9,
    "Power_On_Hours",
    1,
    1,
    "1",
    "past",
  ]);
  assert.deepEqual(read(ataReport(below, 16 + 32)).faults, ["Reallocated_Sector_Ct at its limit"]);
  assert.deepEqual(read(ataReport({}, 16)).faults, ["an attribute is at its limit"]);
  // A failed command, an attribute that was at its limit once, entries in the logs.
  for (const code of [4, 32, 64, 128, 228]) assert.deepEqual(read(ataReport({}, code)).faults, [], `${code}`);
  const tests = (total: number, outdated: number) =>
    read(
      ataReport(
        { ata_smart_self_test_log: { standard: { error_count_total: total, error_count_outdated: outdated } } },
        128,
      ),
    ).faults;
  assert.deepEqual([tests(2, 1), tests(2, 2)], [["its last self-test has failed"], []]);
});

Deno.test("readReport() reads NVMe and SCSI", () => {
  const nvme = read(nvmeReport({ percentage_used: 104, media_errors: 2, critical_warning: 1 + 8 }, 8));
  assert.deepEqual([nvme.wear, nvme.uncorrectable, nvme.reallocated, nvme.celsius, nvme.healthy], [
    104,
    2,
    null,
    41,
    false,
  ]);
  assert.deepEqual(nvme.faults, ["says that it is failing", "its spare space is nearly used up", "it only reads"]);
  const scsi = read(scsiReport());
  assert.deepEqual([scsi.model, scsi.reallocated, scsi.uncorrectable, scsi.celsius], [
    "SEAGATE ST4000NM0023",
    12,
    3,
    null,
  ]);
});

Deno.test("readReport() knows a disk that sleeps, in the words of every version", () => {
  for (
    const report of [
      refusedReport(3, "Device is in STANDBY mode, exit(3)"),
      refusedReport(2, "Device is in SLEEP mode, exit(2)"),
      refusedReport(3),
    ]
  ) {
    const { standby, healthy, faults } = read(report);
    assert.deepEqual([standby, healthy, faults], [true, null, []]);
  }
});

Deno.test("readReport() tells a disk that cannot be asked from a smartctl that cannot work", () => {
  assert.deepEqual(read(refusedReport(1, "/dev/sdb: Unknown USB bridge [0x152d:0x0578 (0x204)]")).faults, [
    "cannot be asked: /dev/sdb: Unknown USB bridge [0x152d:0x0578 (0x204)]",
  ]);
  assert.deepEqual(read(refusedReport(2, "Smartctl open device: /dev/sdb failed: No such device")).faults.length, 1);
  assert.deepEqual(read(ataReport({ smart_support: { available: false }, smart_status: undefined })).faults, [
    "does not report its state (no SMART)",
  ]);
  assert.throws(
    () => read(refusedReport(2, "Smartctl open device: /dev/sda failed: Permission denied")),
    /must run as root/,
  );
  assert.throws(() => read(refusedReport(1)), /its list of drives/);
  for (const text of ["", "smartctl 6.6 2017-11-05", "[]", "{}", "null"]) {
    assert.throws(() => readReport(text), /from 7\.0 on/);
  }
});
