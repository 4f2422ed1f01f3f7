/**
 * The hostile page once more in a real Chromium: its own client data, its own authenticator data, the passkeys of the
 * people in its virtual authenticator. The page's address is answered by the attacker alone.
 */
import { digestBytes } from "../../protocol/signing.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import type { Assertion } from "../../protocol/messages.ts";
import { originFor } from "../fixtures/authenticator.ts";
import { DAILY_RP_ID } from "../fixtures/workspace.ts";
import type { Browser } from "playwright-core";
import { launchChromium, sitDown, type Person } from "../e2e/browser.ts";
import { attackByPage, type Hand, type Outcomes } from "./hostile-page.ts";
import type { Scene } from "./scene.ts";
import type { Actor } from "./town.ts";

const TOUCHES = 3;

/** Runs in the page: any challenge, for this page's own name. */
function script(challenge: string, credentialId: string): string {
  return `(async () => {
    const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const { response } = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(${JSON.stringify(challenge)}),
        rpId: ${JSON.stringify(DAILY_RP_ID)},
        allowCredentials: [{ type: "public-key", id: bytes(${JSON.stringify(credentialId)}) }],
        userVerification: "required",
      },
    });
    return {
      clientData: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
    };
  })()`;
}

/** Everybody at a browser of their own, with their passkey for the pages of the edge. */
async function seat(browser: Browser, { daily }: Actor): Promise<Person> {
  const person = await sitDown(browser);
  await person.authenticator.hold(daily);
  await person.page.route("**/*", (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Dashboard</title>" }),
  );
  await person.page.goto(`${originFor(DAILY_RP_ID)}/`);
  return person;
}

function handOf(seats: ReadonlyMap<string, Person>): Hand {
  return async ({ id, passkey }, kind, body) => {
    const { credentialId } = passkey.pinned;
    const challenge = toBase64url(digestBytes(kind, body));
    const made = await seats.get(id)?.page.evaluate<Omit<Assertion, "credentialId">>(script(challenge, credentialId));
    if (made === undefined) throw new TypeError("chromium: nobody sits there");
    return { body: toBase64url(body), assertion: { credentialId, ...made } };
  };
}

export async function attackInChromium(scene: Scene): Promise<Outcomes> {
  const browser = await launchChromium();
  try {
    const seats = new Map<string, Person>();
    for (const actor of [scene.town.actors.otto, scene.town.actors.ada])
      seats.set(actor.id, await seat(browser, actor));
    return await attackByPage(scene, { place: " in Chromium", budgets: [TOUCHES], hand: handOf(seats) });
  } finally {
    await browser.close();
  }
}
