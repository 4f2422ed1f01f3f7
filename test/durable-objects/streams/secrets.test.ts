import { describe, expect, it } from "vitest";
import { Seals } from "../../../durable-objects/outbound/seal.ts";
import { openFarEnd, rotated, sealFarEnd, validSecrets } from "../../../durable-objects/streams/secrets.ts";
import { STREAM_OVERLAP_SECONDS } from "../../../protocol/limits.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const seals = new Seals(nonceOf("settings key"), nonceOf("workspace"));
const farEnd = { url: "https://siem.example/in?key=1", secrets: [{ secret: "whsec_one" }] };
const now = 1_800_000_000;

describe("where a stream goes", () => {
  it("opens for this stream and no other", async () => {
    const sealed = await sealFarEnd("s-one", farEnd, seals);
    expect(sealed).not.toContain("siem");
    expect(await openFarEnd("s-one", sealed, seals)).toEqual(farEnd);
    expect(await openFarEnd("s-two", sealed, seals)).toBeUndefined();
    expect(await openFarEnd("s-one", sealed, new Seals(nonceOf("other key"), nonceOf("workspace")))).toBeUndefined();
  });
});

describe("a new secret", () => {
  const next = rotated(farEnd, "whsec_two", now);

  it("signs beside the old one for a day, then alone", () => {
    expect(validSecrets(next, now)).toEqual(["whsec_two", "whsec_one"]);
    expect(validSecrets(next, now + STREAM_OVERLAP_SECONDS - 1)).toEqual(["whsec_two", "whsec_one"]);
    expect(validSecrets(next, now + STREAM_OVERLAP_SECONDS)).toEqual(["whsec_two"]);
  });

  it("does not lengthen the life of those before", () => {
    const third = rotated(next, "whsec_three", now + 100);
    expect(validSecrets(third, now + STREAM_OVERLAP_SECONDS)).toEqual(["whsec_three", "whsec_two"]);
    expect(validSecrets(third, now + STREAM_OVERLAP_SECONDS + 100)).toEqual(["whsec_three"]);
  });

  it("that is the old one again has no end", () => {
    expect(validSecrets(rotated(next, "whsec_one", now), now + STREAM_OVERLAP_SECONDS)).toEqual(["whsec_one"]);
  });

  it("never makes a message of signatures", () => {
    let end = farEnd as Parameters<typeof rotated>[0];
    for (let i = 0; i < 10; i++) end = rotated(end, `whsec_${i}`, now);
    expect(validSecrets(end, now)).toHaveLength(4);
  });
});
