// The tabs of this browser tell each other what they send. They ask by the person's id, which is the beginning of the
// receipt and no secret.

/** How often a tab asks, and how long it waits for an answer, in milliseconds. */
const askEvery = 1000;
const answerTime = 400;

/** What a page says is not for itself. */
const page = crypto.getRandomValues(new Uint32Array(2)).join("-");

const channelOf = (receipt) => new BroadcastChannel(`dossier-sending-${receipt.slice(0, 21)}`);

/**
 * Answers the other tabs that ask what is sent for a receipt: with what files returns, { id: { state, sent } }, unless
 * it is empty. Returns what ends that.
 */
export function answerTabs(receipt, files) {
  if (!self.BroadcastChannel) return () => {};
  const channel = channelOf(receipt);
  channel.addEventListener("message", ({ data }) => {
    if (data !== "what is sent?") return;
    const answer = files();
    if (Object.keys(answer).length > 0) channel.postMessage({ page, files: answer });
  });
  return () => channel.close();
}

/** Asks the other tabs what they send for a receipt, and returns that: { id: { state, sent } }. */
export async function askTabs(receipt) {
  if (!self.BroadcastChannel) return {};
  const channel = channelOf(receipt);
  const files = {};
  channel.addEventListener("message", ({ data }) => {
    if (data.files && data.page !== page) Object.assign(files, data.files);
  });
  channel.postMessage("what is sent?");
  await new Promise((resolve) => setTimeout(resolve, answerTime));
  channel.close();
  return files;
}

/** Asks again and again, and hands what is answered to told, until nothing is. */
export async function followTabs(receipt, told) {
  for (let files; ; ) {
    await new Promise((resolve) => setTimeout(resolve, askEvery));
    files = await askTabs(receipt);
    await told(files);
    if (Object.keys(files).length === 0) return;
  }
}
