/** Hands a file to the browser, which saves it; nothing of it stays with the page. */

/** A browser that asks where to save reads the file only after the answer. */
const REVOKE_AFTER_MS = 600_000;

export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}
