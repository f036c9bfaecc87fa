package dossier

// ScrubNote is the name under which Service.Scrub notes its place, after every turn: the one note that is written often
// and may be lost.
const ScrubNote = scrubNote
