import { beforeAll, describe, expect, it } from "vitest";
import { endpoints, type EndpointName } from "../../protocol/contracts.ts";
import { handlers } from "../../worker/routes/handlers.ts";
import { SECURITY_HEADERS } from "../../worker/http/headers.ts";
import { signerOf } from "../fixtures/keys.ts";
import { edge, fresh, Page, replyOf, send } from "./client.ts";
import { Town } from "../fixtures/edge/town.ts";

const names = Object.keys(endpoints) as EndpointName[];
const params = {
  host: "h-nobody",
  intent: fresh(),
  digest: fresh(),
  alert: "a-nobody",
  export: "x-nobody",
  stream: "s-nobody",
  index: "1",
};

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

describe("the contracts table", () => {
  it("is what is mounted, no more and no less", async () => {
    expect(Object.keys(handlers).toSorted()).toEqual(names.toSorted());
    for (const path of ["/", "/api", "/api/nothing", "/api/me/x", "/health", "/api/hosts/a/b/c"]) {
      const response = await send("web", new Request(`http://clawhold.localhost:8443${path}`));
      expect((await replyOf(response)).code).toBe("not_found");
    }
  });

  it.each(names.filter((name) => endpoints[name].access === "session"))(
    "%s answers nothing without a session",
    async (name) => {
      const page = new Page(await signerOf("session"));
      expect((await page.call(name, { params })).code).toBe("unauthenticated");
      page.cookie = fresh();
      expect((await page.call(name, { params })).code).toBe("unauthenticated");
    },
  );

  it.each(names.filter((name) => endpoints[name].access === "automation"))(
    "%s answers nothing without an automation key, also to a session",
    async (name) => {
      expect((await town.page.call(name, { params })).code).toBe("automation_refused");
    },
  );

  it.each(names.filter((name) => endpoints[name].access === "setup"))(
    "%s answers nothing once there is a workspace",
    async (name) => {
      expect((await new Page(await signerOf("setup")).call(name)).code).toBe("setup_used");
    },
  );

  it("sets the security headers on every answer", async () => {
    for (const name of names) {
      const { headers } = await town.page.call(name, { params });
      for (const [header, value] of Object.entries(SECURITY_HEADERS))
        expect({ name, header, value: headers.get(header) }).toEqual({ name, header, value });
    }
  });

  it("answers a healthy edge without saying more", async () => {
    expect(await town.page.must("health")).toEqual({ ok: true });
  });
});
