package dossier

import "fmt"

// Multipart is how the bytes of a file arrive in parts. It is set when the file is announced, and from then on the same
// for every instance and every request.
type Multipart struct {
	// UploadID is the object store's id of the multipart upload.
	UploadID string
	// Size is the announced size, and PartSize that of every part but the last, in bytes.
	Size, PartSize int64
}

// Parts returns the number of parts of the file: at least one.
func (m Multipart) Parts() int {
	if m.Size == 0 {
		return 1
	}
	return int((m.Size-1)/m.PartSize + 1)
}

// PartBytes returns the size of a part in bytes; false for a number that the file does not have.
func (m Multipart) PartBytes(number int) (int64, bool) {
	last := m.Parts()
	switch {
	case number < 1 || number > last:
		return 0, false
	case number < last:
		return m.PartSize, true
	}
	return m.Size - int64(last-1)*m.PartSize, true
}

// The sizes of parts. 8 MiB is sent within a minute at 1.2 Mbit/s, so a phone that loses its network loses at most that
// much, and there are at most a few requests, with their round trips, per second. A file of 5 GiB has
// 640 parts; up to 78 GiB, parts need not be larger.
const (
	leastPart = 8 << 20
	partStep  = 1 << 20
)

// PartSize returns the size of all parts but the last, for files of up to MaxParts × MaxPartSize: small enough that
// little is lost with one part, large enough that MaxParts of them hold the file. It is a whole number of MiB, at least
// 8 and at most MaxPartSize.
func PartSize(size int64) int64 {
	if size <= MaxParts*leastPart {
		return leastPart
	}
	least := (size-1)/MaxParts + 1
	return min((least-1)/partStep+1, MaxPartSize/partStep) * partStep
}

// Part is one part of a multipart upload.
type Part struct {
	// Number is its position, from 1 to MaxParts.
	Number int
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME of its bytes.
	CRC64 uint64
}

// The limits of multipart uploads: those of S3, which every store applies
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const (
	MaxParts = 10_000
	// MinPartSize is the minimum size of any part but the last, in bytes; MaxPartSize is the maximum of all.
	MinPartSize = 5 << 20
	MaxPartSize = 5 << 30
)

// whole reports whether the parts that the store has are those of the file, and together have its checksum.
func (m Multipart) whole(parts []Part, crc uint64) error {
	var sum uint64
	for i, p := range parts {
		size, ok := m.PartBytes(p.Number)
		switch {
		case ok && p.Number > i+1:
			return m.missing(i + 1)
		case !ok || p.Size != size:
			return Errorf(CodeCorrupt, nil, "Part %d arrived with %d bytes instead of %d. Send it again.",
				p.Number, p.Size, size)
		}
		sum = CombineCRC64(sum, p.CRC64, p.Size)
	}
	if len(parts) < m.Parts() {
		return m.missing(len(parts) + 1)
	}
	if sum != crc {
		return Errorf(CodeCorrupt, fmt.Errorf("the parts have the CRC-64 %016x, the sender's is %016x", sum, crc),
			"A part differs from the original file. Send it again.")
	}
	return nil
}

func (m Multipart) missing(number int) *Error {
	return Errorf(CodeIncomplete, nil, "Part %d of %d has not arrived yet.", number, m.Parts())
}
