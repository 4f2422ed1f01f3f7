/** Gives focus back to what opened a dialog or a drawer; if that is gone, to the page. */

/** Call before focus moves; call the answer when what was opened is closed. */
export function rememberFocus(): () => void {
  const opener = document.activeElement;
  return () => {
    const back = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : undefined;
    (back ?? document.getElementById("main"))?.focus({ preventScroll: back === undefined });
  };
}
