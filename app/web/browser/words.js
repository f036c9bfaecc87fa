// What the page says: sizes, times and names.

/** Writes a size in bytes as people read it, in decimal units, rounded to the nearest. The server's FormatBytes writes the same. */
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
