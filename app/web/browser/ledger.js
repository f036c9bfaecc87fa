// The browser's own note of the files on their way, so that they can be resumed after a reload. It holds receipts,
// which are secrets of the person who sits here, and goes when the files are stored. Where the browser keeps nothing,
// everything works but that.
import { openDB } from "idb";

/** Files up to this size are kept themselves, up to so much in all, in bytes: they need not be chosen again. */
const keptFile = 4 << 20;
const keptInAll = 64 << 20;
/** After so long a file that was not finished is no news to anybody, in milliseconds. */
const keptFor = 30 * 24 * 3600_000;

/** How long a browser may take to open its database, in milliseconds. Some never do: https://bugs.webkit.org/226547. */
const openTime = 5_000;

/** Returns what opens a database, which rejects if that takes too long. */
function inTime(opening) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error("the database does not open"));
      opening.then((database) => database.close(), () => {});
    }, openTime);
    opening.then(resolve, reject).finally(() => clearTimeout(late));
  });
}

/**
 * Ledger keeps a record of each file: { id, receipt, folder, name, sentName, size, lastModified, at } and, where there
 * is one, handle or file.
 */
export class Ledger {
  #database;
  #kept = 0;

  #open() {
    this.#database ??= inTime(openDB("dossier-uploads", 1, {
      upgrade(database) {
        database.createObjectStore("files", { keyPath: "id" }).createIndex("receipt", "receipt");
      },
      blocking: () => this.close(),
      terminated: () => (this.#database = undefined),
    }));
    return this.#database;
  }

  /** Closes the database; the next call opens it again. */
  close() {
    this.#database?.then((database) => database.close()).catch(() => {});
    this.#database = undefined;
  }

  /** Notes files, and then keeps the small ones themselves, which is not waited for. */
  async put(receipt, entries) {
    const records = entries.map(({ id, folder, name, sentName, size, lastModified, handle }) => ({
      id, receipt, folder, name, sentName, size, lastModified, at: Date.now(), ...(handle && { handle }),
    }));
    await this.#write((store) => Promise.all(records.map((record) => store.put(record))));
    this.#keep(entries.filter(({ file, handle, size }) => file && !handle && size <= keptFile));
  }

  async #keep(entries) {
    for (const { id, file, size } of entries) {
      if (this.#kept + size > keptInAll) return;
      this.#kept += size;
      // One that cannot be read leaves the others alone.
      await this.#write(async (store) => {
        const record = await store.get(id);
        // Stored meanwhile: then it is forgotten.
        if (record) await store.put({ ...record, file });
      });
    }
  }

  async remove(ids) {
    await this.#write((store) => Promise.all(ids.map((id) => store.delete(id))));
  }

  /** Gives a receipt the records of those that it replaced: the same person's, by the beginning, which is the id. */
  async adopt(receipt) {
    await this.#write(async (store) => {
      for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
        const former = cursor.value.receipt;
        if (former !== receipt && former.startsWith(receipt.slice(0, 21))) {
          await cursor.update({ ...cursor.value, receipt });
        }
      }
    });
  }

  /** Returns the records of a receipt, oldest first. */
  async of(receipt) {
    const records = (await this.#quietly((database) => database.getAllFromIndex("files", "receipt", receipt))) ?? [];
    return records.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Returns how many files are unfinished, by receipt. What is too old is removed. */
  async unfinished() {
    const counts = new Map();
    await this.#write(async (store) => {
      for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
        const { receipt, at } = cursor.value;
        if (Date.now() - at > keptFor) await cursor.delete();
        else counts.set(receipt, (counts.get(receipt) ?? 0) + 1);
      }
    });
    return counts;
  }

  /** Changes records in one transaction. */
  #write(work) {
    return this.#quietly((database) => {
      const { store, done } = database.transaction("files", "readwrite");
      // Both fail where a record cannot be kept, as one with a file in a private window of Safari.
      return Promise.all([work(store), done]);
    });
  }

  /** Does without where the browser keeps nothing: in some private windows, without permission, or with a full disk. */
  async #quietly(work) {
    try {
      return await work(await this.#open());
    } catch {
      return undefined;
    }
  }
}
