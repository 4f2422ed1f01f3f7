import { describe, expect, it } from "vitest";
import { arrived } from "../../../web/client/late.ts";
import { TroubleError } from "../../../web/client/trouble.ts";

describe("code that is fetched when it is needed", () => {
  it("is handed on when it comes", async () => {
    expect(await arrived(Promise.resolve("code"))).toBe("code");
  });

  it("is missed in words for a person when it does not", async () => {
    const missed = arrived(Promise.reject(new TypeError("Failed to fetch dynamically imported module")));
    await expect(missed).rejects.toBeInstanceOf(TroubleError);
    await expect(missed).rejects.toMatchObject({ trouble: { code: "page_not_fetched", next: expect.any(String) } });
  });
});
