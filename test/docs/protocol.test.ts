/** docs/PROTOCOL.md against protocol/: generated parts are fresh, and hand-written tables name what there is. */
import { describe, expect, it } from "vitest";
import { envelopeCodec } from "../../protocol/messages.ts";
import { assertionRules } from "../../protocol/refusals.ts";
import { endpoints } from "../../protocol/contracts.ts";
import * as limits from "../../protocol/limits.ts";
import { codeSpans, column, section, sectionNames, tables, tableUnder, type Table } from "./markdown.ts";
import { DOCUMENTS, regenerated, sections } from "./sections.ts";
import { constants, read, schemaMembers, variantKinds } from "./source.ts";
import { statementPermissions } from "../../protocol/trust/approvals.ts";
import { envelopeRules } from "../protocol/rules/envelope-rules.ts";
import { laterSamples } from "../vectors/golden-2.ts";
import { samples } from "../vectors/golden.ts";
import { workedExample } from "./worked-example.ts";

const protocol = read("docs/PROTOCOL.md");
const messages = read("protocol/messages.ts");
const tunnel = read("protocol/tunnel.ts");
const statements = read("protocol/trust/statements.ts");
const ledger = read("protocol/ledger.ts");

/** Cells like "`iat`, `exp`" name several fields. */
function fields(table: Table | undefined): readonly string[] {
  if (table === undefined) throw new Error("a message without a table");
  return table.rows.flatMap((row) => (row[0] ?? "").split(",").map((name) => name.replaceAll(/[`\s]/g, "")));
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].toSorted();
}

/** Field names of an inline shape like `{v, host, trustHead?, prev: {n, hash}}` that follows a phrase. */
function shapeAfter(phrase: string): readonly string[] {
  const start = protocol.indexOf(phrase);
  if (start < 0) throw new Error(`the document does not say "${phrase}"`);
  const [shape] = /`\{([^`]*)\}`/.exec(protocol.slice(start)) ?? [];
  if (shape === undefined) throw new Error(`no shape after "${phrase}"`);
  return shape
    .slice(2, -2)
    .replaceAll(/\{[^}]*\}/g, "")
    .split(",")
    .map((name) => name.replaceAll(/[?:\s]/g, ""));
}

describe("parts made from the code", () => {
  for (const path of DOCUMENTS) {
    it(`${path} has none that is stale: \`node test/docs/sections.ts\` writes them anew`, async () => {
      const document = read(path);
      const fresh = await regenerated(document);
      expect(sectionNames(document).filter((name) => section(document, name) !== section(fresh, name))).toEqual([]);
      expect(document).toBe(fresh);
    });
  }

  it("uses every part that can be made", async () => {
    const used = DOCUMENTS.flatMap((path) => sectionNames(read(path)));
    expect(used.toSorted()).toEqual([...(await sections()).keys()].toSorted());
  });

  it("leaves out no limit, with a reason for each", () => {
    const table = tableUnder(protocol, "Limits");
    expect(sorted(column(table, "limit"))).toEqual(sorted(Object.keys(limits)));
    expect(column(table, "reason").filter((reason) => reason.length < 20)).toEqual([]);
  });

  it("leaves out no endpoint", () => {
    const listed = column(tableUnder(protocol, "HTTP"), "endpoint");
    expect(listed).toEqual(Object.values(endpoints).map(({ method, path }) => `${method} ${path}`));
  });
});

describe("the worked example", () => {
  it("is accepted by the code that hosts run", async () => {
    const { bent, envelopeBytes } = await workedExample();
    expect(bent[0]).toEqual({ what: "the envelope as it is", code: "verified" });
    expect(bent.slice(1).map(({ code }) => code)).not.toContain("verified");
    expect(() => envelopeCodec.decode(envelopeBytes)).not.toThrow();
  });

  it("is the same in every run", async () => {
    const [first, second] = [await workedExample(), await workedExample()];
    expect(first.envelopeBytes).toEqual(second.envelopeBytes);
    expect(first.receipt).toEqual(second.receipt);
  });

  it("prints every digest that the next message names", async () => {
    const { prepare, intent, receipt, sessionDigest } = await workedExample();
    const text = section(protocol, "worked-example");
    for (const digest of [prepare.digest, intent.digest, receipt.digest, sessionDigest]) {
      expect(text.split(digest).length).toBeGreaterThan(2);
    }
  });
});

describe("message tables", () => {
  const under = (heading: string): readonly Table[] => tables(protocol).filter((table) => table.heading === heading);
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["session", schemaMembers(messages, "sessionSchema")],
    ["prepare", schemaMembers(messages, "prepareSchema")],
    ["proposal", schemaMembers(messages, "proposalSchema")],
    ["session-end", schemaMembers(messages, "sessionEndSchema")],
    ["prepared", schemaMembers(messages, "preparedSchema")],
    ["intent", schemaMembers(messages, "intentSchema")],
    ["dispatch", schemaMembers(messages, "dispatchSchema")],
    ["envelope", [...schemaMembers(messages, "submissionSchema"), "dispatch"]],
    ["receipt", schemaMembers(messages, "receiptSchema")],
    ["request", schemaMembers(messages, "requestSchema")],
  ];
  it.each(cases)("%s has the fields of its schema", (heading, members) => {
    expect(sorted(fields(under(heading)[0]))).toEqual(sorted(members));
  });

  it("a target has the fields of its schema", () => {
    expect(sorted(fields(under("intent")[1]))).toEqual(sorted(schemaMembers(messages, "targetSchema")));
  });

  it("approval has the fields of all kinds, and names the kinds", () => {
    const approvals = Object.values({ ...samples, ...laterSamples }).filter(({ kind }) => kind === "approval");
    expect(sorted(fields(under("approval")[0]))).toEqual(sorted(approvals.flatMap(({ value }) => Object.keys(value))));
    const row = under("approval")[0]?.rows.find(([name]) => name === "`kind`")?.[1] ?? "";
    const kinds = [...row.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] ?? "");
    expect(sorted(kinds)).toEqual(sorted(approvals.map(({ value }) => String(value["kind"]))));
  });

  it("the body of joining has the fields of its schema", () => {
    expect(sorted(fields(under("Joining")[0]))).toEqual(sorted(schemaMembers(tunnel, "joinRequestSchema")));
  });
});

describe("shapes in the text", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["`hello` is", schemaMembers(tunnel, "helloSchema")],
    ["`welcome` is", schemaMembers(tunnel, "welcomeSchema")],
    ["| `join` | bytes of", schemaMembers(tunnel, "joinSchema")],
    ["A *join file* goes", schemaMembers(read("protocol/join-file.ts"), "joinFileSchema")],
    ["**The root** is", schemaMembers(statements, "rootSchema")],
    ["Entries are canonical JSON:", schemaMembers(ledger, "entrySchema")],
    ["An assertion is", schemaMembers(messages, "assertionSchema")],
    ["| `facts` |", schemaMembers(messages, "factsSchema")],
    ["| `expect` |", schemaMembers(messages, "expectSchema")],
    ["| `observed` |", schemaMembers(messages, "observedSchema")],
    ["**read**, signed", schemaMembers(read("protocol/reading.ts"), "readSchema")],
    ["**reading**, signed", schemaMembers(read("protocol/reading.ts"), "readingSchema")],
    ["`source`\nis a commitment", schemaMembers(ledger, "commitmentSchema")],
    ["| trust head |", schemaMembers(read("protocol/fields.ts"), "trustHead")],
    ["| `host.admit` | `{", schemaMembers(statements, "hostSchema")],
  ];
  it.each(cases)("%s … names the members of its schema", (phrase, members) => {
    expect(sorted(shapeAfter(phrase))).toEqual(sorted(members));
  });
});

describe("how a host verifies", () => {
  it("is told in the order that the tests pin", () => {
    const start = protocol.indexOf("## How a host verifies");
    const list = protocol.slice(start, protocol.indexOf("After it ran", start));
    // Approvals stand twice, of the proposal and of the intent; a machine's rules stand beside a person's.
    const isOne = (code: string): boolean => !code.includes(".") && !/^(approval|automation)_/.test(code);
    const pinned = [...new Set(envelopeRules.map(({ code }) => code as string))].filter(isOne);
    const told = [...new Set(codeSpans(list))].filter((code) => pinned.includes(code));
    expect(told).toEqual(pinned);
  });
});

describe("other tables", () => {
  it("lists the frames to the host", () => {
    expect(column(tableUnder(protocol, "Frames to the host"), "kind")).toEqual(variantKinds(tunnel, "inwardSchema"));
  });

  it("lists the frames from the host", () => {
    expect(column(tableUnder(protocol, "Frames from the host"), "kind")).toEqual(variantKinds(tunnel, "outwardSchema"));
  });

  it("lists the rules of an assertion in their order", () => {
    expect(column(tableUnder(protocol, "The rules of one assertion"), "rule")).toEqual(assertionRules);
  });

  it("describes every kind of statement", () => {
    const table = tables(protocol).find(({ header }) => header[1] === "body");
    if (table === undefined) throw new Error("no table of statement bodies");
    expect(column(table, "kind")).toEqual(Object.keys(statementPermissions));
  });

  it("lists the endpoints of the other doors", () => {
    const table = tables(protocol).find(({ header }) => header[0] === "door");
    if (table === undefined) throw new Error("no table of doors");
    const listed = table.rows.map((row) => `${row[0] ?? ""} ${(row[1] ?? "").replaceAll("`", "")}`);
    const mounted = ["agent", "admin"].flatMap((door) =>
      [...read(`worker/${door}.ts`).matchAll(/app\.(get|post)\("([^"]+)"/g)].map(
        ([, method = "", path = ""]) => `${door === "agent" ? "agents" : door} ${method.toUpperCase()} ${path}`,
      ),
    );
    expect(listed).toEqual(mounted);
  });

  it("mentions no limit that does not exist", () => {
    const names = new Set(constants(read("protocol/limits.ts")).map(({ name }) => name));
    const mentioned = codeSpans(protocol).filter((span) => /^[A-Z]+(_[A-Z]+)+$/.test(span));
    expect(mentioned.filter((name) => !names.has(name))).toEqual([]);
  });
});
