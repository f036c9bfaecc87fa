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
		{"json", "JSON bodies read at once, per client.",
			"One takes up to 64 KiB briefly. 32 people behind one address can press a button in the same second.",
			32, 1, most, func(b *Bounds) *int { return &b.JSON.Client }},
		{"json-all", "JSON bodies read at once, all clients.",
			"256 take up to 40 MiB in the worst case.",
			256, 1, most, func(b *Bounds) *int { return &b.JSON.All }},
		{"forms", "Forms received at once, per client.",
			"Enough for two classes of 30 that submit their work from one room at the same moment. Pages with " +
				"JavaScript send " +
				"files in parts, which do not count here.",
			64, 1, most, func(b *Bounds) *int { return &b.Forms.Client }},
		{"forms-all", "Forms received at once, all clients. Beyond it, the client with the most forms loses its " +
			"slowest one.",
			"One takes about 200 KiB, plus memory for parts, which is limited separately.",
			256, 1, most, func(b *Bounds) *int { return &b.Forms.All }},
		{"form-rate", fmt.Sprintf("Least average rate of a form's body, in bytes per second, over %s of waiting for "+
			"it. "+
			"0 means no limit.", inWords(FormWindow)),
			"Even a phone on a 2G network sends 2,000. The average evens out a pause in a tunnel; " +
				"`DOSSIER_TIMEOUT_IDLE` limits " +
				"it. Does not apply to files sent in parts.",
			1024, 0, 1 << 30, func(b *Bounds) *int { return &b.FormRate }},
		{"parts", "Parts of files received at once, per client. Parts sent directly to S3 do not count.",
			"Enough for 128 pages behind one address with four parts each; further ones retry automatically.",
			512, 1, most, func(b *Bounds) *int { return &b.Parts.Client }},
		{"parts-all", "Parts of files received at once, all clients. Beyond it, the client with the most parts " +
			"loses its slowest one.",
			"One takes about 200 KiB and two open files.",
			1024, 1, most, func(b *Bounds) *int { return &b.Parts.All }},
		{"archives", "Archives made or measured at once, per client.",
			"One of 10,000 files takes 4 MiB and reads 10,000 records.",
			8, 1, most, func(b *Bounds) *int { return &b.Archives.Client }},
		{"archives-all",
			"Archives made at once, all clients. Beyond it, the client with the most archives loses its slowest one.",
			"32 of 10,000 files take 128 MiB.",
			32, 1, most, func(b *Bounds) *int { return &b.Archives.All }},
		{"completions",
			"Files assembled from their parts at once, per client. A file has only one completion at a time; " +
				"others wait for it.",
			"The embedded store copies the file, so the disk temporarily holds it twice.",
			24, 1, most, func(b *Bounds) *int { return &b.Completions.Client }},
		{"completions-all", "Files assembled from their parts at once, all clients.",
			"Each is a copy that is read and written on one disk.",
			96, 1, most, func(b *Bounds) *int { return &b.Completions.All }},
	}
}

// FixedBounds returns the others.
func FixedBounds() []Fixed {
	size := func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	return []Fixed{
		{"JSON body that registers a person", size(RegistrationBytes),
			"Three texts of 100 to 200 characters and a number."},
		{"JSON body that announces a file", size(AnnouncementBytes), "A name of up to 4,096 characters and a path of " +
			"1,024, which many programs write as `\\uXXXX`."},
		{"JSON body that requests signatures", size(PartsBytes), "100 parts of about 100 bytes."},
		{"JSON body that requests checks of files", size(ChecksBytes), "100 IDs of 36 bytes."},
		{"JSON body that completes a file", size(CompletionBytes), "Two checksums: about 120 bytes."},
		{"JSON body that replaces a receipt or sets its expiry", size(ReceiptBytes),
			"A receipt of 64 bytes, or a time."},
		{"Elements of an array in a JSON body", "100",
			"Also the number of parts signed, or files checked, by one request."},
		{"Depth of a JSON body", fmt.Sprint(JSONDepth), "A list of parts has three levels."},
		{"Time for a JSON body", inWords(JSONTime), "The largest takes a second at 512 kbit/s."},
		{"Time for the body of a sign-in, a receipt or another small form", inWords(SmallFormTime),
			"It has a few hundred bytes."},
		{"Concurrent requests that write one part in the embedded store", "1",
			"A part then occupies disk space only once. " +
				"Others wait; after 2 seconds without data, the next one takes over."},
		{"Concurrent completions of one file", "1", "Each would copy the file."},
		{"Memory for parts of forms on their way to S3", "256 MiB",
			"What a small instance can spare. Requests wait for " +
				"memory; after a second, a sender below 64 KiB/s is cut off: the slowest one of the client that " +
				"holds " +
				"the most."},
		{"Share of that memory for one client", "half", "The other half is always available to others."},
		{"Small files of one form, up to 32 KiB each, with their names, that are added together",
			fmt.Sprintf("%d MiB", FormHandful>>20),
			"They are counted by one request, and share a look at the person."},
		{"Memory for them, all forms", fmt.Sprintf("%d MiB", Handfuls>>20),
			"Beyond it, small files are added one by one, which takes more requests to the stores. Nobody waits."},
		{"People in one download of many", "10,000",
			"Their IDs are held in memory: 160 KB. Lists as CSV have no limit."},
		{"People in one change of many", "1,000,000", "A change that takes longer than a request is continued by " +
			"the server, also after a restart."},
		{"Directory of an archive of many people", fmt.Sprintf("%d MiB", BulkDirectory>>20),
			"It is held in memory until the archive's end, and has room for about 75,000 files. People beyond it are " +
				"named in the archive's list of contents."},
		{"Passwords hashed at once", fmt.Sprintf("one less than there are processors, 1 to %d", Passwords),
			"One takes 19 MiB. Browsers that have signed in before have one more for themselves."},
		{"Passwords waiting to be hashed", fmt.Sprint(PasswordsWaiting),
			fmt.Sprintf("For %s at most. As many again of browsers that have signed in before.",
				inWords(PasswordWait))},
		{"Thumbnails made at once", "1", "Each may take the memory below."},
		{"Requests waiting for a thumbnail, all clients", fmt.Sprint(PicturesWaiting), "Clients take turns."},
		{"Requests waiting for a thumbnail, per client", fmt.Sprint(PicturesWaitingClient),
			"A browser requests all pictures of a page at once."},
		{"Longest wait for a thumbnail", inWords(PictureWait), "After that, the page shows an icon instead."},
		{"Pixels of the largest picture that gets a thumbnail", fmt.Sprintf("%d million", PicturePixels/1_000_000),
			"The main cameras of phones have no more. A larger picture is shown as an icon."},
		{"Memory of the process that decodes a picture", fmt.Sprintf("%d MiB", PictureMemory>>20),
			"The largest picture takes 200 MB. Limited on Linux only."},
		{"Processor time of that process", fmt.Sprintf("%d seconds", PictureSeconds),
			"The largest picture takes less than 3 seconds. Limited on Linux only."},
		{"Time for a thumbnail", inWords(PictureTime), "Includes reading the picture from its store."},
	}
}

func inWords(d time.Duration) string {
	if d >= time.Minute {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
