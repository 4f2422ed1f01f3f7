import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TICKET_HEADER } from "../../../protocol/contracts/exports.ts";
import { fromBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { chainLines, chainOf, fileOf, makeTown, noteOf, type LogTown } from "../../fixtures/log-file.ts";
import { run } from "./terminal.ts";

const directory = mkdtempSync(join(tmpdir(), "clawhold-verify-"));
const at = (name: string): string => join(directory, name);
let town: LogTown;
let server: Server;
let address: string;
let file: Buffer;

beforeAll(async () => {
  town = await makeTown();
  const lines = await chainLines(town);
  file = fileOf(lines);
  writeFileSync(at("whole.jsonl"), file);
  writeFileSync(at("changed.jsonl"), fileOf(lines.toSpliced(9, 1)));
  const rows = chainOf(town.world.workspace, town.drafts);
  writeFileSync(at("earlier.note"), await noteOf(town, { rows: rows.slice(0, 6) }));
  writeFileSync(at("earlier.jsonl"), fileOf(await chainLines(town, { rows: rows.slice(0, 14) })));
  writeFileSync(at("unseen.jsonl"), fileOf(await chainLines(town, { notes: [await noteOf(town, { rows })] })));
  writeFileSync(at("part.jsonl"), fileOf(await chainLines(town, { first: 8 })));
  const { root, statements } = town.world;
  const trust = [{ kind: "trust" as const, page: { root, statements: statements.slice(0, -1) } }];
  writeFileSync(at("older-trust.jsonl"), fileOf(await chainLines(town, { trust, evidence: false })));
  writeFileSync(
    at("trust.jsonl"),
    [root, ...statements].map((item) => `${utf8Text(encodeCanonical(item))}\n`).join(""),
  );
  writeFileSync(at("ticket"), `${nonceOf("ticket")}\n`);
  server = createServer((request, response) => {
    if (request.url === "/moved") response.writeHead(302, { location: "/whole" }).end();
    else if (request.url === "/half")
      response.writeHead(200, { "content-length": file.length }).end(file.subarray(0, 900), () => response.destroy());
    else if (request.method === "POST" && request.headers[TICKET_HEADER] !== nonceOf("ticket"))
      response.writeHead(401).end();
    else response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === "object" && bound !== null ? String(bound.port) : ""}`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

/** As the command prints it. */
const headOf = (): string => {
  const { statements } = town.world;
  const newest = fromBase64url(statements.at(-1)?.statement ?? "");
  return `${String(statements.length)}.${digestOf("statement", newest)}`;
};

describe("clawhold verify", () => {
  it("says that everything verifies, who has seen it, and exits with 0", async () => {
    const { exit, out } = await run(["verify", at("whole.jsonl"), `--workspace=${town.world.workspace}`]);
    expect(exit).toBe(0);
    expect(out[0]).toBe("Everything verifies: 17 entries, 4 receipts.");
    expect(out).toContain("Witnessed: at least 2 of 3 hosts that count have seen all of it.");
    expect(out).toContain("5 commands accepted, 4 with the host's receipt, 5 with what the person signed.");
    expect(out.join("\n")).not.toContain("taken from the file");
    const { statements } = town.world;
    expect(out.join("\n")).toMatch(
      new RegExp(
        `Counted by the trust log of ${String(statements.length + 1)} statements, newest 2027-.*Z; its head is ${headOf()}\\.\n  Whether that is the present one no file can say`,
      ),
    );
  });

  it("without the id says where it came from and what that means", async () => {
    const { exit, out } = await run(["verify", at("whole.jsonl")]);
    expect(exit).toBe(0);
    expect(out.at(-2)).toContain(`Workspace ${town.world.workspace}: this id was taken from the file`);
  });

  it("says what is wrong, where, and what to do; exits with 1", async () => {
    const { exit, out } = await run(["verify", at("changed.jsonl")]);
    expect(exit).toBe(1);
    expect(out[0]).toMatch(/^Line \d+, entry \d+: an entry is missing before this one/);
    expect(out.join("\n")).toContain("  Next: ");
    expect(out.join("\n")).toContain("Do not rely on what this file says.");
  });

  it("does not say that what is wrong is linked, or proven", async () => {
    expect((await run(["verify", at("whole.jsonl")])).out).toContain("Entries 1 to 17, each linked to the one before.");
    expect((await run(["verify", at("changed.jsonl")])).out.join("\n")).not.toContain("each linked");
  });

  it("says first that the hosts have not vouched for it; with --witnessed that is not fine", async () => {
    const { exit, out } = await run(["verify", at("unseen.jsonl")]);
    expect(exit).toBe(0);
    expect(out[0]).toBe(
      "The file agrees with itself, but the hosts have not vouched for all of it: 17 entries, 4 receipts.",
    );
    expect((await run(["verify", at("unseen.jsonl"), "--witnessed"])).exit).toBe(1);
    expect((await run(["verify", at("whole.jsonl"), "--witnessed"])).exit).toBe(0);
  });

  it("takes an id that begins with a dash behind its option", async () => {
    const id = `-${"A".repeat(42)}`;
    const { exit, out } = await run(["verify", at("whole.jsonl"), "--workspace", id]);
    expect(exit).toBe(1);
    expect(out.join("\n")).not.toContain("taken from the file");
    expect((await run(["verify", at("whole.jsonl"), "--checkpoint", "--json"])).exit).toBe(2);
  });

  it("as JSON", async () => {
    const { exit, out } = await run(["verify", at("changed.jsonl"), "--json"]);
    expect(exit).toBe(1);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ event: "verified", ok: false, pinned: false, entries: 16 });
  });

  it("does not find a file fine that could not be compared with the checkpoint", async () => {
    const { exit, out } = await run(["verify", at("part.jsonl"), "--checkpoint", at("earlier.note")]);
    expect(exit).toBe(1);
    expect(out[0]).toContain("could not be compared with the checkpoint that you kept");
  });

  it("holds the trust log against a head, and against a file of clawhold trust export", async () => {
    for (const given of [headOf(), at("trust.jsonl")]) {
      const { exit, out } = await run(["verify", at("whole.jsonl"), "--trust-head", given]);
      expect(exit).toBe(0);
      expect(out.join("\n")).toContain(`${headOf()}, and holds everything of the one that you compare it with.`);
      const older = await run(["verify", at("older-trust.jsonl"), "--trust-head", given]);
      expect(older.exit).toBe(1);
      expect(older.out.join("\n")).toContain("lacks statements of the one that you compare it with");
    }
    const { out } = await run(["verify", at("whole.jsonl"), "--trust-head", headOf(), "--json"]);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ trust: { n: town.world.statements.length, compared: "holds" } });
  });

  it.each(["earlier.note", "earlier.jsonl"])("contains the checkpoint of %s", async (name) => {
    const { exit, out } = await run(["verify", at("whole.jsonl"), "--checkpoint", at(name)]);
    expect(exit).toBe(0);
    expect(out).toContain("It is the log that you kept a checkpoint of, and goes on from there.");
  });

  it("reads an address, and a download against a ticket", async () => {
    expect((await run(["verify", `${address}/whole`])).exit).toBe(0);
    // A name that resolvers need not know.
    expect((await run(["verify", `${address.replace("127.0.0.1", "clawhold.localhost")}/whole`])).exit).toBe(0);
    expect((await run(["verify", `${address}/download`, "--ticket-file", at("ticket")])).exit).toBe(0);
  });

  it.each<[string, () => string[]]>([
    ["a file that is not there", () => ["/nowhere/at/all"]],
    ["a directory", () => [directory]],
    ["a workspace that is none", () => [at("whole.jsonl"), "--workspace", "x"]],
    ["a checkpoint file without one", () => [at("whole.jsonl"), "--checkpoint", at("ticket")]],
    ["a trust log that is not there", () => [at("whole.jsonl"), "--trust-head", "12.short"]],
    ["a ticket for a file", () => [at("whole.jsonl"), "--ticket-file", at("ticket")]],
    ["a ticket file without one", () => [`${address}/whole`, "--ticket-file", at("earlier.note")]],
    ["plain http elsewhere", () => ["http://example.com/log"]],
    ["a password in the address", () => [`${address.replace("//", "//a:b@")}/whole`]],
    ["an address that leads elsewhere", () => [`${address}/moved`]],
    ["a connection that breaks", () => [`${address}/half`]],
    ["an address where nobody answers", () => ["http://127.0.0.1:1/"]],
  ])("%s: one sentence, exit code 2", async (_name, argv) => {
    const { exit, out, err } = await run(["verify", ...argv()]);
    expect([exit, out]).toEqual([2, []]);
    expect(err).toHaveLength(1);
    expect(err[0]).toMatch(/\. .*\.$/);
  });

  it("a ticket that was used already", async () => {
    writeFileSync(at("used"), nonceOf("used"));
    const { exit, err } = await run(["verify", `${address}/download`, "--ticket-file", at("used")]);
    expect(exit).toBe(2);
    expect(err[0]).toContain("answered 401");
  });
});
