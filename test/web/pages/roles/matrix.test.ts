import { describe, expect, it } from "vitest";
import { endpoints } from "../../../../protocol/contracts.ts";
import { operations } from "../../../../protocol/operations.ts";
import { builtInRoles } from "../../../../protocol/roles.ts";
import { statementPermissions } from "../../../../protocol/trust/approvals.ts";
import { cellOf, operationGroups, requestGroup } from "../../../../web/pages/roles/matrix.tsx";
import { trustView } from "../../fixtures/trust-log.ts";

const [viewer, operator, admin] = builtInRoles;
const permissionsOf = (role: (typeof builtInRoles)[number] | undefined) => ({ permissions: role?.permissions ?? [] });

describe("the permission matrix", () => {
  it("has a row for every operation, statement and request of somebody signed in", () => {
    const [daily, critical, statements] = operationGroups(trustView({}));
    const names = [...(daily?.rows ?? []), ...(critical?.rows ?? [])].map(({ name }) => name);
    for (const name of Object.keys(operations)) expect(names.some((row) => row.endsWith(`(${name})`))).toBe(true);
    const kinds = statements?.rows.map(({ name }) => /\((.*)\)$/.exec(name)?.[1]);
    expect(kinds).toEqual(Object.keys(statementPermissions));
    const signedIn = Object.values(endpoints).filter(({ access }) => access === "session");
    expect(requestGroup().rows).toHaveLength(signedIn.length);
  });

  it("says what each role may do, as it is enforced", () => {
    const [daily, critical, statements] = operationGroups(trustView({}));
    const restart = daily?.rows.find(({ name }) => name.includes("gateway.restart"));
    const drill = critical?.rows[0];
    const add = statements?.rows[0];
    if (restart === undefined || drill === undefined || add === undefined) throw new TypeError("a row is missing");
    const cells = (row: typeof restart) => [viewer, operator, admin].map((role) => cellOf(row, permissionsOf(role)));
    expect(cells(restart)).toEqual(["No", "Yes", "Yes"]);
    expect(cells(drill)).toEqual(["No", "No", "Signer"]);
    expect(cells(add)).toEqual(["No", "No", "Signer"]);
  });

  it("says where a rule asks for more than one person", () => {
    const [daily] = operationGroups(trustView({ rules: true }));
    const restart = daily?.rows.find(({ name }) => name.includes("gateway.restart"));
    expect(restart?.word).toBe("Several people");
  });

  it("says what loosens and what takes away under such a rule", () => {
    const [, , statements] = operationGroups(trustView({ rules: true }));
    const several = statements?.rows.filter(({ word }) => word === "Several people").map(({ name }) => name) ?? [];
    expect(several.some((name) => name.includes("person.add"))).toBe(true);
    expect(several.filter((name) => name.includes("revoke"))).toEqual([]);
  });
});
