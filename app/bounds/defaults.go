package bounds

import "time"

// The limits that hold where no setting names another. The domain, the app's settings and the preset prod of the
// stack's settings are made from them.
const (
	// FileBytes is the size of the largest file: what S3 accepts in one request
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), and so the size that people expect to work.
	FileBytes = 5 << 30
	// Files is the number of files in one form.
	Files = 50
	// FileTypes are the types of files that are accepted: any.
	FileTypes = "*/*"
	// StoreBytes is the size of all files of all people together.
	StoreBytes = 2 << 40
	// StoreStall is how long a store may accept no byte of a file.
	StoreStall = 30 * time.Second
	// ClientIdle is how long a client may send, or accept, no byte.
	ClientIdle = 30 * time.Second
	// BodyTime is the time for the body of one request: 6 hours are 5 GiB at 2 Mbit/s.
	BodyTime = 6 * time.Hour
)

const (
	// MaxFileBytes is the most that the largest file can be set to: S3 takes an upload in 10,000 parts at most
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), and parts are sent in 5 MiB.
	MaxFileBytes = 5 << 20 * 10_000
	// MaxFileSays is what documents say of it.
	MaxFileSays = "48.8 GiB (10,000 parts of 5 MiB)"
	// KeepAlive is how long the server keeps a connection on which no request runs. It is longer than the 60 seconds
	// after which an Application Load Balancer drops an idle connection by default: the balancer must be the one to
	// close, or it sends requests into connections that are going away and answers 502.
	KeepAlive = 75 * time.Second
)
