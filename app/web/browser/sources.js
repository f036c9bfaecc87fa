// Where files come from: a dialog, a folder, a drop, the clipboard. Each gives { file, folder, name, handle }.
import { partsOf, pathOf } from "./words.js";

/**
 * What systems and programs leave in folders for themselves, and nobody means to send with a folder: files, and folders
 * with all below them. The command leaves out the same (app/junk.go). Case makes no difference to a whole name.
 */
const junkNames = new Set(
  [
    ".DS_Store", ".localized", "Icon\r", ".Spotlight-V100", ".Trashes", ".fseventsd", ".TemporaryItems",
    ".DocumentRevisions-V100", ".VolumeIcon.icns", "__MACOSX", "Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db",
    "desktop.ini", "$RECYCLE.BIN", "System Volume Information", ".directory",
  ].map((name) => name.toLowerCase()),
);
const junkPrefixes = ["._", "~$", ".~lock."];

/** Reports whether a file or a folder in a folder is left out, by its name. */
const isJunk = (name) => junkNames.has(name.toLowerCase()) || junkPrefixes.some((prefix) => name.startsWith(prefix));

/**
 * Returns the name of a file that was not chosen with its folder. Some apps of phones call a file by its place in the
 * phone's storage, such as "primary:Download/ticket.pdf", which is no folder of the person's.
 */
const nameOf = (file) => file.name.replace(/^[^/]*:.*\//, "");

/** Sorts the files of a folder as people do: browsers give them in the order in which the disk has them. */
function sorted(files) {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  return files.sort((a, b) => compare(pathOf(a), pathOf(b)));
}

/**
 * Returns what was chosen in a file input, and empties it, so that the same can be chosen again. system is how many
 * files of a folder were left out, because a system or a program put them there.
 */
export function chosenIn(input) {
  const files = [...input.files].map((file) => ({ file, ...partsOf(file.webkitRelativePath || nameOf(file)) }));
  input.value = "";
  if (!input.webkitdirectory) return { chosen: files, system: 0 };
  // The first folder is the one that was chosen.
  const parts = ({ folder, name }) => [...folder.split("/").slice(1), name];
  const chosen = sorted(files.filter((file) => !parts(file).some(isJunk)));
  return { chosen, system: files.length - chosen.length };
}

/**
 * Returns what was chosen with its true size. Phones say 0 of some files, of which an app makes the bytes only when
 * they are read: such a file is read whole, up to most bytes.
 */
export async function measured(one, most) {
  const { file } = one;
  if (file.size > 0) return one;
  const pieces = [];
  let size = 0;
  try {
    const reader = file.stream().getReader();
    for (let piece; size <= most && !(piece = await reader.read()).done; size += piece.value.length) {
      // As a Blob, which the browser keeps outside of the page's memory.
      pieces.push(new Blob([piece.value]));
    }
    if (size > most) await reader.cancel();
  } catch {
    return one; // Sending it tells why it cannot be read.
  }
  if (size === 0) return one;
  const { name, type, lastModified } = file;
  return { ...one, file: new File(pieces, name, { type, lastModified }), handle: undefined };
}

/** Reports whether something that is dragged or pasted has files. */
export function hasFiles(data) {
  return data !== null && [...data.types].includes("Files");
}

/**
 * Returns what was dropped or pasted, whole folders among it. What the event brings is read before the first wait: it
 * is empty afterwards. unread is how many folders and files could not be read, system as chosenIn has it.
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
  let [unread, system] = [0, 0];
  for (const { entry, file, handle } of brought) {
    if (entry?.isDirectory) {
      const found = [];
      const left = await folder(entry, found);
      unread += left.unread;
      system += left.system;
      for (const one of sorted(found)) chosen.push(one);
    } else if (file) {
      const opened = await handle;
      chosen.push({ file, ...partsOf(nameOf(file)), handle: opened?.kind === "file" ? opened : undefined });
    }
  }
  return { chosen, unread, system };
}

/** Reads a folder with all below it. */
async function folder(root, chosen) {
  let [unread, system] = [0, 0];
  const folders = [root];
  while (folders.length > 0) {
    const reader = folders.shift().createReader();
    try {
      // A reader gives a hundred at a time, and none at the end.
      const next = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      for (let entries; (entries = await next()).length > 0; ) {
        for (const entry of entries) {
          if (isJunk(entry.name)) {
            system++;
            continue;
          }
          if (entry.isDirectory) {
            folders.push(entry);
            continue;
          }
          try {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            chosen.push({ file, ...partsOf(entry.fullPath) });
          } catch {
            unread++;
          }
        }
      }
    } catch {
      unread++;
    }
  }
  return { unread, system };
}
