/** A statement that several people approve is as old as its first touch: in time if it was proposed in time. */
import { expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import { digestOf } from "../../protocol/signing.ts";
import { stated } from "../fixtures/workspace.ts";
import { fresh, now } from "./client.ts";
import { env } from "./environment.ts";
import { HOUR, oldTown } from "./old-town.ts";

it("is taken for as long as its proposal waits, and not without one", async () => {
  const town = await oldTown();
  const state = await town.trust();
  const aged = async (hours: number) => {
    const body = await stated(
      { state, by: town.founded.passkey },
      { kind: "person.add", body: { id: "p-aged", name: fresh(), roles: [] } },
      (draft) => void (draft.statement["at"] = now() - hours * HOUR),
    );
    return { body, digest: digestOf("statement", fromBase64url(body.statement)) };
  };
  // As if it had been proposed when it was made.
  const keep = async (digest: string) =>
    env.DB.prepare("INSERT INTO proposals VALUES (?, ?, 'statement', 'e30', '[]', '[]', 'p-ada', 1, ?)")
      .bind(town.workspace, digest, now() + HOUR)
      .run();
  const early = await aged(2);
  expect((await town.page.call("trustState", { body: early.body })).code).toBe("time");
  const stale = await aged(25);
  await keep(stale.digest);
  expect((await town.page.call("trustState", { body: stale.body })).code).toBe("time");
  await keep(early.digest);
  expect((await town.page.call("trustState", { body: early.body })).status).toBe(200);
});
