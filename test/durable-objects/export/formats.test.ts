import { describe, expect, it } from "vitest";
import { exportedActions, ocsfClasses } from "../../../durable-objects/export/actions.ts";
import { cefValue } from "../../../durable-objects/export/cef.ts";
import { csvCell } from "../../../durable-objects/export/csv.ts";
import { toEvent } from "../../../durable-objects/export/event.ts";
import { formats } from "../../../durable-objects/export/formats.ts";
import { fileLine, provenLine } from "../../../durable-objects/export/jsonl.ts";
import { syslogValue } from "../../../durable-objects/export/syslog.ts";
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { entryLeaf } from "../../../protocol/checkpoint.ts";
import { exportFormats, ledgerActions, type ExportFormat, type LedgerAction } from "../../../protocol/ledger.ts";
import { ledgerLineCodec } from "../../../protocol/ledger-file.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import type { Fields } from "../../fixtures/workspace.ts";
import { rowOf, WORKSPACE } from "./entries.ts";
import { cef } from "./golden/cef.ts";
import { csv } from "./golden/csv.ts";
import { jsonl } from "./golden/jsonl.ts";
import { ocsf } from "./golden/ocsf.ts";
import { syslog } from "./golden/syslog.ts";

const golden: Readonly<Record<ExportFormat, Readonly<Record<LedgerAction, string>>>> = {
  jsonl,
  csv,
  ocsf,
  cef,
  syslog,
};

describe.each(exportFormats)("as %s", (name) => {
  it.each(ledgerActions)("%s is what it was", (action) => {
    expect(formats[name].row(rowOf(action))).toBe(golden[name][action]);
  });

  it.each(ledgerActions)("%s carries its place, its digest and its leaf, on one line", (action) => {
    const row = rowOf(action);
    const text = formats[name].row(row);
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(text.endsWith("\n")).toBe(true);
    expect(text).toContain(row.hash);
    // Whoever reads our own format computes the leaf.
    if (name !== "jsonl") expect(text).toContain(toBase64url(entryLeaf(row.hash)));
  });

  it("says of bytes that are no entry what they are, and where", () => {
    const row = { index: 7, body: toBase64url(utf8("{}")), hash: nonceOf("damaged") };
    const text = formats[name].row(row);
    expect(text).toContain(row.hash);
    expect(text).toContain("7");
    expect(formats[name].row({ ...row, hash: "nothing" })).toContain("nothing");
  });
});

describe("lines of our own format", () => {
  it.each(ledgerActions)("with %s are read back", (action) => {
    const row = { ...rowOf(action), receipt: { signature: "A".repeat(86), body: "e30" } };
    const read = (text: string) => ledgerLineCodec.decode(utf8(text.slice(0, -1)));
    expect(read(formats.jsonl.row(row))).toEqual({ kind: "entry", row });
    const inclusion = [nonceOf("a"), nonceOf("b")];
    expect(read(provenLine(row, inclusion))).toEqual({ kind: "proven", row, inclusion });
  });

  it("are refused where they are none", () => {
    expect(() => fileLine({ kind: "end", lines: -1 })).toThrow("schema");
  });
});

/** Required by the published schema 1.8.0, beyond the base event. */
const REQUIRED: Readonly<Record<keyof typeof ocsfClasses, readonly string[]>> = {
  base: [],
  finding: ["finding_info"],
  account: ["user"],
  // And one of service and dst_endpoint.
  authentication: ["user", "service"],
  entity: ["entity"],
  api: ["actor", "api", "src_endpoint"],
};
const BASE = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];
/** Activities that the class knows; 99 is any class's "other". */
const ACTIVITIES: Readonly<Record<keyof typeof ocsfClasses, number>> = {
  base: -1,
  finding: 3,
  account: 12,
  authentication: 7,
  entity: 13,
  api: 4,
};

describe("an OCSF event", () => {
  it.each(ledgerActions)("of %s has what its class requires", (action) => {
    const { class: name, activity } = exportedActions[action].ocsf;
    const event = JSON.parse(formats.ocsf.row(rowOf(action))) as Fields;
    for (const attribute of [...BASE, ...REQUIRED[name]]) expect(event).toHaveProperty(attribute);
    expect(activity === 99 || (activity >= 1 && activity <= ACTIVITIES[name])).toBe(true);
    expect(event["type_uid"]).toBe(ocsfClasses[name] * 100 + activity);
    expect(event["category_uid"]).toBe(Math.floor(ocsfClasses[name] / 1_000));
    expect(event["metadata"]).toMatchObject({ version: "1.8.0", product: { name: "Clawhold" } });
    expect(event["severity_id"]).toSatisfy((id: number) => id >= 1 && id <= 6);
  });

  it("of an alert is as serious as its kind", () => {
    const of = (code: string) => JSON.parse(formats.ocsf.row(rowOf("alert.raised", 1, { detail: { code } }))) as Fields;
    expect(of("host.cloned")["severity_id"]).toBe(5);
    expect(of("refusals.many")["severity_id"]).toBe(3);
    expect(of("grant.ending")["severity_id"]).toBe(2);
    expect(of("elsewhere")["severity_id"]).toBe(3);
  });

  it.each([
    ["executed", 1],
    ["failed", 2],
    ["refused", 2],
    ["interrupted", 0],
  ] as const)("of a receipt that says %s has status %i", (verdict, status) => {
    const row = rowOf("command.receipt", 1, { detail: { verdict } });
    expect(JSON.parse(formats.ocsf.row(row))).toMatchObject({ status_id: status });
  });
});

describe("a CSV cell", () => {
  it.each([
    ["=1+1", `"'=1+1"`],
    ["+1", `"'+1"`],
    ["-1", `"'-1"`],
    ["@x", `"'@x"`],
    ["|x", `"'|x"`],
    ["%x", `"'%x"`],
    [" =1+1", `"' =1+1"`],
    ["\u00a0=1", `"'\u00a0=1"`],
    ["\t=x", `"\\u0009=x"`],
    ["\uff1dx", `"'\uff1dx"`],
    ["\uff0bx", `"'\uff0bx"`],
    ["\uff0dx", `"'\uff0dx"`],
    ["\uff20x", `"'\uff20x"`],
    ['=cmd|"x"', `"'=cmd|""x"""`],
    ["a=b", '"a=b"'],
    ["a,b", '"a,b"'],
    ["a;=1+1", '"a;=1+1"'],
    ['a"b', '"a""b"'],
    ["a\nb", '"a\\u000ab"'],
    ["", '""'],
  ])("%j is written %s", (text, cell) => expect(csvCell(text)).toBe(cell));

  it.each(["\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u200b", "\u00ad", "\u{e0041}"])(
    "shows %j as its number, as the other formats do",
    (character) => {
      const row = rowOf("session.started", 1, { device: `a${character}b` });
      const number = (character.codePointAt(0) ?? 0).toString(16);
      expect(csvCell(`a${character}b`)).not.toContain(character);
      for (const name of ["csv", "cef", "syslog"] as const) {
        expect(formats[name].row(row)).not.toContain(character);
        expect(formats[name].row(row)).toContain(number);
      }
    },
  );

  it("that came with a sign-in runs nothing", () => {
    const row = rowOf("session.started", 1, { device: "=HYPERLINK(1)" });
    expect(formats.csv.row(row)).toContain(`,"'=HYPERLINK(1)",`);
  });
});

describe("what was stored by somebody hostile", () => {
  const device = 'a]b"c\\d=e|f\r\n<110>1 forged\u0085\u2028\u001b[2J';
  const row = rowOf("session.started", 1, { device });

  it.each(["csv", "cef", "syslog"] as const)("makes no second line and no command of a terminal in %s", (name) => {
    const text = formats[name].row(row);
    // oxlint-disable-next-line no-control-regex
    expect(text.replace(/\r?\n$/, "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  });

  it("ends no value early", () => {
    expect(syslogValue('a]b"c\\')).toBe('a\\]b\\"c\\\\');
    expect(cefValue("a=b\\c|d\n")).toBe("a\\=b\\\\c|d\\\\u000a");
    expect(formats.syslog.row(row)).toContain('device="a\\]b\\"c\\\\d=e|f');
  });

  it("keeps its value in our own format", () => {
    expect(toEvent(row)).toMatchObject({ device: expect.stringContaining("forged") });
    expect(formats.ocsf.row(row)).toContain("forged");
  });
});

it("a row says which workspace", () => {
  for (const name of ["ocsf", "cef", "syslog"] as const)
    expect(formats[name].row(rowOf("host.connected"))).toContain(WORKSPACE);
});
