/** Reports as smartctl 7 prints them, by its documentation: the machines that run tests have no disk with such data. */

type Json = Record<string, unknown>;

const head = (type: string, protocol: string, code: number, messages: readonly string[]): Json => ({
  json_format_version: [1, 0],
  smartctl: {
    version: [7, 3],
    argv: ["smartctl", "--json=c", "-n", "standby,3", "-a", "/dev/sda"],
    ...messages.length > 0 ? { messages: messages.map((string) => ({ string, severity: "error" })) } : {},
    exit_status: code,
  },
  local_time: { time_t: Math.floor(Date.now() / 1_000), asctime: "Sun Nov 29 16:46:22 2026 UTC" },
  device: { name: "/dev/sda", info_name: `/dev/sda [${type}]`, type, protocol },
});

const attribute = (id: number, name: string, value: number, raw: Json, failed = "") => ({
  ...{ id, name, value, worst: value, thresh: 10, when_failed: failed },
  flags: { value: 51, string: "PO--CK ", prefailure: true, updated_online: true },
  raw,
});

const raw = (value: number, string = `${value}`) => ({ value, string });

export function ataReport(more: Json = {}, code = 0): Json {
  return {
    ...head("sat", "ATA", code, []),
    ...{ model_name: "WDC WD40EFRX-68N32N0", serial_number: "WD-WCC7K1234567", rotation_rate: 5400 },
    smart_support: { available: true, enabled: true },
    smart_status: { passed: true },
    ata_smart_attributes: {
      revision: 16,
      table: [
        attribute(1, "Raw_Read_Error_Rate", 200, raw(0)),
        attribute(5, "Reallocated_Sector_Ct", 200, raw(0)),
        attribute(194, "Temperature_Celsius", 116, raw(141_733_920_802, "34 (Min/Max 19/33)")),
        attribute(197, "Current_Pending_Sector", 200, raw(0)),
        attribute(198, "Offline_Uncorrectable", 100, raw(0)),
      ],
    },
    temperature: { current: 34 },
    ata_smart_error_log: { summary: { revision: 1, count: 0 } },
    ata_smart_self_test_log: { standard: { revision: 1, count: 0 } },
    ...more,
  };
}

/** Replaces the attributes that have the same numbers as `others`. */
export function ataAttributes(
  ...others: readonly (readonly [number, string, number, number, string?, string?])[]
): Json {
  const own = (ataReport().ata_smart_attributes as { table: { id: number }[] }).table;
  const made = others.map(([id, name, value, count, text, failed]) =>
    attribute(id, name, value, raw(count, text), failed)
  );
  return {
    ata_smart_attributes: { table: [...own.filter(({ id }) => !made.some((each) => each.id === id)), ...made] },
  };
}

export function nvmeReport(log: Json = {}, code = 0): Json {
  return {
    ...head("nvme", "NVMe", code, []),
    ...{ model_name: "Samsung SSD 980 PRO 1TB", serial_number: "S5GXNF0R123456A" },
    smart_support: { available: true, enabled: true },
    smart_status: { passed: (Number(log.critical_warning ?? 0)) === 0, nvme: { value: log.critical_warning ?? 0 } },
    nvme_smart_health_information_log: {
      ...{
        critical_warning: 0,
        temperature: 41,
        available_spare: 100,
        available_spare_threshold: 10,
        percentage_used: 3,
      },
      ...{ media_errors: 0, num_err_log_entries: 608, unsafe_shutdowns: 9, power_on_hours: 870 },
      ...log,
    },
    temperature: { current: Number(log.temperature ?? 41) },
  };
}

export function scsiReport(): Json {
  return {
    ...head("scsi", "SCSI", 0, []),
    ...{ scsi_model_name: "SEAGATE ST4000NM0023", serial_number: "Z1Z0ABCD" },
    smart_support: { available: true, enabled: true },
    smart_status: { passed: true },
    temperature: { current: 0 },
    scsi_grown_defect_list: 12,
    scsi_error_counter_log: {
      read: { total_errors_corrected: 99, total_uncorrected_errors: 1 },
      write: { total_errors_corrected: 0, total_uncorrected_errors: 2 },
    },
  };
}

/** The output where smartctl has no data. */
export function refusedReport(code: number, ...messages: string[]): Json {
  return head("sat", "ATA", code, messages);
}
