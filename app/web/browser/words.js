// What the page says: sizes, times and names.

/**
 * Writes a size in bytes as people read it, in decimal units, rounded to the nearest. The server's FormatBytes writes
 * the same.
 */
export function humanSize(bytes) {
  return sizeText(bytes, Math.round);
}

/** Writes a limit: humanSize rounded down, so that the size that is shown is really allowed. */
export function humanLimit(bytes) {
  return sizeText(bytes, Math.floor);
}

function sizeText(bytes, round) {
  if (bytes < 1000) return `${bytes} B`;
  let unit = 1000;
  for (const name of ["kB", "MB", "GB", "TB"]) {
    const tenths = round(bytes / (unit / 10));
    if (tenths < 100) return `${tenths / 10} ${name}`;
    const whole = round(bytes / unit);
    if (whole < 1000) return `${whole} ${name}`;
    unit *= 1000;
  }
  return `${round(bytes / (unit / 10)) / 10} PB`;
}

/** Writes a number with what is counted. */
export function counted(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;
}

/** Writes what the button that sends files says. */
export function sendText(uploads, what = "file") {
  if (uploads.length === 0) return "Send";
  const bytes = uploads.reduce((sum, u) => sum + u.size, 0);
  return `Send ${counted(uploads.length, what)} (${humanSize(bytes)})`;
}

/** Writes a list: "a, b and c". */
export function listed(items) {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Writes how long something will take. Rough on purpose: a number that jumps tells less than one that stays. */
export function humanTime(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${counted(Math.max(minutes, 1), "minute")}`;
  return `about ${counted(Math.round(minutes / 60), "hour")}`;
}

/** Returns the path of a file. */
export const pathOf = ({ folder, name }) => (folder ? `${folder}/${name}` : name);

/** Writes a path for people. */
export const shownPath = (file) => pathOf(file).replaceAll("/", " / ");

/** Characters that the server removes from names, and those that it replaces. */
const removed = /[\p{Cc}\p{Cf}]/gu;
const replaced = /[<>:"|?*]/g;

/**
 * Returns a path as the server keeps it, nearly: it serves to find files that may be the same, which their checksums
 * then show.
 */
export function cleanPath(path) {
  const clean = (name) => name.normalize().replace(removed, "").replace(replaced, "_").replace(/\s+/g, " ");
  return path
    .split(/[/\\]/)
    .map((name) => clean(name).replace(/^ +|[ .]+$/g, ""))
    .filter((name) => name !== "")
    .join("/");
}

/** Returns a file's name with a number before its extension. */
export function numbered(name, number) {
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${stem} (${number})${name.slice(stem.length)}`;
}

/** The longest path of folders that the server takes, in characters. */
const maxFolder = 1024;

/** Returns the folder and the name of a path. Of a folder that is too long the innermost ones are kept. */
export function partsOf(path) {
  const folders = path.split("/").filter((part) => part !== "");
  const last = folders.pop() ?? "";
  // As the server calls what has nothing to be called by.
  const name = /^[. ]*$/.test(last) ? "unnamed" : last;
  let folder = folders.join("/");
  while ([...folder].length > maxFolder && folders.length > 1) {
    folders.shift();
    folder = ["…", ...folders].join("/");
  }
  return { folder, name };
}
