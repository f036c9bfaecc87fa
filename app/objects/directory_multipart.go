package objects

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	dossier "dossier.example/app"
)

// A multipart upload is a folder. Its name has the key and the id, and the id, a UUIDv7 (RFC 9562), has the time of its
// start, so nothing else needs to be kept of it:
//
//	.partial/<person>.<file>.<upload id>/
//	  00001         part 1: its bytes, then their CRC-64/NVME, 8 bytes big-endian
//	  part-<random>   a part that is arriving
//	  whole-<random>  the object that Finish is making
//	.partial/<person>.<file>.<upload id>.gone/   what was finished or dropped and is being removed
//
// A part is written and synced beside its place, then renamed to it: a part is there whole or not at all, and one that
// is sent again replaces the former one in one step. A multipart upload that ends is renamed first, so that all of it
// is gone at once, whoever is at work on it.

const (
	goneSuffix = ".gone"
	// partDigits is how many digits name a part: those of dossier.MaxParts.
	partDigits = 5
	// trailerSize is what follows the bytes of a part.
	trailerSize = 8
)

// newUploadID returns a fresh id that has the time in it, in milliseconds.
func (d *Directory) newUploadID() string {
	id := uuid.Must(uuid.NewV7()) // random numbers never fail
	ms := d.now().UnixMilli()
	binary.BigEndian.PutUint32(id[:], uint32(ms>>16))
	binary.BigEndian.PutUint16(id[4:], uint16(ms))
	return id.String()
}

// uploadName returns the path of a multipart upload; false for a key or an id that no multipart upload of this store
// has.
func uploadName(key, uploadID string) (string, bool) {
	id, err := uuid.Parse(uploadID)
	if err != nil || id.String() != uploadID || id.Version() != 7 || checkKey(key) != nil {
		return "", false
	}
	return partialDir + "/" + strings.ReplaceAll(strings.TrimPrefix(key, dossier.ObjectPrefix), "/", ".") + "." +
		uploadID, true
}

// parseUploadName is the inverse of uploadName, also for a multipart upload that is being removed, without the folder.
func parseUploadName(name string) (dossier.MultipartUpload, bool) {
	parts := strings.Split(strings.TrimSuffix(name, goneSuffix), ".")
	if len(parts) != 3 {
		return dossier.MultipartUpload{}, false
	}
	t := dossier.MultipartUpload{Key: dossier.ObjectPrefix + parts[0] + "/" + parts[1], ID: parts[2]}
	if _, ok := uploadName(t.Key, t.ID); !ok {
		return dossier.MultipartUpload{}, false
	}
	id := uuid.MustParse(t.ID)
	ms := int64(binary.BigEndian.Uint32(id[:]))<<16 | int64(binary.BigEndian.Uint16(id[4:]))
	t.StartedAt = time.UnixMilli(ms).UTC()
	return t, true
}

// Start implements dossier.MultipartUploads. It is durable.
func (d *Directory) Start(ctx context.Context, key string) (string, error) {
	const doing = "start multipart upload"
	if err := checkKey(key); err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return "", unavailable(ctx, doing, nil)
	}
	id := d.newUploadID()
	name, _ := uploadName(key, id)
	if err := d.root.Mkdir(name, 0o700); err != nil {
		return "", unavailable(ctx, doing, err)
	}
	if err := d.sync(partialDir); err != nil {
		_ = d.root.Remove(name) // nobody has its id
		return "", unavailable(ctx, doing, err)
	}
	return id, nil
}

// Sign implements dossier.MultipartUploads: a request to Receive.
func (d *Directory) Sign(ctx context.Context, key, uploadID string, part dossier.Part,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	const doing = "sign part"
	if err := checkSign(key, uploadID, part, lifetime); err != nil {
		return dossier.SignedRequest{}, fmt.Errorf("%s: %w", doing, err)
	}
	if _, ok := uploadName(key, uploadID); !ok {
		return dossier.SignedRequest{}, fmt.Errorf("%s: not the id of a multipart upload of this store", doing)
	}
	if ctx.Err() != nil {
		return dossier.SignedRequest{}, unavailable(ctx, doing, nil)
	}
	secret, err := d.signingKey()
	if err != nil {
		return dossier.SignedRequest{}, unavailable(ctx, doing, err)
	}
	p := permit{key: key, uploadID: uploadID, part: part,
		expires: d.now().Add(lifetime).Truncate(time.Millisecond).UTC()}
	return dossier.SignedRequest{Method: http.MethodPut, URL: p.url(secret), Header: lengthHeader(part),
		ExpiresAt: p.expires}, nil
}

// Receive takes a part by a request that Sign made: a PUT of u, of which it reads the path and the query, with a body
// of contentLength bytes. The part is durable when it returns nil, and replaces the former one of its number; after an
// error nothing has changed. Memory is bounded whatever the size. Requests for one part wait for each other, but not
// for one from which nothing comes: that one is cut off. The request needs no other proof of who sends it: whoever has
// it may.
//
// Package web, which cannot import this one, declares the interface that it needs of it,
//
//	Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error
//
// and routes PUT /api/v1/transfers/:transfer/parts/:number to it.
//
// Errors: ErrForbidden where the request is not as it was signed (altered, expired, of another length); ErrCorrupt
// where the body has another length or checksum; ErrNotFound where the multipart upload was finished or dropped; the
// body's own error, wrapped; ErrUnavailable; or that of ctx.
func (d *Directory) Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error {
	const doing = "receive part"
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	secret, err := d.signingKey()
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	p, signature, ok := parsePermit(u)
	if !ok || !hmac.Equal(signature, p.sign(secret)) {
		return dossier.Errorf(dossier.CodeForbidden, nil,
			"This URL was not signed by this site, or it was altered. Request a new one.")
	}
	if !d.now().Before(p.expires) {
		return dossier.Errorf(dossier.CodeForbidden, nil, "This URL expired at %s. Request a new one.",
			p.expires.Format(time.RFC3339))
	}
	if contentLength != p.part.Size {
		return dossier.Errorf(dossier.CodeForbidden, nil,
			"This URL accepts exactly %d bytes. Request one for the right length.", p.part.Size)
	}
	name, _ := uploadName(p.key, p.uploadID)
	ctx, body, end, err := d.receiving.begin(ctx, partName(name, p.part.Number), body)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer end()
	partial := name + "/part-" + rand.Text()
	crc := dossier.NewCRC64()
	// One byte more is read, if there is one, to see that there is none.
	src := &source{ctx: ctx, doing: doing, r: io.LimitReader(body, p.part.Size+1)}
	var refused error
	err = d.write(partial, func(f io.Writer) error {
		if err := d.fill(io.MultiWriter(f, crc), src); err != nil {
			return err
		}
		if src.size != p.part.Size || crc.Sum64() != p.part.CRC64 {
			refused = dossier.Errorf(dossier.CodeCorrupt,
				fmt.Errorf("%d bytes, CRC-64 %016x; signed for %d, %016x", src.size, crc.Sum64(), p.part.Size,
					p.part.CRC64),
				"Part %d was damaged on the way. Send it again.", p.part.Number)
			return refused
		}
		_, err := f.Write(crc.Sum(nil))
		return err
	})
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		if err = d.root.Rename(partial, partName(name, p.part.Number)); err == nil {
			err = d.sync(name)
		}
	}
	if err == nil {
		return nil
	}
	_ = d.root.Remove(partial) // what stays goes with the multipart upload
	switch {
	case refused != nil:
		return refused
	case ctx.Err() != nil || src.err != nil:
		return src.failure(err)
	}
	return d.uploadFailed(ctx, doing, err)
}

// uploadFailed gives the error of a call that names a multipart upload.
func (d *Directory) uploadFailed(ctx context.Context, doing string, err error) error {
	if gone(err) {
		if _, dirErr := d.root.Stat(partialDir); dirErr == nil {
			return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
		}
	}
	return unavailable(ctx, doing, err)
}

// Parts implements dossier.MultipartUploads. The checksums are those that the parts had when they arrived.
func (d *Directory) Parts(ctx context.Context, key, uploadID string) ([]dossier.Part, error) {
	const doing = "list parts"
	name, ok := uploadName(key, uploadID)
	if !ok {
		return nil, fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound})
	}
	return d.parts(ctx, doing, name)
}

func (d *Directory) parts(ctx context.Context, doing, name string) ([]dossier.Part, error) {
	if ctx.Err() != nil {
		return nil, unavailable(ctx, doing, nil)
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, d.uploadFailed(ctx, doing, err)
	}
	defer f.Close()               // only read from
	entries, err := f.ReadDir(-1) // at most dossier.MaxParts, and the few that are arriving
	if err != nil {
		return nil, d.uploadFailed(ctx, doing, err)
	}
	var parts []dossier.Part
	for _, e := range entries {
		number, ok := parsePartName(e.Name())
		if !ok {
			continue
		}
		if ctx.Err() != nil {
			return nil, unavailable(ctx, doing, nil)
		}
		part, err := d.part(name, number)
		if err != nil {
			return nil, d.uploadFailed(ctx, doing, err)
		}
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b dossier.Part) int { return a.Number - b.Number })
	return parts, nil
}

// partName returns the path of a part of the multipart upload that lies at name.
func partName(name string, number int) string {
	return fmt.Sprintf("%s/%0*d", name, partDigits, number)
}

// parsePartName returns the number of a part by its name in the multipart upload's folder.
func parsePartName(name string) (int, bool) {
	number, err := strconv.ParseUint(name, 10, 16)
	return int(number), err == nil && len(name) == partDigits && number >= 1 && number <= dossier.MaxParts
}

// part says what is kept of one part.
func (d *Directory) part(name string, number int) (dossier.Part, error) {
	f, err := d.root.Open(partName(name, number))
	if err != nil {
		return dossier.Part{}, err
	}
	defer f.Close() // only read from
	size, sum, err := readTrailer(f)
	return dossier.Part{Number: number, Size: size, CRC64: sum}, err
}

// readTrailer returns the number of bytes of a part and the checksum behind them.
func readTrailer(f *os.File) (size int64, sum uint64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	if size = info.Size() - trailerSize; size < 0 {
		return 0, 0, errors.New("a part is cut off")
	}
	var trailer [trailerSize]byte
	if _, err := f.ReadAt(trailer[:], size); err != nil {
		return 0, 0, err
	}
	return size, binary.BigEndian.Uint64(trailer[:]), nil
}

// Finish implements dossier.MultipartUploads. It copies the parts one behind the other, verifying each, so for a while
// the disk holds the bytes twice; whoever is killed in the middle has changed nothing, and who repeats it when the
// object is there already has only the rest to do. A key that is taken by another object is ErrExists.
func (d *Directory) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part, whole dossier.Held) error {
	const doing = "finish multipart upload"
	name, ok := uploadName(key, uploadID)
	if !ok {
		return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound})
	}
	if err := checkParts(parts, whole); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	held, err := d.parts(ctx, doing, name)
	if err != nil {
		return err
	}
	if err := compareParts(held, parts); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if _, err := d.root.Lstat(key); errors.Is(err, fs.ErrNotExist) {
		err := d.assemble(ctx, doing, name, key, parts)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err == nil {
			return d.end(ctx, doing, name)
		}
	}
	// By a Finish that did not come to its end, or runs at the same time, or by somebody else.
	there, err := d.Stat(ctx, key)
	if errors.Is(err, dossier.ErrNotFound) {
		return unavailable(ctx, doing, errors.New("the object came and went"))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if there != whole {
		return fmt.Errorf("%s: %w", doing,
			&dossier.Error{Code: dossier.CodeExists, Err: errors.New("another object has the key")})
	}
	return d.end(ctx, doing, name)
}

// assemble makes the object of its parts, visible and durable. fs.ErrExist: the key is taken.
func (d *Directory) assemble(ctx context.Context, doing, name, key string, parts []dossier.Part) error {
	partial := name + "/whole-" + rand.Text()
	var refused error
	err := d.write(partial, func(f io.Writer) error {
		for _, p := range parts {
			if err := d.appendPart(ctx, f, name, p); err != nil {
				if errors.Is(err, dossier.ErrCorrupt) {
					refused = err
				}
				return err
			}
		}
		now := time.Now()
		return d.root.Chtimes(partial, now, now)
	})
	defer d.root.Remove(partial) // what stays goes with the multipart upload
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = d.publish(ctx, partial, key)
	}
	switch {
	case err == nil || errors.Is(err, fs.ErrExist):
		return err
	case refused != nil:
		return fmt.Errorf("%s: %w", doing, refused)
	}
	if _, lookErr := d.root.Lstat(name); gone(lookErr) {
		// Somebody else finished or dropped it meanwhile, whatever that looked like from here.
		err = lookErr
	}
	return d.uploadFailed(ctx, doing, err)
}

// appendPart copies one part to the end of f and verifies it: ErrCorrupt where it has other bytes. As each part is what
// it is to be, so is the whole; see checkParts.
func (d *Directory) appendPart(ctx context.Context, f io.Writer, name string, want dossier.Part) error {
	part, err := d.root.Open(partName(name, want.Number))
	if err != nil {
		return err
	}
	defer part.Close() // only read from
	size, _, err := readTrailer(part)
	if err != nil {
		return err
	}
	crc := dossier.NewCRC64()
	if err := d.fill(io.MultiWriter(f, crc), &source{ctx: ctx, r: io.LimitReader(part, size)}); err != nil {
		return err
	}
	if size != want.Size || crc.Sum64() != want.CRC64 {
		return corrupt("part %d on the disk has %d bytes, CRC-64 %016x; sent were %d, %016x", want.Number, size,
			crc.Sum64(), want.Size, want.CRC64)
	}
	return nil
}

// Drop implements dossier.MultipartUploads. It is durable.
func (d *Directory) Drop(ctx context.Context, key, uploadID string) error {
	const doing = "drop multipart upload"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	name, ok := uploadName(key, uploadID)
	if !ok {
		return nil
	}
	return d.end(ctx, doing, name)
}

// end removes a multipart upload that is over, with all that is in it; nil when it is gone.
func (d *Directory) end(ctx context.Context, doing, name string) error {
	err := d.root.Rename(name, name+goneSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = d.root.Stat(partialDir)
	}
	if err == nil {
		err = errors.Join(d.root.RemoveAll(name+goneSuffix), d.sync(partialDir))
	}
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Unfinished implements dossier.MultipartUploads.
func (d *Directory) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.MultipartUpload, error] {
	const doing = "list unfinished multipart uploads"
	return func(yield func(dossier.MultipartUpload, error) bool) {
		fail := func(err error) { yield(dossier.MultipartUpload{}, unavailable(ctx, doing, err)) }
		if ctx.Err() != nil {
			fail(nil)
			return
		}
		f, err := d.root.Open(partialDir)
		if err != nil {
			fail(err)
			return
		}
		defer f.Close() // only read from
		for {
			entries, readErr := f.ReadDir(1024)
			for _, e := range entries {
				t, ok := parseUploadName(e.Name())
				if !ok || !t.StartedAt.Before(before) {
					continue
				}
				if ctx.Err() != nil {
					fail(nil)
					return
				}
				if _, err := d.root.Lstat(partialDir + "/" + e.Name()); gone(err) {
					continue // it ended meanwhile
				}
				if !yield(t, nil) {
					return
				}
			}
			if readErr == io.EOF {
				return
			}
			if readErr != nil {
				fail(readErr)
				return
			}
		}
	}
}
