// What the server would refuse is known beforehand, and said before the first byte.
import { counted, humanLimit } from "./words.js";

/** Returns the largest file that may be sent, in bytes. */
const mostOf = (limits) => Math.min(limits.max_file_size, limits.max_parts * limits.max_part_size);

/**
 * Refusals are the rules by which a file is not sent. row says so of one file, in the list; note of several, behind
 * what they are: "2 files are …".
 */
export const refusals = {
  notTaking: {
    row: (limits) => limits.not_taking,
    note: () => "cannot be sent at the moment",
  },
  large: {
    row: (limits) => `Larger than ${humanLimit(mostOf(limits))}, the limit for one file. It will not be sent.`,
    note: (limits, be) => `${be} larger than ${humanLimit(mostOf(limits))}`,
  },
  count: {
    row: (limits) => `Over the limit of ${counted(limits.max_files, "file")} for one submission. It will not be sent.`,
    note: (limits, be) => `${be} over the limit of ${counted(limits.max_files, "file")}`,
  },
  bytes: {
    row: (limits) => `Over the limit of ${humanLimit(limits.max_total_size)} for one submission. It will not be sent.`,
    note: (limits, be) => `${be} over the limit of ${humanLimit(limits.max_total_size)} in total`,
  },
  roomFiles: {
    row: (limits) =>
      `The site has room for only ${counted(limits.room_files, "more file")} at the moment. It will not be sent.`,
    note: (limits, be) => `${be} more than the site has room for at the moment`,
  },
  roomBytes: {
    row: (limits) =>
      `The site has room for only ${humanLimit(limits.room_size)} more at the moment. It will not be sent.`,
    note: (limits, be) => `${be} more than the site has room for at the moment`,
  },
};

/** Returns the rule that a file of this size breaks, behind what else there is, and that is new; or "". */
export function refusalOf(size, all, fresh, limits) {
  if (limits.not_taking) return "notTaking";
  if (size > mostOf(limits)) return "large";
  if (all.files >= limits.max_files) return "count";
  if (all.bytes + size > limits.max_total_size) return "bytes";
  if (fresh.files >= limits.room_files) return "roomFiles";
  if (fresh.bytes + size > limits.room_size) return "roomBytes";
  return "";
}
