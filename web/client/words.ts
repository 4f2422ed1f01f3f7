/** The six words of keys. Their list is a twentieth of the first script, and nobody compares words before signing in. */
import type * as Words from "../../protocol/words.ts";
import { arrived } from "./late.ts";

/** @throws {TroubleError} */
export const words = (): Promise<typeof Words> => arrived(import("../../protocol/words.ts"));
