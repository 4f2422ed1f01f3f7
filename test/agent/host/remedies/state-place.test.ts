/** Whose directories lead to a gateway's state: what root reads or mounts by such a path could be led elsewhere. */
import { chmodSync, chownSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { move } from "../../../../agent/host/remedies/move/remedy-move.ts";
import { changeableAbove, holdsMore, veilOver } from "../../../../agent/host/remedies/move/state-place.ts";
import type { Movable } from "../../../../agent/host/remedies/move/survey-move.ts";
import type { Setting } from "../../../../agent/host/remedies/remedy.ts";
import { isRoot, StandIn } from "./stand-in.ts";

const USER = 1000;
let host: StandIn;
beforeEach(() => {
  host = new StandIn();
});
afterEach(() => host.remove());

function directory(place: string, uid = 0, mode = 0o755): void {
  const at = path.join(host.root, place);
  mkdirSync(at, { recursive: true });
  chmodSync(at, mode);
  chownSync(at, uid, uid);
}

describe.runIf(isRoot)("who could put another directory in the place of a state", () => {
  it("nobody but root below his own directories", () => {
    directory("/srv/gateway/state", USER);
    expect(changeableAbove(host.disk, "/srv/gateway/state")).toBeUndefined();
  });
  it("whoever owns or may write one of those above it: the topmost is named", () => {
    directory("/srv/deploy", USER);
    directory("/srv/deploy/a/.openclaw", USER);
    directory("/srv/all/state", USER);
    directory("/srv/all", 0, 0o1777);
    expect(changeableAbove(host.disk, "/srv/deploy/a/.openclaw")).toBe("/srv/deploy");
    expect(changeableAbove(host.disk, "/srv/all/state")).toBe("/srv/all");
  });
  it("whoever could change where a link of root's leads, and whoever could change the link", () => {
    directory("/data/deploy", USER);
    directory("/data/deploy/.openclaw", USER);
    symlinkSync(path.join(host.root, "data/deploy"), path.join(host.root, "link"));
    symlinkSync("/etc", path.join(host.root, "data/deploy/inside"));
    expect(changeableAbove(host.disk, "/link/.openclaw")).toBe("/data/deploy");
    expect(changeableAbove(host.disk, "/data/deploy/inside/.openclaw")).toBe("/data/deploy");
  });
  it("is hidden from the new service, but for homes, which are hidden anyway", () => {
    directory("/srv/deploy", USER);
    directory("/srv/deploy/.openclaw", USER);
    directory("/home/deploy/.openclaw", USER);
    expect(veilOver(host.disk, "/srv/deploy/.openclaw")).toBe("/srv/deploy");
    expect(veilOver(host.disk, "/home/deploy/.openclaw")).toBeUndefined();
  });
});

it("the unit of the new service hides it before the state is seen there", () => {
  const former = { kind: "system", unit: "gateway.service", user: "deploy", uid: USER, gid: USER } as const;
  const from = "/srv/deploy/.openclaw";
  const found: Movable = {
    kind: "movable",
    carried: {
      former,
      from,
      directory: { device: 1, inode: 2, uid: USER, gid: USER, mode: 0o700 },
      home: "/home/openclaw",
      hadHome: false,
      port: 18_789,
      hasEnvironment: false,
    },
    command: ["/usr/bin/node"],
    veil: "/srv/deploy",
    environment: [],
    bytes: 1,
    isNewUser: true,
    hasWarden: false,
    keeps: [],
  };
  const setting = { check: "usr.dedicated", survey: { move: found } } as unknown as Setting;
  const texts = move(setting).desired.flatMap((one) => (one.kind === "file" ? one.text : []));
  expect(texts.join("")).toContain("\nTemporaryFileSystem=/srv/deploy:ro\n");
});

it("a state directory that holds somebody's home, or much of the machine, is not closed", () => {
  const deploy = { name: "deploy", uid: USER, gid: USER, home: "/srv/people/deploy", shell: "/bin/bash" };
  expect(["/srv/people/deploy", "/srv/people", "/etc"].map((one) => holdsMore(one, [deploy]))).toEqual([
    true,
    true,
    true,
  ]);
  expect(holdsMore("/srv/people/deploy/.openclaw", [deploy])).toBe(false);
  expect(holdsMore("/srv/people/dep", [deploy])).toBe(false);
});
