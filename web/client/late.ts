/** Code that few visits need: fetched when it is, from where the first script came. */
import type { Trouble } from "../state/backend.ts";
import { TroubleError } from "./trouble.ts";

const NOT_FETCHED: Trouble = {
  code: "page_not_fetched",
  what: "A part of this page did not arrive.",
  why: "The control plane does not answer, or it was updated while this was open.",
  next: "Try again. If it stays so, reload the page.",
};

/** @throws {TroubleError} */
export async function arrived<T>(coming: Promise<T>): Promise<T> {
  try {
    return await coming;
  } catch {
    throw new TroubleError(NOT_FETCHED); // the browser's console has the cause
  }
}
