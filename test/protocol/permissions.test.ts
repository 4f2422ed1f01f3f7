/** The product's tables of roles, endpoints, operations and statements against the hand-written golden one. */
import { describe, expect, it } from "vitest";
import { automationEndpoints } from "../../protocol/contracts/automation.ts";
import { endpoints, type Endpoint } from "../../protocol/contracts.ts";
import { operations, type Operation } from "../../protocol/operations.ts";
import { builtInRoles, permissions, presetRoles, type RoleDefinition } from "../../protocol/roles.ts";
import { peopleFor, statementPermissions } from "../../protocol/trust/approvals.ts";
import { hasPermission, sessionLimit, type Person, type TrustState } from "../../protocol/trust/state.ts";
import type { Statement } from "../../protocol/trust/statements.ts";
import { verifyPrepare } from "../../protocol/verify.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf } from "../../protocol/signing.ts";
import { draftCommand, type TouchDraft } from "../fixtures/command.ts";
import { nonceOf, signed } from "../fixtures/keys.ts";
import { asserted, NOW, type World } from "../fixtures/workspace.ts";
import {
  callers,
  goldenCritical,
  goldenEndpoints,
  goldenOperations,
  goldenRoles,
  goldenStatements,
  type Caller,
} from "./golden-permissions.ts";
import { sharedTeam } from "./rules/team-commands.ts";
import { sharedWorld } from "./rules/envelope-cases.ts";

const offered = [...builtInRoles, ...presetRoles];

/** Operates the host that is not ours. */
const ELSEWHERE: RoleDefinition = {
  id: "elsewhere",
  permissions: ["metadata.read", "ledger.read", "alert.acknowledge", "gateway.operate"],
  hosts: ["h-elsewhere"],
  sessionSeconds: 600,
};

/** A workspace in which Vera is the caller. */
function stateOf({ state }: World, caller: Caller): TrustState {
  const vera = state.people.get("p-vera");
  if (vera === undefined) throw new TypeError("no Vera");
  const person: Person = { ...vera, roles: caller === "none" ? [] : [caller] };
  const roles = new Map([...offered, ELSEWHERE].map((role) => [role.id, role]));
  return { ...state, roles, people: new Map(state.people).set("p-vera", person) };
}

/** As worker/mount.ts and the handlers of one host ask, in a session that lasts while its person has a role. */
function letsIn(endpoint: Endpoint, caller: Caller, world: World): boolean {
  if (endpoint.access === "open") return true;
  if (endpoint.access !== "session" || caller === "nobody") return false;
  const state = stateOf(world, caller);
  if (sessionLimit(state, "p-vera", NOW) === 0) return false;
  const { permission } = endpoint;
  const host = /:host\b|^\/api\/tickets$/.test(endpoint.path) ? { host: world.host } : {};
  return permission === undefined || hasPermission(state, "p-vera", { permission, ...host, now: NOW });
}

const all: Readonly<Record<string, Endpoint>> = { ...endpoints, ...automationEndpoints };

describe("roles", () => {
  it("are those of the golden table, with exactly its permissions", () => {
    const held = Object.fromEntries(offered.map((role) => [role.id, role.permissions]));
    expect(held).toEqual(goldenRoles);
    expect(new Set(offered.flatMap((role) => role.permissions))).toEqual(new Set(permissions));
    expect(offered.filter((role) => role.hosts.join() !== "all").map(({ id }) => id)).toEqual([]);
  });
});

describe("a person without a role", () => {
  it("gets no session", async () => {
    const world = await sharedWorld();
    expect(sessionLimit(stateOf(world, "none"), "p-vera", NOW)).toBe(0);
    expect(sessionLimit(stateOf(world, "viewer"), "p-vera", NOW)).toBeGreaterThan(0);
  });
});

describe("endpoints", () => {
  it("are all in the golden table, and nothing else is", () => {
    expect(Object.keys(goldenEndpoints).toSorted()).toEqual(Object.keys(all).toSorted());
  });

  it.each(Object.keys(all))("%s lets in whom it should", async (name) => {
    const world = await sharedWorld();
    const endpoint = all[name];
    if (endpoint === undefined) throw new TypeError(name);
    const found = Object.fromEntries(callers.map((caller) => [caller, letsIn(endpoint, caller, world)]));
    expect(found).toEqual(goldenEndpoints[name]);
  });
});

async function mayAsk(operation: string, caller: Caller, host?: string): Promise<string> {
  const world = await sharedWorld();
  const session: TouchDraft = draftCommand(world).session;
  session.passkey = world.people.vera.passkey;
  Object.assign(session.body, { iat: NOW - 60, exp: NOW + 500 });
  const certificate = encodeCanonical(session.body);
  const where = host ?? world.host;
  const body = encodeCanonical({
    v: 1,
    workspace: world.workspace,
    host: where,
    actor: { session: digestOf("session", certificate) },
    operation,
    jti: nonceOf("asking"),
  });
  const asking = {
    signed: await signed(world.keys.session, "prepare", body),
    session: await asserted(session.passkey, "session", { body: certificate }),
  };
  const view = { trust: stateOf(world, caller), now: NOW, host: where, isSessionEnded: () => false };
  const result = await verifyPrepare(asking, view);
  return result.kind === "accepted" ? "y" : result.code;
}

describe("operations", () => {
  it("are all in the golden table, and nothing else is", () => {
    expect(Object.keys(goldenOperations).toSorted()).toEqual(Object.keys(operations).toSorted());
    const critical = Object.entries<Operation>(operations).filter(([, row]) => row.class === "critical");
    expect(critical.map(([name]) => name).toSorted()).toEqual(goldenCritical.toSorted());
  });

  it.each(Object.keys(goldenOperations))("%s is prepared for whom it should", async (name) => {
    for (const caller of callers.filter((one) => one !== "nobody")) {
      const expected = goldenOperations[name]?.[caller] ?? false;
      expect({ caller, may: (await mayAsk(name, caller)) === "y" }).toEqual({ caller, may: expected });
    }
  });

  it("of a role for another host work there, and only there", async () => {
    expect(await mayAsk("gateway.restart@1", "elsewhere")).toBe("host_scope");
    expect(await mayAsk("gateway.restart@1", "elsewhere", "h-elsewhere")).toBe("y");
    expect(await mayAsk("host.drill@1", "elsewhere", "h-elsewhere")).toBe("role");
    expect(await mayAsk("gateway.restart@1", "none")).toBe("session_lifetime");
  });
});

describe("statements", () => {
  it("need the permission and as many people as the golden table says", async () => {
    const { state } = await sharedTeam();
    const found = Object.entries(statementPermissions).map(([kind, permission]) => {
      const statement = { kind, body: { id: "new", person: "p-otto", roles: ["admin"] } } as unknown as Statement;
      return [kind, { permission, people: peopleFor(state, statement) }];
    });
    expect(Object.fromEntries(found)).toEqual(goldenStatements);
  });
});
