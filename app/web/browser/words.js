// What the page says: sizes, times and names.

/** Writes a size in bytes as the server does: binary units, one decimal below ten. */
export function humanSize(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit > 0 && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** Writes a number with what is counted. */
export function counted(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;
}

/** Writes how long something will take. Rough on purpose: a number that jumps tells less than one that stays. */
export function humanTime(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${counted(Math.max(minutes, 1), "minute")}`;
  return `about ${counted(Math.round(minutes / 60), "hour")}`;
}

/** What stands between the folders of a file's name. The server keeps no slash in a name, and no path before one. */
const between = " › ";

/** The longest name that the server keeps, in bytes of UTF-8. */
const maxNameBytes = 255;

/**
 * Returns the name under which a file of a folder is sent: its path, so that two of one name stay apart. Where that is too long, the
 * outermost folders are left out, because the end tells more.
 */
export function nameOfPath(path) {
  const folders = path.split("/").filter((part) => part !== "");
  const encoder = new TextEncoder();
  let name = folders.join(between);
  while (folders.length > 1 && encoder.encode(name).length > maxNameBytes) {
    folders.shift();
    name = ["…", ...folders].join(between);
  }
  return name;
}
