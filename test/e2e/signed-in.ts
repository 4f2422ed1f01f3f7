/** A person at a browser of her own who has signed in, with a passkey that was made before. */
import type { Browser } from "playwright-core";
import type { SoftwareCredential } from "../fixtures/authenticator.ts";
import { sitDown, type Person } from "./browser.ts";

/** Resolves when the fleet can be opened. `origin`: of the dashboard. */
export async function signedIn(
  browser: Browser,
  { origin, credential }: { readonly origin: string; readonly credential: SoftwareCredential },
): Promise<Person> {
  const person = await sitDown(browser);
  await person.authenticator.hold(credential);
  await person.page.goto(origin);
  await person.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  await person.page.getByRole("link", { name: "Fleet" }).first().waitFor();
  return person;
}
