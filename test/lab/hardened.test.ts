/**
 * A hardened server under attack from another address, while its gateway is bound to every one of its own by mistake; and the same
 * after a restart. What the owner needs goes on.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { GATEWAY_PORT, gatewayAnswers, gatewayShown, SAFE_CONFIG, startGateway } from "./gateway.ts";
import { harden } from "./harden.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { ADDRESS6, Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER, OWNER_PASSWORD } from "./root-file-system.ts";

/** Scanners' favourites, nothing of which listens here. */
const CLOSED = [21, 23, 25, 80, 443, 3306, 8080];
const GUESSES = 12;

const closers: Closers = [];
let machine: Machine;
let attacker: Outside;
let admin: Outside;
let port: number;

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  attacker = new Outside(network, "attacker");
  admin = new Outside(network, "admin");
  machine = await Machine.started({ network, shown: await gatewayShown() });
  closers.push(() => machine.remove());
  const { gateway } = SAFE_CONFIG;
  await startGateway(machine, { config: { ...SAFE_CONFIG, gateway: { ...gateway, bind: "lan" } } });
  expect(await attacker.port(GATEWAY_PORT)).toBe("open");
  port = await harden(machine, await Mender.on(machine), admin);
});

afterAll(() => closeAll(closers));

describe("hardened", () => {
  it("stands", () => stands());
});

describe("after a restart", () => {
  beforeAll(async () => {
    await machine.reboot();
    await gatewayAnswers(machine);
  });

  it("stands", () => stands());
});

// Last: the attacker is shut out afterwards.
describe("guessing", () => {
  it("bans who guesses, and never the admin", async () => {
    const methods = { user: "root", port };
    for (let guess = 0; guess < GUESSES; guess += 1) await admin.sshPassword(methods, "guessed");
    expect(await admin.sshLogin({ user: OWNER, port }, machine.ownerKey)).toMatchObject({ code: 0 });
    for (let guess = 0; guess < GUESSES; guess += 1) await attacker.sshPassword(methods, "guessed");
    await expect.poll(() => attacker.banner(port)).toBe("");
    expect(await admin.sshLogin({ user: OWNER, port }, machine.ownerKey)).toMatchObject({ code: 0 });
  });
});

async function stands(): Promise<void> {
  expect(await attacker.ports([22, GATEWAY_PORT, ...CLOSED])).toEqual(
    Object.fromEntries([22, GATEWAY_PORT, ...CLOSED].map((one) => [one, "filtered"])),
  );
  expect(await attacker.ports([22, GATEWAY_PORT], ADDRESS6.host)).toEqual({
    22: "filtered",
    [GATEWAY_PORT]: "filtered",
  });
  for (const user of [OWNER, "root", "nobody"])
    expect(await attacker.sshMethods({ user, port })).toEqual(["publickey"]);
  expect(await attacker.sshPassword({ user: OWNER, port }, OWNER_PASSWORD)).toMatchObject({ code: 255 });
  expect(await admin.sshLogin({ user: "root", port }, machine.ownerKey)).toMatchObject({ code: 255 });
  expect(await admin.sshLogin({ user: OWNER, port }, machine.ownerKey)).toMatchObject({ code: 0 });
  await gatewayAnswers(machine);
}
