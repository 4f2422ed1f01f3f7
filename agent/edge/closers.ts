/** What has to be ended when an edge stops, the newest first. */
export type Closers = (() => Promise<unknown> | void)[];

/** Every closer runs, even after one failed; the first failure is reported. */
export async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
