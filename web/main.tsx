/** Entry of the product: the real backend, the real window. */
import { createBackend } from "./client/backend.ts";
import { start } from "./start.tsx";

start(await createBackend(), window);
