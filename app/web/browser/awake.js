// Phones lock themselves while nobody touches them, and a locked phone stops the page and with it what it sends.

/**
 * Keeps the screen on while moving says so, where the browser can. Returns what is to be called when that may have
 * changed.
 */
export function stayAwake(moving) {
  let lock; // what the browser gave or will give; nothing where it refused
  const update = () => {
    if (!navigator.wakeLock) return;
    if (!moving()) {
      lock?.then((given) => given?.release()).catch(() => {});
      lock = undefined;
    } else if (!document.hidden) {
      // A refusal, as with an empty battery, holds until nothing moves or the page was hidden.
      lock ??= navigator.wakeLock.request("screen").catch(() => undefined);
    }
  };
  document.addEventListener("visibilitychange", () => {
    // The browser takes the lock from a hidden page.
    if (document.hidden) lock = undefined;
    update();
  });
  return update;
}
