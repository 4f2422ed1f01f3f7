/** The catalogue says which checks can be mended; each of them has somebody who does it, and none that says it cannot. */
import { expect, it } from "vitest";
import { profileChecks, remedies, withoutRemedy } from "../../../../agent/host/remedies/table.ts";
import { marked, whose } from "../../../../agent/host/remedies/marked.ts";
import { checkIds, checks } from "../../../../protocol/posture.ts";

it("every check with a fix has a remedy, and no other has", () => {
  expect(withoutRemedy).toEqual([]);
  for (const check of checkIds) expect(remedies[check] !== undefined, check).toBe(checks[check].fix !== "none");
});

it("a profile mends SSH before the firewall is closed around it", () => {
  expect(profileChecks.indexOf("ssh.port.nonstandard")).toBeLessThan(profileChecks.indexOf("fw.default-deny"));
  expect(new Set(profileChecks).size).toBe(profileChecks.length);
});

it.each([
  ["as it was written", (text: string) => text, "ours"],
  ["with a line more", (text: string) => `${text}Port 22\n`, "edited"],
  ["with another value", (text: string) => text.replace("no", "yes"), "edited"],
  ["without its first line", (text: string) => text.split("\n").slice(1).join("\n"), "foreign"],
  ["with something before it", (text: string) => `\n${text}`, "foreign"],
])("a file of ours %s is %s", (_what, change, owner) => {
  expect(whose(change(marked("ssh.kbdint", "KbdInteractiveAuthentication no")))).toBe(owner);
});
