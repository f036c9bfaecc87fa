package bounds

import (
	"fmt"
	"time"
)

// most is the largest number of things at once that can be set: beyond it, one process has other ends.
const most = 100_000

// Settings returns the bounds that settings change, in the order of the documents.
func Settings() []Setting {
	return []Setting{
		{"json", "JSON bodies of one client that are read at once.",
			"One takes up to 64 KiB for a moment. 32 people behind one address who press a button in the same second are served.",
			32, 1, most, func(b *Bounds) *int { return &b.JSON.Client }},
		{"json-all", "JSON bodies of all clients that are read at once.",
			"256 take up to 40 MiB, in the worst case.",
			256, 1, most, func(b *Bounds) *int { return &b.JSON.All }},
	}
}

// FixedBounds returns the others.
func FixedBounds() []Fixed {
	size := func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	return []Fixed{
		{"JSON body that registers a person", size(RegistrationBytes), "Three texts of 100 to 200 characters and a number."},
		{"JSON body that announces a file", size(AnnouncementBytes), "A name of up to 4,096 characters, which many programs write as `\\uXXXX`."},
		{"JSON body that asks for signatures", size(PartsBytes), "100 parts of about 100 bytes."},
		{"JSON body that has files checked", size(ChecksBytes), "100 ids of 36 bytes."},
		{"JSON body that completes a file", size(CompletionBytes), "Two checksums: about 120 bytes."},
		{"Elements of an array in a JSON body", "100", "As many parts are signed, and files checked, at once."},
		{"Depth of a JSON body", fmt.Sprint(JSONDepth), "A list of parts has three levels."},
		{"Time for a JSON body", inWords(JSONTime), "The largest takes a second at 512 kbit/s."},
	}
}

func inWords(d time.Duration) string {
	if d >= time.Minute {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
