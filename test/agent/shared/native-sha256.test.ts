import { randomBytes } from "node:crypto";
import { sha256 as portable } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../agent/shared/native-sha256.ts";

describe("SHA-256 of the agent's own program", () => {
  it("is the function that everybody else computes", () => {
    for (let length = 0; length < 200; length += 1) {
      const bytes = new Uint8Array(randomBytes(length));
      expect(new Uint8Array(sha256(bytes))).toEqual(portable(bytes));
    }
  });
});
