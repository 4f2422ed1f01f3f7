import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { operationName } from "../../protocol/fields.ts";
import { operationWords } from "../../protocol/operation-words.ts";
import { isOperationName, operations, type Operation, type OperationName } from "../../protocol/operations.ts";
import { builtInRoles, permissions } from "../../protocol/roles.ts";

const rows = Object.entries<Operation>(operations);

describe("operations", () => {
  it.each(rows)("%s is well named, needs a permission of the list, and says what will happen", (name, row) => {
    expect(v.is(operationName, name)).toBe(true);
    expect(isOperationName(name)).toBe(true);
    expect(permissions).toContain(row.permission);
    const words = operationWords[name as OperationName];
    expect(words.effect("vps-3")).toContain("vps-3");
    expect(words.effect("vps-3")).toMatch(/^[A-Z].*\.$/);
    expect(words.effect("vps-3")).not.toMatch(/!|please/i);
    expect(`${words.verb} ${words.past}`).not.toMatch(/[.!]/);
    expect(words.undo).toMatch(/^[A-Z].*\.$/);
  });

  it.each(rows)("%s takes exactly its arguments", (_, row) => {
    expect(v.is(row.args, { foreign: 1 })).toBe(false);
  });

  it.each(["", "gateway.restart", "gateway.restart@2", "toString", "constructor", "__proto__", "hasOwnProperty"])(
    "%j is no operation",
    (name) => {
      expect(isOperationName(name)).toBe(false);
    },
  );
});

describe("built-in roles", () => {
  it("give everything to the administrator, and to nobody else the keys to others", () => {
    const withPower = builtInRoles.filter((role) => role.permissions.includes("workspace.administer"));
    expect(withPower.map(({ id }) => id)).toEqual(["admin"]);
    expect(withPower[0]?.permissions).toEqual(permissions);
  });

  it("let an administrator's session be the shortest", () => {
    const admin = builtInRoles.find(({ id }) => id === "admin");
    expect(Math.min(...builtInRoles.map((role) => role.sessionSeconds))).toBe(admin?.sessionSeconds);
  });

  it("let a viewer operate nothing", () => {
    const viewer = builtInRoles.find(({ id }) => id === "viewer");
    expect(rows.filter(([, row]) => viewer?.permissions.includes(row.permission))).toEqual([]);
  });
});
