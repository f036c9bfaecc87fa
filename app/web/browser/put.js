// One part on its way to the object store.
import { aborted } from "./waiting.js";

/** How long nothing may move, and how long the store may take to answer when all was sent, in milliseconds. */
const stallTime = 90_000;
const storeTime = 5 * 60_000;

/** What S3 says by 400 though no other bytes arrived than were signed, and the status that means it. */
const codes = { RequestTimeout: 408, ExpiredToken: 403 };

function meant({ status, responseText }) {
  return (status === 400 && codes[/<Code>(\w+)</.exec(responseText)?.[1]]) || status;
}

/**
 * Sends a part by a signed request. Resolves to the status of the answer, 0 where there was none, or none that the
 * browser lets the page see. By XMLHttpRequest, because fetch tells no progress of what is sent.
 */
export function put(signed, bytes, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer;
    const end = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      settle(value);
    };
    const stop = () => {
      request.abort();
      end(reject, aborted());
    };
    const silent = () => end(resolve, 0);
    const expect = (time) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        request.abort();
        silent();
      }, time);
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop);
    request.upload.addEventListener("progress", ({ loaded }) => {
      expect(stallTime);
      progress(loaded);
    });
    request.upload.addEventListener("load", () => expect(storeTime));
    request.addEventListener("error", silent);
    request.addEventListener("load", () => end(resolve, meant(request)));
    // Relative where the site keeps the bytes itself.
    request.open(signed.method, new URL(signed.url, location.origin));
    for (const [name, value] of Object.entries(signed.headers)) {
      // The browser sets it by itself, and lets no page do so.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    expect(stallTime);
    request.send(bytes);
  });
}
