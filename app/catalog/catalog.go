// Package catalog keeps the records of files: dossier.Catalog, over DynamoDB and over SQLite.
//
// It stands apart from the domain so that the rules there need no SDK and no driver. Only the program's main package
// and tests may import it; everything else knows the interface.
package catalog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	dossier "dossier.example/app"
)

var (
	_ dossier.Catalog = (*DynamoDB)(nil)
	_ dossier.Catalog = (*SQLite)(nil)
)

// defaultPage is how many records a walk reads at once: a few hundred kilobytes.
const defaultPage = 500

// defaultTimeout bounds one request. Both kinds answer in milliseconds, so five seconds without an answer is an outage;
// it also leaves the SDK time for its retries.
const defaultTimeout = 5 * time.Second

var (
	errLost     = &dossier.Error{Code: dossier.CodeLost}
	errExists   = &dossier.Error{Code: dossier.CodeExists}
	errNotFound = &dossier.Error{Code: dossier.CodeNotFound}
	errQuota    = &dossier.Error{Code: dossier.CodeQuota}
	// errIncomplete: a content without a type.
	errIncomplete = &dossier.Error{Code: dossier.CodeIncomplete}
)

// coded tells an answer of this package from a failure of what lies beneath.
func coded(err error) bool {
	var e *dossier.Error
	return errors.As(err, &e)
}

// instant is the inverse of time.Time.UnixMicro.
func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// micros and moment are the same for a time that may be zero, which is kept as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return instant(micros)
}

// Checksums are kept as lower-case hexadecimal text: it is readable in a console, and a number would not do, because
// neither kind has unsigned 64-bit integers.

func formatSHA256(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

func formatCRC64(sum uint64) string { return fmt.Sprintf("%016x", sum) }

func parseContent(size int64, sha256, crc64, mediaType string) (*dossier.Content, error) {
	// Former releases kept the types of HTML and XML with whatever these name as their charset.
	c := &dossier.Content{Size: size, Type: dossier.CleanMediaType(mediaType)}
	sum, err := hex.DecodeString(sha256)
	if err != nil || len(sum) != len(c.SHA256) {
		return nil, errors.New("the SHA-256 is not 64 hexadecimal digits")
	}
	copy(c.SHA256[:], sum)
	if c.CRC64, err = strconv.ParseUint(crc64, 16, 64); err != nil || len(crc64) != 16 {
		return nil, errors.New("the CRC-64 is not 16 hexadecimal digits")
	}
	return c, nil
}

// parseKey reads a record's two ids.
func parseKey(person, file string) (dossier.PersonID, dossier.FileID, error) {
	p, err := dossier.ParsePersonID(person)
	if err != nil {
		return p, dossier.FileID{}, errors.New("the person's id is not a UUIDv7")
	}
	f, err := dossier.ParseFileID(file)
	if err != nil {
		return p, f, errors.New("the file's id is not a UUIDv7")
	}
	return p, f, nil
}
