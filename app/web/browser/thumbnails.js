// Small pictures of chosen pictures, made one at a time, so that memory holds one large picture at most.

const types = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
  // Only some browsers read these, as Safari does.
  "image/heic", "image/heif"];
/** Larger files are shown without, in bytes. */
const most = 32 << 20;
/** The longer side, in pixels: twice that of the row, for fine screens. */
const side = 96;

let turn = Promise.resolve();

/** Draws a small picture of the file and hands it to show, unless wanted says no by then, or it is none. */
export function thumbnail(file, wanted, show) {
  if (!types.includes(file.type) || file.size > most || typeof createImageBitmap !== "function") return;
  turn = turn.then(async () => {
    if (!wanted()) return;
    try {
      const bitmap = await createImageBitmap(file, { resizeHeight: side, resizeQuality: "medium" });
      const canvas = document.createElement("canvas");
      // On a canvas, so that no address of the picture has to be allowed by the page's policy.
      const scale = Math.min(1, side / bitmap.width);
      canvas.width = Math.max(1, Math.round(bitmap.width * scale));
      canvas.height = Math.max(1, Math.round(bitmap.height * scale));
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
      show(canvas);
    } catch {
      // It is called a picture and is none.
    }
  });
}
