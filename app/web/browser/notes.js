// What became of files that were added, in words.
import { refusals } from "./refusals.js";
import { counted, listed, shownPath } from "./words.js";

/** Returns the name of one file, or how many there are. */
const subject = (files) => (files.length === 1 ? shownPath(files[0]) : counted(files.length, "file"));
const be = (files) => (files.length === 1 ? "is" : "are");

/**
 * Says what became of added files: lists of those added, refused, resumed, listed (already), stored (already) and sent
 * elsewhere; and numbers of those unread and of the system files that were left out. none: there was no file.
 */
export function noteOf({ added, refused, resumed, listed: already, stored, elsewhere, unread, system, none }, limits) {
  const said = [];
  if (none && unread + system === 0) said.push("There was no file in it.");
  if (added.length > 0) said.push(`${counted(added.length, "file")} added.`);
  if (resumed.length > 0) said.push(`${counted(resumed.length, "file")} resumed.`);
  if (refused.length > 0) {
    const rules = Object.keys(refusals).map((rule) => [rule, refused.filter((u) => u.refusal === rule)]);
    const whys = rules
      .filter(([, files]) => files.length > 0)
      .map(([rule, files]) => `${subject(files)} ${refusals[rule].note(limits, be(files))}`);
    said.push(`${counted(refused.length, "file")} not added: ${listed(whys)}.`);
  }
  if (already.length > 0) said.push(`${subject(already)} ${be(already)} already in the list.`);
  if (stored.length > 0) said.push(`${subject(stored)} ${be(stored)} already stored.`);
  if (elsewhere.length > 0) said.push(`${subject(elsewhere)} ${be(elsewhere)} being sent in another tab.`);
  if (unread > 0) said.push(`${counted(unread, "file or folder", "files or folders")} could not be read.`);
  if (system > 0) said.push(`${counted(system, "system file")} left out.`);
  return said.join(" ");
}
