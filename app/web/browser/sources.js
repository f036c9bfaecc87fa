// Where files come from: a dialog, a folder, a drop, the clipboard. Each gives { file, name, handle }.
import { nameOfPath } from "./words.js";

/** Sorts the files of a folder as people do: browsers give them in the order in which the disk has them. */
function sorted(files) {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  return files.sort((a, b) => compare(a.name, b.name));
}

/** Returns what was chosen in a file input, and empties it, so that the same can be chosen again. */
export function chosenIn(input) {
  const chosen = [...input.files].map((file) => ({ file, name: nameOfPath(file.webkitRelativePath || file.name) }));
  input.value = "";
  return input.webkitdirectory ? sorted(chosen) : chosen;
}

/** Tells whether something that is dragged or pasted has files. */
export function hasFiles(data) {
  return data !== null && [...data.types].includes("Files");
}

/**
 * Returns what was dropped or pasted, whole folders among it. What the event brings is read before the first wait: it is empty
 * afterwards. unread is how many folders and files could not be read.
 */
export async function broughtBy(data) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const brought = items.map((item) => ({
    entry: item.webkitGetAsEntry?.(),
    file: item.getAsFile(),
    // By a handle a file can be opened again after a reload.
    handle: item.getAsFileSystemHandle?.().catch(() => undefined),
  }));
  if (brought.length === 0) brought.push(...[...data.files].map((file) => ({ file })));
  const chosen = [];
  let unread = 0;
  for (const { entry, file, handle } of brought) {
    if (entry?.isDirectory) {
      const found = [];
      unread += await folder(entry, found);
      for (const file of sorted(found)) chosen.push(file);
    } else if (file) {
      const opened = await handle;
      chosen.push({ file, name: nameOfPath(file.name), handle: opened?.kind === "file" ? opened : undefined });
    }
  }
  return { chosen, unread };
}

/** Reads a folder with all below it. */
async function folder(root, chosen) {
  let unread = 0;
  const folders = [root];
  while (folders.length > 0) {
    const reader = folders.shift().createReader();
    try {
      // A reader gives a hundred at a time, and none at the end.
      for (let entries; (entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0; ) {
        for (const entry of entries) {
          if (entry.isDirectory) {
            folders.push(entry);
            continue;
          }
          try {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            chosen.push({ file, name: nameOfPath(entry.fullPath) });
          } catch {
            unread++;
          }
        }
      }
    } catch {
      unread++;
    }
  }
  return unread;
}
