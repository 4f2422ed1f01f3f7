/** The touch in the dialog of a command or a statement, as a person gives it: once the button was seen, and by its words. */
import type { Page } from "playwright-core";

export interface Approving {
  /** The button's words. */
  readonly name?: RegExp;
  /** Milliseconds until the dialog asks, or says that it cannot. */
  readonly timeout?: number;
}

/** What is said of a busy machine, whose host or whose gateway does not answer for some seconds. */
const SILENT = /did not answer within 10 seconds|No gateway answers on this host/;

/**
 * Presses the button, and before it, once, "Try again" where the page says that nobody answered in time and offers that.
 * Another refusal stands in the dialog instead of a question, and is the error.
 * @returns whether somebody had to be asked again; where it was the host, the browser's console knows a 409
 */
export async function approve(
  page: Page,
  { name = /Approve with passkey/, timeout }: Approving = {},
): Promise<boolean> {
  const patience = timeout === undefined ? {} : { timeout };
  const dialog = page.getByRole("dialog");
  const question = dialog.locator(".approve:not([aria-disabled])");
  const again = dialog.getByRole("button", { name: "Try again" });
  await question.or(again).first().waitFor(patience);
  const wasSilent = await again.isVisible();
  if (wasSilent) {
    const said = await dialog.innerText();
    if (!SILENT.test(said)) throw new Error(`the dialog does not ask: ${said}`);
    await again.click();
    await question.waitFor(patience);
  }
  await dialog.getByRole("button", { name }).click();
  return wasSilent;
}
