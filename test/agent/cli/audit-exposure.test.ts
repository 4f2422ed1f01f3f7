/** `clawhold audit` as it is typed: what it takes, and what its exit code says. It looks at the machine that the test runs on. */
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { checkIds } from "../../../protocol/posture.ts";
import { reportSchema } from "../../../protocol/posture/report.ts";
import { run } from "./terminal.ts";

describe("clawhold audit", () => {
  it("looks without an account, says a report that fits its schema, and writes the other forms beside it", async () => {
    const directory = mkdtempSync(join(tmpdir(), "audit-"));
    const [html, sarif] = [join(directory, "page.html"), join(directory, "found.sarif")];
    const { exit, out } = await run([
      "audit",
      "--json",
      "--fix-plan",
      "--html",
      html,
      "--sarif",
      sarif,
      "--fail-under",
      "F",
    ]);
    expect(exit).toBe(0);
    const { report, host, steps } = JSON.parse(out.join("\n")) as { report: unknown; host: object; steps: unknown[] };
    const parsed = v.parse(reportSchema, report);
    expect(parsed.findings.map(({ check }) => check)).toEqual(checkIds);
    expect(host).toMatchObject({ name: "test-host", user: process.getuid?.() === 0 ? "root" : "not_root" });
    expect(Array.isArray(steps)).toBe(true);
    expect(readFileSync(html, "utf8")).toContain("<!doctype html>");
    expect(JSON.parse(readFileSync(sarif, "utf8"))).toMatchObject({ version: "2.1.0" });
    expect(statSync(html).mode & 0o777).toBe(0o600);
  });
  it("says with its exit code whether one check holds", async () => {
    const { exit, out } = await run(["audit", "--check", "cfg.versioned", "--json"]);
    const { state } = JSON.parse(out.join("\n")) as { state: string };
    expect(exit).toBe(state === "pass" || state === "not_applicable" ? 0 : 1);
  });
  it.each([
    [["audit", "--fail-under", "G"], 2, /takes a grade: A, B, C, D or F/],
    [["audit", "--check", "gw.nothing"], 2, /There is no check of that name\. Type one of: gw\.bind\.loopback/],
    [["audit", "--html", "/nowhere/page.html", "--check", "gw.nothing"], 2, /no check/],
    [["audit", "everything"], 2, /fewer words|Unexpected argument/],
    [["audit", "--deep"], 4, /only root can take the network away\. Type sudo clawhold audit --deep/],
  ] as const)("%j ends with %i", async (argv, exit, says) => {
    const ended = await run(argv, { uid: 1_000 });
    expect([ended.exit, ended.err.join(" ")]).toEqual([exit, expect.stringMatching(says)]);
  });
  it("leaves the witness's commands as they are", async () => {
    const { exit, err } = await run(["audit", "show", "--data", "/nowhere/at/all"]);
    expect(exit).toBe(3);
    expect(err.join(" ")).not.toContain("grade");
  });
});
