// The worker: reads files and computes their checksums, so that the page stays quick. crypto.subtle will not do: it
// takes a file only whole, and pages have it over HTTPS only.
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import { sha256 } from "@noble/hashes/sha2.js";

/** The SHA-256 of each file that is being read, and the offset up to which it was taken. */
const streams = new Map();

/**
 * Reads a piece of a file. The pieces of one come in order; one that comes again, because it has to be sent again, is
 * only read. The bytes that are sent are those that the checksums are of: they are read once. They are handed on as a
 * Blob, which the browser keeps outside of the page's memory.
 */
async function read({ key, file, start, end }) {
  const buffer = await file.slice(start, end).arrayBuffer();
  if (buffer.byteLength !== end - start) throw new DOMException("The file has become shorter.", "NotReadableError");
  const bytes = new Uint8Array(buffer);
  let stream = streams.get(key);
  if (!stream) streams.set(key, (stream = { sha: sha256.create(), offset: 0 }));
  if (start === stream.offset) {
    stream.sha.update(bytes);
    stream.offset = end;
  }
  const crc = new Crc64Nvme();
  crc.update(bytes);
  return { bytes: new Blob([buffer]), crc: btoa(String.fromCharCode(...(await crc.digest()))) };
}

/** Returns the SHA-256 of a file up to the offset to which it was read. It may be asked for again. */
function digest({ key }) {
  const stream = streams.get(key) ?? { sha: sha256.create(), offset: 0 };
  const bytes = [...stream.sha.clone().digest()];
  return { offset: stream.offset, sha256: bytes.map((b) => b.toString(16).padStart(2, "0")).join("") };
}

const tasks = { ready: () => ({}), read, digest, forget: ({ key }) => ({ known: streams.delete(key) }) };

self.addEventListener("message", async ({ data: { number, task, argument } }) => {
  try {
    const result = await tasks[task](argument);
    self.postMessage({ number, result });
  } catch (e) {
    self.postMessage({ number, fault: { name: e.name, message: e.message } });
  }
});
