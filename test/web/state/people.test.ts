import { beforeAll, describe, expect, it } from "vitest";
import { GRANT_NOTICE_SECONDS, GRANT_SECONDS } from "../../../protocol/limits.ts";
import { usableAdministrators } from "../../../protocol/trust/state.ts";
import {
  ableToApprove,
  daysUntil,
  endingOf,
  endingSoon,
  hostLabelIn,
  isOnlyAdministrator,
  lastRevocation,
  peopleOf,
  rolesIn,
  type TrustView,
} from "../../../web/state/people.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";

let world: World;
let view: TrustView;
beforeAll(async () => {
  world = await makeWorld();
  view = { state: world.state, names: new Map([["p-ada", "Ada"]]), applied: [], rootAt: NOW - 1_000 };
});

describe("people of the verified log", () => {
  it("have their roles, passkeys with the class of their name, and a name only where it fits", () => {
    const [ada, otto] = peopleOf(view, NOW);
    expect(ada).toMatchObject({ name: "Ada", named: true, roles: ["admin"], ending: "never" });
    expect(ada?.passkeys.map(({ originClass }) => originClass)).toEqual(["signer", "daily"]);
    expect(otto).toMatchObject({ name: "p-otto", named: false, roles: ["operator"], until: NOW + GRANT_SECONDS });
  });

  it("are announced from the first second of the notice to long after the end", () => {
    const end = NOW + GRANT_SECONDS;
    expect(endingOf(world.state, "p-otto", end - GRANT_NOTICE_SECONDS)).toBe("later");
    expect(endingOf(world.state, "p-otto", end - GRANT_NOTICE_SECONDS + 1)).toBe("soon");
    expect(endingOf(world.state, "p-otto", end)).toBe("soon");
    expect(endingOf(world.state, "p-otto", end + 1)).toBe("over");
    expect(endingOf(world.state, "p-ada", end + 1)).toBe("never");
    expect(endingOf(world.state, "p-nora", end)).toBe("never"); // no role: nothing ends
    expect(endingSoon(view, end).map(({ id }) => id)).toEqual(["p-otto", "p-vera", "p-scot"]);
    expect(endingSoon(view, NOW)).toEqual([]);
  });

  it("know the name of a host that was removed, and who alone could administer", () => {
    const admitted = { kind: "host.admit", body: { host: "h-gone", label: "vps-9" } };
    const applied = [{ statement: admitted }] as unknown as TrustView["applied"];
    expect(hostLabelIn({ ...view, applied }, "h-gone")).toBe("vps-9");
    expect(hostLabelIn(view, "h-gone")).toBeUndefined();
    const [only] = usableAdministrators(world.state);
    const alone = {
      ...view,
      state: { ...world.state, people: new Map([...world.state.people].filter(([id]) => id === only)) },
    };
    expect(isOnlyAdministrator(alone, only)).toBe(true);
    expect(isOnlyAdministrator(alone, "p-otto")).toBe(false);
    expect(isOnlyAdministrator(undefined, only)).toBe(false);
  });

  it("keep counting when every administrator's grant has ended, and that is said", () => {
    const ada = world.state.people.get("p-ada");
    if (ada === undefined) throw new TypeError("no ada");
    const people = new Map(world.state.people).set("p-ada", { ...ada, until: NOW });
    expect(endingOf({ ...world.state, people }, "p-ada", NOW + 1)).toBe("kept");
  });

  it("count in whole days, rounded down", () => {
    expect(daysUntil(NOW + 86_399, NOW)).toBe(0);
    expect(daysUntil(NOW + 86_400, NOW)).toBe(1);
    expect(daysUntil(NOW - 5, NOW)).toBe(0);
  });
});

describe("roles", () => {
  it("are the log's own, then the presets it lacks, which hold for nobody", () => {
    const roles = rolesIn(view);
    expect(roles.filter(({ written }) => written).map(({ role }) => role.id)).toEqual([...world.state.roles.keys()]);
    expect(roles.find(({ role }) => role.id === "admin")?.holders).toEqual(["Ada"]);
    const offered = roles.filter(({ written }) => !written);
    expect(offered).toHaveLength(5);
    expect(offered.flatMap(({ holders }) => holders)).toEqual([]);
  });

  it("say how many could approve together", () => {
    expect(ableToApprove(world.state)).toBe(1);
  });
});

describe("the last thing taken back", () => {
  it("is the newest revocation or removal", () => {
    const said = (kind: string, hash: string) => ({ hash, statement: { kind, at: NOW } }) as never;
    const applied = [said("person.revoke", "a"), said("host.remove", "b"), said("person.add", "c")];
    expect(lastRevocation({ ...view, applied })?.hash).toBe("b");
    expect(lastRevocation(view)).toBeUndefined();
  });
});
