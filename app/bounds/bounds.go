// Package bounds is the table of what one client, and all together, may cost the server at once: memory, open files,
// connections and work that outlives a request's headers. The settings, the pages and docs/limits.md are made from it.
// It imports nothing of the project.
package bounds

//go:generate go test . -run ^TestDocuments$ -update

import "time"

// Bounds are those that a setting changes. A client is an IPv4 address, or the /64 network of an IPv6 address.
type Bounds struct {
	// JSON is how many JSON bodies are read at once.
	JSON Share
	// Forms is how many forms are taken at once.
	Forms Share
	// FormRate is how many bytes a second a form's body must have on average, over FormWindow; 0: no such bound.
	FormRate int
	// Parts is how many parts of files arrive at once. Those that clients send to S3 do not come here.
	Parts Share
	// Archives is how many archives are made at once.
	Archives Share
	// Completions is how many files are made of their parts at once.
	Completions Share
}

// Share is a bound on things that run at once.
type Share struct {
	// Client is how many are one client's at most, All how many there are at most.
	Client, All int
}

// The bounds that no setting changes, in bytes. Each JSON body has room for what its route's document allows, with
// every character escaped (\uD83D\uDE00) and generous white space.
const (
	RegistrationBytes = 16 << 10
	AnnouncementBytes = 64 << 10
	PartsBytes        = 32 << 10
	ChecksBytes       = 16 << 10
	CompletionBytes   = 1 << 10
	ReceiptBytes      = 1 << 10
	// LargestJSON is the largest of them.
	LargestJSON = AnnouncementBytes
	// JSONDepth is how deep objects and arrays may stand in each other: a list of parts takes three.
	JSONDepth = 8
)

// The times that no setting changes.
const (
	// JSONTime is how long a JSON body may take to arrive.
	JSONTime = 30 * time.Second
	// FormWindow is the time over which the rate of a form's body is an average.
	FormWindow = 2 * time.Minute
	// SmallFormTime is how long the body of a sign-in, or of another form of a few fields, may take to arrive.
	SmallFormTime = 10 * time.Second
)

// The bounds of the small files that forms hold until they are added together, which no setting changes.
const (
	// FormHandful is the most bytes of them of one form, with their names.
	FormHandful = 1 << 20
	// Handfuls is the most of all forms together. Beyond it, small files are added one by one.
	Handfuls = 16 << 20
)

// The bounds of what staff do with many people at once, which no setting changes.
const (
	// BulkPeople is how many people one download has at most.
	BulkPeople = 10_000
	// JobPeople is how many people one change, such as a move to the trash, has at most.
	JobPeople = 1_000_000
	// BulkDirectory is how long the directory of an archive of many people may become, in bytes. It is held in memory
	// until the archive's end.
	BulkDirectory = 8 << 20
)

// The bounds of the pictures that staff see, which no setting changes.
const (
	// PicturesWaiting is how many requests wait for a thumbnail to be made, and PicturesWaitingClient how many of one
	// client: about as many as a browser asks for at once while somebody scrolls a page of pictures.
	PicturesWaiting, PicturesWaitingClient = 256, 64
	// PictureWait is how long a request waits for its turn to have a thumbnail made.
	PictureWait = 20 * time.Second
	// PicturePixels is the most that is decoded. The main cameras of phones take pictures of up to 50 megapixels (8192
	// x 6144).
	PicturePixels = 8192 * 6144
	// PictureMemory is what the process that decodes may use, in bytes. 50 megapixels in 4 bytes each are 200 MB, which
	// the runtime takes in steps of 64 MiB; the rest is the picture's bytes and the program itself.
	PictureMemory = 384 << 20
	// PictureSeconds is the processor time that it may use: a picture of 50 megapixels takes less than 3 on a slow
	// one.
	PictureSeconds = 10
	// PictureTime is how long it may take in all, with the reading of the picture from its store.
	PictureTime = 30 * time.Second
)

// The bounds of passwords that are checked, which no setting changes. Each takes 19 MiB and some hundredths of a
// second.
const (
	// Passwords is how many are hashed at once at most, on a machine with more processors than that, and one more for
	// browsers that have signed in before.
	Passwords = 4
	// PasswordsWaiting is how many wait for their turn, of each of the two kinds, and PasswordWait how long.
	PasswordsWaiting = 32
	PasswordWait     = 10 * time.Second
)

// Default returns the bounds that hold where the settings say nothing.
func Default() Bounds {
	var b Bounds
	for _, row := range Settings() {
		*row.Field(&b) = row.Preset
	}
	return b
}

// Setting is a bound that a setting changes.
type Setting struct {
	// Name is the end of the variable's name, in lower case with hyphens.
	Name string
	// Doc says in a sentence what is bounded, Why why so.
	Doc, Why string
	// Preset is the default, Least and Most the ends of what is allowed.
	Preset, Least, Most int
	// Field is where the value is kept.
	Field func(*Bounds) *int
}

// Fixed is a bound that no setting changes.
type Fixed struct{ Doc, Value, Why string }
