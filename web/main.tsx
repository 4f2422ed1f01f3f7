/** Entry of the product: the real backend, the real window. */
import { createBackend } from "./client/backend.ts";
import { createPages, fetchPage } from "./lazy-pages.tsx";
import { parseRoute } from "./router.ts";
import { start } from "./start.tsx";

const pages = createPages();
// Beside the first questions to the edge, not after them. Not awaited: a page's script runs after this one.
void fetchPage(pages, parseRoute(new URL(window.location.href)).page);
start({ backend: await createBackend(), pages, view: window });
