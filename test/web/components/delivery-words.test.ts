import { describe, expect, it } from "vitest";
import { deliveryFaults } from "../../../protocol/alerts.ts";
import { addressFault, faultWords, secretFault } from "../../../web/components/delivery-words.ts";

const EXAMPLE = "siem.example.com";

describe("what a far end did not take", () => {
  it("has words for every fault", () => {
    expect(Object.keys(faultWords)).toEqual([...deliveryFaults]);
  });
});

describe("an address", () => {
  it.each([
    "http://siem.example.com/in",
    "siem.example.com",
    "https://10.0.0.7/in",
    "https://localhost/in",
    "https://",
  ])("%s costs no touch", (url) => {
    expect(addressFault(url, EXAMPLE)).toMatch(/^The address must .*\.$/);
  });

  it("without a public name is told one that has it", () => {
    expect(addressFault("https://localhost/in", EXAMPLE)).toContain("such as siem.example.com.");
  });

  it("of a public name is left to the edge", () => {
    expect(addressFault("https://siem.example.com/in?x=1", EXAMPLE)).toBeUndefined();
  });
});

describe("a signing secret", () => {
  it.each(["", "whsec_", "c2VjcmV0LW9mLXR3ZW50eS1mb3VyLWJ5dGVzIQ==", "whsec_c2hvcnQ="])(
    "%s costs no touch",
    (secret) => {
      expect(secretFault(secret)).toMatch(/^The secret must .*\.$/);
    },
  );

  it("of 24 bytes in base64 is left to the edge", () => {
    expect(secretFault(`whsec_${btoa("x".repeat(24))}`)).toBeUndefined();
  });
});
