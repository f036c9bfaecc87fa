// The browser's question before a page is left on which something would be lost.

/**
 * Has the browser ask while unsent says so. Returns what is to be called when that may have changed. The listener is
 * there only while it is needed, because some browsers keep no page for "back" that has one.
 */
export function askBeforeLeaving(unsent) {
  const ask = (event) => {
    if (!unsent()) return;
    event.preventDefault();
    event.returnValue = true; // for browsers of before 2024
  };
  // A browser that is told for a moment that no one listens may leave in that moment.
  return () => {
    if (unsent()) addEventListener("beforeunload", ask);
    else removeEventListener("beforeunload", ask);
  };
}
