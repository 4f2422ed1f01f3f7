/** A look that somebody waits for walks over no files, and says so. */
import { expect, it } from "vitest";
import { integrityCollectors } from "../../../../agent/host/posture/collectors/integrity.ts";
import { recordedMachine, ran } from "./recorded-machine.ts";

it.each([
  [true, 0],
  [false, 1],
])("brief: %s starts %i walks", async (isBrief, walks) => {
  let walked = 0;
  const machine = recordedMachine({
    files: { "/etc/hostname": "box\n" },
    programs: {
      find: () => {
        walked += 1;
        return ran("");
      },
    },
  });
  const slow = integrityCollectors.find(({ lane }) => lane === "slow");
  const facts = await slow?.collect({ machine, soFar: {}, directory: undefined, isBrief });
  expect(walked).toBe(walks);
  if (isBrief)
    expect([facts?.["files.walk"], facts?.["files.drift"], facts?.["files.setuid.drift"]]).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ kind: "unknown", why: "not_run" })),
    );
});
