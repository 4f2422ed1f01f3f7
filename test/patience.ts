/** How long `expect.poll` looks for what is to come: vitest's own second is less than a busy machine needs for a page. */
export const POLL_MILLISECONDS = 30_000;
