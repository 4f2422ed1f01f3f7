/** An update of the agent: what is fetched by nobody's word, what is refused, and every way back. */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeReleaseKey, signRelease } from "../../../agent/install/sign-release.ts";
import {
  back,
  backUnlessSettled,
  carryOutUpdate,
  settle,
  unitsName,
  type ChangeDeps,
} from "../../../agent/install/update/change.ts";
import { UPDATE_UNITS, updatePlaces, type UpdatePlaces } from "../../../agent/install/update/places.ts";
import { agentUpdates } from "../../../agent/install/update/verify.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let places: UpdatePlaces;
let release: string;
let sum: string;
let started: string[];

const at = (...parts: readonly string[]): string => path.join(rig.root, ...parts);

/** A release in a folder of its own, signed by the key that the host has pinned. */
function publish(version: string): void {
  const from = rig.release(version);
  execFileSync("tar", ["-czf", path.join(release, "clawhold.tar.gz"), "-C", from, "."]);
  writeFileSync(path.join(release, "version"), version);
  signRelease(release, at("release-secret"));
  sum = createHash("sha256")
    .update(readFileSync(path.join(release, "clawhold.tar.gz")))
    .digest("hex");
}

beforeEach(async () => {
  rig = new Rig();
  places = updatePlaces(rig.layout);
  started = [];
  release = at("release-files");
  mkdirSync(release);
  await rig.install("1.0.0");
  makeReleaseKey(at("release-secret"), places.releaseKey);
  publish("1.1.0");
});
afterEach(() => rig.remove());

/** The link's part, as an edge that may lie has it. */
let deliver: () => void = () => undefined;
beforeEach(() => {
  deliver = () => {
    mkdirSync(places.incoming, { recursive: true });
    for (const name of ["clawhold.tar.gz", "release.json"])
      writeFileSync(path.join(places.incoming, name), readFileSync(path.join(release, name)));
  };
});

function begin(version = "1.1.0", running = "1.0.0"): Promise<string | undefined> {
  const start = (unit: string): Promise<boolean> => {
    started.push(unit);
    if (unit === UPDATE_UNITS.fetch) deliver();
    return Promise.resolve(true);
  };
  return agentUpdates({ layout: rig.layout, version: running, start }).begin({ version, sha256: sum });
}

describe("what the host says of its release", () => {
  const standing = (running: string): unknown => agentUpdates({ layout: rig.layout, version: running }).standing();
  const ended = (how: string): void => {
    mkdirSync(places.directory, { recursive: true });
    writeFileSync(places.last, JSON.stringify({ from: "1.0.0", to: "1.1.0", ended: how, at: 1_000 }));
  };

  it("is since when an update to it was found well", () => {
    ended("updated");
    expect(standing("1.1.0")).toEqual({ version: "1.1.0", since: 1_000 });
  });

  it("has no such moment where it came by hand, or where the update was taken back", () => {
    expect(standing("1.1.0")).toEqual({ version: "1.1.0" });
    ended("updated");
    expect(standing("1.2.0")).toEqual({ version: "1.2.0" });
    ended("back");
    expect(standing("1.1.0")).toEqual({ version: "1.1.0" });
  });

  it("is nothing for a build that is no release", () => expect(standing("1.1.0-dev")).toBeUndefined());
});

describe("signing a release", () => {
  it("tells the dashboard of the same build which release there is, and nothing where there is none", () => {
    const web = at("web");
    expect(existsSync(web)).toBe(false);
    mkdirSync(web);
    writeFileSync(path.join(web, "index.html"), "");
    publish("1.1.0");
    expect(readFileSync(path.join(web, "release.json"))).toEqual(readFileSync(path.join(release, "release.json")));
    expect(readFileSync(path.join(web, "release-key.json"))).toEqual(readFileSync(places.releaseKey));
  });
});

describe("the warden", () => {
  it("has the archive fetched by somebody else, judges it, and begins", async () => {
    expect(await begin()).toBeUndefined();
    expect(started).toEqual([UPDATE_UNITS.fetch, UPDATE_UNITS.update]);
    expect(readFileSync(places.archive)).toEqual(readFileSync(path.join(release, "clawhold.tar.gz")));
  });

  const signAs = (version: string): void => {
    writeFileSync(path.join(release, "version"), version);
    signRelease(release, at("release-secret"));
  };

  it.each([
    ["another archive than the one that was signed for", "release_sum", () => publish("1.1.1"), "keep"],
    [
      "a signature of another key",
      "release_signature",
      () => {
        makeReleaseKey(at("other-secret"), at("other-public"));
        signRelease(release, at("other-secret"));
      },
    ],
    ["a signature for another version of the same bytes", "release_signature", () => signAs("1.0.9")],
    [
      "a signature of another archive",
      "release_signature",
      () => {
        const kept = readFileSync(path.join(release, "clawhold.tar.gz"));
        writeFileSync(path.join(release, "clawhold.tar.gz"), "other");
        signAs("1.1.0");
        writeFileSync(path.join(release, "clawhold.tar.gz"), kept);
      },
    ],
    [
      "something that is no signature",
      "release_signature",
      () => writeFileSync(path.join(release, "release.json"), "{}"),
    ],
    ["no key pinned", "no_release_key", () => rmSync(places.releaseKey)],
    ["a change that is not settled", "update_running", () => writeFileSync(places.pending, "{}")],
  ])("refuses %s: %s", async (...[, code, prepare, which]: readonly [string, string, () => void, string?]) => {
    const signedFor = sum;
    prepare();
    if (which === "keep") sum = signedFor;
    expect(await begin()).toBe(code);
    expect(started).not.toContain(UPDATE_UNITS.update);
    expect(existsSync(places.archive)).toBe(false);
  });

  it.each(["1.0.0", "0.9.9"])("refuses version %s, which is not newer than 1.0.0", async (version) => {
    publish(version);
    expect(await begin(version)).toBe("release_older");
    expect(started).toEqual([]);
  });

  it("refuses a link, and what blocks whoever opens it, where the archive should be", async () => {
    const target = path.join(places.incoming, "clawhold.tar.gz");
    for (const plant of [
      () => symlinkSync(path.join(release, "clawhold.tar.gz"), target),
      () => execFileSync("mkfifo", [target]),
    ]) {
      rmSync(places.incoming, { recursive: true, force: true });
      deliver = () => {
        mkdirSync(places.incoming);
        plant();
        writeFileSync(path.join(places.incoming, "release.json"), readFileSync(path.join(release, "release.json")));
      };
      expect(await begin()).toBe("release_unreachable");
    }
  });
});

describe("the change", () => {
  let isWell: boolean;
  let looks: number;
  let restarts: number;
  let deps: ChangeDeps;

  beforeEach(async () => {
    [isWell, looks, restarts] = [true, 0, 0];
    const { layout, system } = rig;
    deps = {
      layout,
      system: {
        ...system,
        async run(argv) {
          if (argv[0] === "tar") {
            execFileSync("tar", argv.slice(1));
            return { code: 0, out: "" };
          }
          if (argv.includes("units")) return { code: 0, out: unitsName(layout) };
          if (argv[1] === "show") return { code: 0, out: `MainPID=77\nNRestarts=${String(restarts)}` };
          return system.run(argv);
        },
      },
      wait: () => {
        looks += 1;
        return Promise.resolve();
      },
      now: () => 1_000,
    };
    await begin();
    rig.ran.length = 0;
    say();
  });

  function say(): void {
    writeFileSync(rig.layout.linkStatus, JSON.stringify({ pid: 77, tunnel: isWell ? "connected" : "waiting" }));
  }
  const inUse = (): string => readlinkSync(rig.layout.current);
  const before = (): string => readlinkSync(rig.layout.previous);
  const last = (): unknown => JSON.parse(readFileSync(places.last, "utf8"));

  it("arms the way back, switches, waits until the edge welcomes it, and disarms", async () => {
    expect(await carryOutUpdate(deps)).toBe("updated");
    expect([inUse(), before()]).toEqual(["1.1.0", "1.0.0"]);
    const armed = rig.ran.findIndex((line) => line.startsWith("systemd-run"));
    const restarted = rig.ran.indexOf("systemctl start clawhold-link.service");
    expect(armed).toBeGreaterThanOrEqual(0);
    expect(restarted).toBeGreaterThan(armed);
    expect(rig.ran[armed]).toContain("AccuracySec=1s");
    expect(rig.ran[armed]).toContain("/opt/clawhold/1.0.0/clawhold.cjs host update-step back");
    expect(rig.ran.at(-1)).toBe("systemctl stop clawhold-update-back.timer");
    expect(last()).toEqual({ from: "1.0.0", to: "1.1.0", ended: "updated", at: 1_000 });
    expect(existsSync(places.pending)).toBe(false);
  });

  it("goes back when the new version does not reach the edge", async () => {
    isWell = false;
    say();
    expect(await carryOutUpdate(deps)).toBe("back");
    expect(looks).toBeGreaterThanOrEqual(90);
    expect(inUse()).toBe("1.0.0");
    expect(rig.ran.filter((line) => line === "systemctl start clawhold-link.service")).toHaveLength(2);
    expect(last()).toMatchObject({ ended: "back" });
    expect(existsSync(places.pending)).toBe(false);
  });

  it("goes back at once when the new version ends again and again", async () => {
    isWell = false;
    restarts = 3;
    say();
    expect(await carryOutUpdate(deps)).toBe("back");
    expect(looks).toBe(0);
  });

  it("does not take the word of the agent before for that of the new one", async () => {
    writeFileSync(rig.layout.linkStatus, JSON.stringify({ pid: 76, tunnel: "connected" }));
    expect(await carryOutUpdate(deps)).toBe("back");
  });

  it.each([
    ["does not start", { code: 1, out: "SyntaxError" }],
    ["needs other services", { code: 0, out: "f".repeat(64) }],
  ])("is refused before it begins when the new version %s", async (_what, answer) => {
    const { run } = deps.system;
    const system = {
      ...deps.system,
      run: (argv: readonly string[]) => (argv.includes("units") ? Promise.resolve(answer) : run(argv)),
    };
    await expect(carryOutUpdate({ ...deps, system })).rejects.toMatchObject({ code: "step_failed" });
    expect(inUse()).toBe("1.0.0");
    expect(rig.ran.some((line) => line.startsWith("systemd-run"))).toBe(false);
    expect(existsSync(places.pending)).toBe(false);
  });

  it("does not begin when the way back cannot be armed", async () => {
    const { run } = deps.system;
    const system = {
      ...deps.system,
      run: (argv: readonly string[]) =>
        argv[0] === "systemd-run" ? Promise.resolve({ code: 1, out: "no bus" }) : run(argv),
    };
    await expect(carryOutUpdate({ ...deps, system })).rejects.toMatchObject({ code: "step_failed" });
    expect(inUse()).toBe("1.0.0");
    expect(existsSync(places.pending)).toBe(false);
  });

  it("that was cut off before the switch is no update, however well the old version is", async () => {
    writeFileSync(places.pending, JSON.stringify({ from: "1.0.0", to: "1.1.0" }));
    expect(await settle(deps)).toBe("back");
    expect(inUse()).toBe("1.0.0");
    expect(last()).toMatchObject({ ended: "back" });
  });

  it("a dead man who comes too late changes nothing", async () => {
    await carryOutUpdate(deps);
    expect(await backUnlessSettled(deps)).toBe("updated");
    expect(inUse()).toBe("1.1.0");
  });

  it.each([
    ["a pipe", (at: string) => execFileSync("mkfifo", [at])],
    ["a link to what never ends", (at: string) => symlinkSync("/dev/zero", at)],
  ])("is not held up by %s where the link says how it is", async (_what, put) => {
    const { run } = deps.system;
    const system = {
      ...deps.system,
      run: (argv: readonly string[]) => {
        rmSync(rig.layout.linkStatus, { force: true });
        put(rig.layout.linkStatus);
        return run(argv);
      },
    };
    expect(await carryOutUpdate({ ...deps, system })).toBe("back");
  });

  it("of another content than the version of that name that is here is refused", async () => {
    mkdirSync(path.join(rig.layout.programs, "1.1.0"));
    writeFileSync(path.join(rig.layout.programs, "1.1.0", "bundle-sha256"), "b".repeat(64));
    await expect(carryOutUpdate(deps)).rejects.toMatchObject({ code: "release_changed" });
    expect(inUse()).toBe("1.0.0");
  });

  it("an archive that was exchanged after it was judged is not unpacked", async () => {
    writeFileSync(places.archive, "other");
    await expect(carryOutUpdate(deps)).rejects.toMatchObject({ code: "release_damaged" });
  });

  it.each([true, false])("that a restart cut off is settled by the next start (well: %s)", async (well) => {
    const cut = { ...deps, wait: () => Promise.reject(new Error("power")) };
    isWell = false;
    say();
    await expect(carryOutUpdate(cut)).rejects.toThrow("power");
    expect(inUse()).toBe("1.1.0");
    isWell = well;
    say();
    expect(await settle(deps)).toBe(well ? "updated" : "back");
    expect(inUse()).toBe(well ? "1.1.0" : "1.0.0");
    expect(existsSync(places.pending)).toBe(false);
  });

  it("whose watcher was killed is taken back by the dead man", async () => {
    const cut = { ...deps, wait: () => Promise.reject(new Error("killed")) };
    isWell = false;
    say();
    await expect(carryOutUpdate(cut)).rejects.toThrow("killed");
    expect(await backUnlessSettled(deps)).toBe("back");
    expect(inUse()).toBe("1.0.0");
  });

  it("a person may go back, and forth again", async () => {
    await carryOutUpdate(deps);
    expect(await back(deps)).toBe("1.0.0");
    expect([inUse(), before()]).toEqual(["1.0.0", "1.1.0"]);
    expect(await back(deps)).toBe("1.1.0");
  });

  it("an update keeps the key that was pinned, whatever its archive brings", async () => {
    const pinned = readFileSync(places.releaseKey, "utf8");
    await carryOutUpdate(deps);
    expect(readFileSync(places.releaseKey, "utf8")).toBe(pinned);
  });
});

it("without a version before this one there is nothing to go back to", async () => {
  const deps = { layout: rig.layout, system: rig.system, wait: () => Promise.resolve(), now: () => 0 };
  await expect(back(deps)).rejects.toMatchObject({ code: "not_installed" });
});
