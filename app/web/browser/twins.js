// Whether two files are one.

/** Up to this size files are compared whole, in bytes; of larger ones three samples, of a third each. */
const compared = 192 << 10;

/** Reports whether two files that were chosen, of one size, have the same content. */
export async function alike(a, b) {
  if (a === b) return true;
  const whole = a.size <= compared;
  // Samples alone do not show that a large file, written anew, is the same.
  if (!whole && a.lastModified !== b.lastModified) return false;
  const sample = compared / 3;
  const starts = whole ? [0] : [0, Math.floor((a.size - sample) / 2), a.size - sample];
  try {
    for (const start of starts) {
      const end = whole ? a.size : start + sample;
      const [left, right] = await Promise.all([a, b].map((file) => file.slice(start, end).arrayBuffer()));
      const other = new Uint8Array(right);
      if (!new Uint8Array(left).every((byte, i) => byte === other[i])) return false;
    }
    return true;
  } catch {
    return false; // One cannot be read. Sending it tells why.
  }
}

/** Reports whether a file has this SHA-256. It is read in pieces, as it is when it is sent. */
export async function hasDigest(file, sha256, digests) {
  const piece = 8 << 20;
  const key = `compare-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  try {
    for (let start = 0; start < file.size; start += piece) {
      await digests.read(key, file, start, Math.min(start + piece, file.size));
    }
    return (await digests.digest(key)).sha256 === sha256;
  } catch {
    return false;
  } finally {
    digests.forget(key);
  }
}
