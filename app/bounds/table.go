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
			"One takes up to 64 KiB for a moment. 32 people behind one address who press a button in the same second are " +
				"served.",
			32, 1, most, func(b *Bounds) *int { return &b.JSON.Client }},
		{"json-all", "JSON bodies of all clients that are read at once.",
			"256 take up to 40 MiB, in the worst case.",
			256, 1, most, func(b *Bounds) *int { return &b.JSON.All }},
		{"forms", "Forms of one client that are taken at once.",
			"A class of 30 that sends its work from one room at the same moment fits twice. Pages with JavaScript send files " +
				"in parts, which do not count here.",
			64, 1, most, func(b *Bounds) *int { return &b.Forms.Client }},
		{"forms-all", "Forms of all clients that are taken at once. When they are, the slowest of the client that has " +
			"most makes room.",
			"One takes about 200 KiB beside the memory for parts, which has a bound of its own.",
			256, 1, most, func(b *Bounds) *int { return &b.Forms.All }},
		{"form-rate", fmt.Sprintf("Bytes a second that the body of a form must have on average over %s of waiting for it; "+
			"0 is no bound.", inWords(FormWindow)),
			"Even a phone on a 2G network sends 2,000. A pause of a tunnel is averaged away; `DOSSIER_TIMEOUT_IDLE` bounds " +
				"it. Files sent in parts are not concerned.",
			1024, 0, 1 << 30, func(b *Bounds) *int { return &b.FormRate }},
		{"parts", "Parts of files of one client that arrive at once. Those that go straight to S3 do not come here.",
			"128 pages behind one address, with four parts each, are served; who is beyond tries again by itself.",
			512, 1, most, func(b *Bounds) *int { return &b.Parts.Client }},
		{"parts-all", "Parts of files of all clients that arrive at once. When they do, the slowest of the client that has " +
			"most makes room.",
			"One takes about 200 KiB, and two open files.",
			1024, 1, most, func(b *Bounds) *int { return &b.Parts.All }},
		{"archives", "Archives of one client that are made at once, and looks at how large one would be.",
			"One of 10,000 files takes 4 MiB and reads 10,000 records.",
			8, 1, most, func(b *Bounds) *int { return &b.Archives.Client }},
		{"archives-all", "Archives of all clients that are made at once. When they are, the slowest reader of the client " +
			"that has most makes room.",
			"32 of 10,000 files take 128 MiB.",
			32, 1, most, func(b *Bounds) *int { return &b.Archives.All }},
		{"completions", "Files of one client that are made of their parts at once. Of one file only one completion runs; " +
			"others wait for it.",
			"The embedded store copies the file, so its disk holds it twice meanwhile.",
			24, 1, most, func(b *Bounds) *int { return &b.Completions.Client }},
		{"completions-all", "Files of all clients that are made of their parts at once.",
			"As many copies are read and written on one disk.",
			96, 1, most, func(b *Bounds) *int { return &b.Completions.All }},
	}
}

// FixedBounds returns the others.
func FixedBounds() []Fixed {
	size := func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	return []Fixed{
		{"JSON body that registers a person", size(RegistrationBytes), "Three texts of 100 to 200 characters and a number."},
		{"JSON body that announces a file", size(AnnouncementBytes), "A name of up to 4,096 characters and a path of " +
			"1,024, which many programs write as `\\uXXXX`."},
		{"JSON body that asks for signatures", size(PartsBytes), "100 parts of about 100 bytes."},
		{"JSON body that has files checked", size(ChecksBytes), "100 ids of 36 bytes."},
		{"JSON body that completes a file", size(CompletionBytes), "Two checksums: about 120 bytes."},
		{"JSON body that replaces a receipt or has it expire", size(ReceiptBytes), "A receipt of 64 bytes, or a time."},
		{"Elements of an array in a JSON body", "100", "As many parts are signed, and files checked, at once."},
		{"Depth of a JSON body", fmt.Sprint(JSONDepth), "A list of parts has three levels."},
		{"Time for a JSON body", inWords(JSONTime), "The largest takes a second at 512 kbit/s."},
		{"Time for the body of a sign-in, a receipt or another small form", inWords(SmallFormTime),
			"It has a few hundred bytes."},
		{"Requests at once that write one part in the embedded store", "1", "A part then takes room on the disk once. " +
			"Others wait; where nothing came for 2 seconds, the next takes the turn."},
		{"Completions at once of one file", "1", "Each would copy the file."},
		{"Memory for parts of forms on their way to S3", "256 MiB", "What a small instance has for it. Who needs some " +
			"waits; after a second a sender of less than 64 KiB/s makes room: that of the client that holds most, and of its " +
			"senders the slowest."},
		{"Of that memory for one client", "half", "The other half is always there for others."},
		{"Thumbnails that are made at once", "1", "Each may take the memory below."},
		{"Requests that wait for a thumbnail to be made", fmt.Sprint(PicturesWaiting), "Clients take turns."},
		{"Of one client", fmt.Sprint(PicturesWaitingClient), "A browser asks for a page of pictures at once."},
		{"Time that one waits for its turn", inWords(PictureWait), "Then the page shows an icon in the picture's place."},
		{"Pixels of a picture of which a thumbnail is made", fmt.Sprintf("%d million", PicturePixels/1_000_000),
			"The main cameras of phones take as many. Of a larger picture an icon is shown."},
		{"Memory of the process that decodes a picture", fmt.Sprintf("%d MiB", PictureMemory>>20),
			"The largest takes 200 MB. Not bounded on systems other than Linux."},
		{"Processor time of that process", fmt.Sprintf("%d seconds", PictureSeconds),
			"The largest takes less than 3. Not bounded on systems other than Linux."},
		{"Time for a thumbnail", inWords(PictureTime), "With the reading of the picture from its store."},
	}
}

func inWords(d time.Duration) string {
	if d >= time.Minute {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
