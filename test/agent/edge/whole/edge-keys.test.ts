/** The keys of a whole edge change while it runs: made, changed to, and the ones before removed. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deriveSettingsKey, readKeys, type EdgeKeys } from "../../../../agent/edge/keys.ts";
import { approvedBody } from "../../../fixtures/edge/edge-action.ts";
import { HostPeer } from "../../../fixtures/edge/host-peer.ts";
import { Town } from "../../../fixtures/edge/town.ts";
import { bundleWorker, type Bundle } from "../../../parity/bundle.ts";
import { run } from "../../cli/terminal.ts";
import { startInstallation, type Installation } from "./installation.ts";

/** Another suite may be at the fixtures' port. */
const PATIENCE_MILLISECONDS = 300_000;

let bundle: Bundle;
let installation: Installation;
let town: Town;
let peer: HostPeer;
beforeAll(async () => {
  bundle = await bundleWorker();
  installation = await startInstallation(bundle, "data");
  town = await Town.at(installation.edge);
  peer = await HostPeer.at(installation.edge, "keys host", town.workspace);
  await peer.join();
  await town.admit(peer);
}, PATIENCE_MILLISECONDS);
afterAll(async () => {
  await installation.stop();
  bundle.remove();
});

const heldKeys = (): EdgeKeys => readKeys(path.join(installation.dataDir, "keys")) as EdgeKeys;

async function newKey(job: "dispatch" | "ledger"): Promise<string> {
  const { exit, out } = await run(["up", "new-key", job, "--data", installation.dataDir, "--json"]);
  expect(exit, out.join("\n")).toBe(0);
  return (JSON.parse(out[0] ?? "") as { publicKey: string }).publicKey;
}

/** `clawhold verify` of the whole log. */
async function verified(): Promise<Readonly<Record<string, unknown>>> {
  const change = { format: "jsonl", purpose: "audit", filter: {} };
  const body = await approvedBody(town.founded, { endpoint: "exportStart", change });
  const { export: name } = await town.page.must("exportStart", { body });
  const part = await town.page.must("exportPart", { params: { export: String(name) }, query: "" });
  expect(part["next"]).toBeUndefined();
  const file = path.join(bundle.directory, "log.jsonl");
  writeFileSync(file, String(part["text"]));
  const { exit, out } = await run(["verify", file, `--workspace=${town.workspace}`, "--json"]);
  return { exit, ...(JSON.parse(out[0] ?? "") as object) };
}

describe("the keys of an edge", () => {
  it(
    "are made while it runs, changed to by a statement each, and the ones before are gone after a start",
    async () => {
      const before = heldKeys();
      const dispatch = await newKey("dispatch");
      const ledger = await newKey("ledger");
      expect((await town.page.must("edgeKeys"))["dispatch"]).toEqual([(await town.trust()).dispatchKey, dispatch]);
      for (const [kind, key] of [
        ["dispatch-key.rotate", dispatch],
        ["ledger-key.rotate", ledger],
      ] as const)
        expect(await town.state(kind, { key })).toMatchObject({ status: 200 });
      expect(await verified()).toMatchObject({ exit: 0 });

      await installation.stop();
      installation = await startInstallation(bundle, "data");
      const after = heldKeys();
      expect(after).toEqual({
        ...before,
        dispatchSeed: expect.any(String),
        ledgerSeed: expect.any(String),
        settingsKey: deriveSettingsKey(before),
      });
      const text = readFileSync(path.join(installation.dataDir, "keys", "edge.json"), "utf8");
      for (const seed of [before.dispatchSeed, before.ledgerSeed]) expect(text).not.toContain(seed);

      // This start still held both; the next holds one, and hosts believe it.
      await installation.stop();
      installation = await startInstallation(bundle, "data");
      town = Town.of({ ...town.founded, page: Object.assign(town.page, { edge: installation.edge }) });
      expect(await town.page.must("edgeKeys")).toEqual({ dispatch: [dispatch], ledger: [ledger] });
      const tunnel = await Object.assign(peer, { edge: installation.edge }).open((await town.trust()).head);
      tunnel.socket.close(1000);
      expect(await verified()).toMatchObject({ exit: 0 });
    },
    PATIENCE_MILLISECONDS,
  );
});
