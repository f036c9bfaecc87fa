package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// A picture that somebody sent is never shown itself, only as a thumbnail. A PictureMaker makes it when somebody first
// wants to see it, and it is stored beside the objects, under a separate key. No promise depends on it: a lost
// thumbnail is made again. It is removed with its file, and a sweep removes any that are left.
//
// If no thumbnail can be made of some bytes, that is stored in its place, so that their sender can make nobody try
// twice.

const (
	// MaxThumbnail is the maximum size of a thumbnail in bytes. They do not count in a person's quota: they belong to
	// the site, not the person, and are at most 625 MiB for 10,000 files.
	MaxThumbnail = 64 << 10
	// MaxPicture is the maximum size of a file of which a thumbnail is made, in bytes.
	MaxPicture = 20 << 20
)

// Thumbnails stores thumbnails, under separate keys for which no request can be signed. They need not survive a power
// failure, nor be in a backup.
type Thumbnails interface {
	// PutThumbnail stores up to MaxThumbnail bytes for a file, replacing what was stored for it. A reader meanwhile
	// gets the one or the other.
	PutThumbnail(ctx context.Context, person PersonID, file FileID, b []byte) error
	// Thumbnail returns what is stored for a file; ErrNotFound.
	Thumbnail(ctx context.Context, person PersonID, file FileID) ([]byte, error)
	// DeleteThumbnail removes what is stored for a file; nil if nothing is.
	DeleteThumbnail(ctx context.Context, person PersonID, file FileID) error
	// Thumbnails yields the files for which something is stored under a key after the given one, in the order of the
	// keys. The loop's body may delete what it is given.
	Thumbnails(ctx context.Context, after string) iter.Seq2[ThumbnailOf, error]
}

// ThumbnailOf names a file that has a thumbnail.
type ThumbnailOf struct {
	Person PersonID
	File   FileID
}

// ThumbnailPrefix is the prefix of the key of every thumbnail in an object store.
const ThumbnailPrefix = "thumbs/"

// ThumbnailKey returns the key of a file's thumbnail. ParseObjectKey refuses it, and so does everything that takes keys
// of objects.
func ThumbnailKey(person PersonID, file FileID) string {
	return ThumbnailPrefix + person.String() + "/" + file.String()
}

// ParseThumbnailKey is the inverse of ThumbnailKey. It returns ErrNotFound for a key that ThumbnailKey never makes.
func ParseThumbnailKey(key string) (ThumbnailOf, error) {
	rest, ok := strings.CutPrefix(key, ThumbnailPrefix)
	if !ok {
		return ThumbnailOf{}, &Error{Code: CodeNotFound}
	}
	person, file, err := ParseObjectKey(ObjectPrefix + rest)
	return ThumbnailOf{person, file}, err
}

// PictureMaker makes thumbnails of pictures, with limits on pixels, memory and time, whatever the bytes are.
type PictureMaker interface {
	// Make returns a thumbnail, for which IsThumbnail holds. ErrNoPicture if none can be made of these bytes;
	// ErrPictureKilled if it was stopped before that was known. If reading picture fails, the error wraps that error. A
	// Read of it may still be running when Make returns.
	Make(ctx context.Context, picture io.Reader) ([]byte, error)
}

var (
	// ErrNoPicture says that no thumbnail can be made of some bytes, now or later.
	ErrNoPicture = errors.New("no thumbnail can be made")
	// ErrPictureKilled says that making the thumbnail was stopped, by a limit or from outside.
	ErrPictureKilled = errors.New("making the thumbnail was stopped")
)

// IsThumbnail reports whether bytes have the size, the beginning and the end of a thumbnail: a complete JPEG.
func IsThumbnail(b []byte) bool {
	return len(b) <= MaxThumbnail && bytes.HasPrefix(b, []byte("\xff\xd8\xff")) &&
		bytes.HasSuffix(b, []byte("\xff\xd9"))
}

// pictures are the media types of which thumbnails are made: raster images. SVG can contain scripts. HEIC, which some
// phones use, is missing: nothing that is safe to run here decodes it.
var pictures = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// Picture reports whether the bytes, not a name or what a sender claimed, are of a type of which thumbnails are made.
func (c Content) Picture() bool {
	base, _, _ := strings.Cut(c.Type, ";")
	return pictures[strings.ToLower(strings.TrimSpace(base))]
}

// HasThumbnail reports whether a file may be shown by a thumbnail. Making it may still turn out to be impossible.
func (f File) HasThumbnail() bool {
	return f.State == FileStored && f.Damage == nil && f.Content != nil && f.Content.Picture() &&
		f.Content.Size <= MaxPicture
}

// Thumbnail is the state of a file's thumbnail.
type Thumbnail struct {
	// JPEG is the thumbnail; nil if none can be made.
	JPEG []byte
}

// Thumbnail returns the thumbnail of a file that File or FileByReceipt returned, if to may have it. Errors: those of
// HandOut; ErrNotFound if the file is never shown by a thumbnail; ErrUnmade if MakeThumbnail has to make it first.
func (s *Service) Thumbnail(ctx context.Context, f File, to Audience) (Thumbnail, error) {
	if err := s.HandOut(f, to); err != nil {
		return Thumbnail{}, err
	}
	if f.Damage != nil {
		return Thumbnail{}, damaged(f, f.Damage.Kind, nil)
	}
	if !f.HasThumbnail() {
		return Thumbnail{}, &Error{Code: CodeNotFound}
	}
	b, err := s.objects.Thumbnail(ctx, f.Person, f.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return Thumbnail{}, ErrUnmade
	case err != nil:
		return Thumbnail{}, fmt.Errorf("read thumbnail: %w", err)
	case IsThumbnail(b):
		return Thumbnail{JPEG: b}, nil
	case s.gaveUp(b):
		return Thumbnail{}, nil
	}
	return Thumbnail{}, ErrUnmade
}

// makingTime limits the making of a thumbnail, including all reading and writing.
const makingTime = time.Minute

// ErrUnmade says that a thumbnail has to be made first.
var ErrUnmade = errors.New("the thumbnail must be made first")

// MakeThumbnail returns the thumbnail of a file that File or FileByReceipt returned, and makes it unless it has been
// made by now. It reads the file by Open, so a file that Open does not hand out, or finds damaged, has no thumbnail.
// What was started is finished even if ctx ends, so that nobody can have it started again and again. The caller limits
// how many are made at once.
func (s *Service) MakeThumbnail(ctx context.Context, f File, to Audience) (Thumbnail, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makingTime)
	defer cancel()
	made, err := s.Thumbnail(ctx, f, to)
	if !errors.Is(err, ErrUnmade) {
		return made, err
	}
	if s.maker == nil {
		return Thumbnail{}, nil
	}
	r, err := s.Open(ctx, f, to, 0, -1)
	if err != nil {
		return Thumbnail{}, err
	}
	b, err := s.maker.Make(ctx, r)
	_ = r.Close() // only read from
	keep := b
	switch {
	case errors.Is(err, ErrNoPicture):
		keep = []byte(giveUpForGood)
	case errors.Is(err, ErrPictureKilled):
		keep = []byte(giveUpUntil + s.time().Add(giveUpTime).Format(time.RFC3339))
	case err != nil:
		return Thumbnail{}, fmt.Errorf("make thumbnail: %w", err)
	}
	if err != nil {
		s.log.WarnContext(ctx, "picture without a thumbnail", "person", f.Person.String(), "file", f.ID.String(),
			"err", err)
	}
	if err := s.keepThumbnail(ctx, f, keep); err != nil {
		// Whoever waits for it gets it; it is made again the next time.
		s.log.WarnContext(ctx, "thumbnail is not kept", "person", f.Person.String(), "file", f.ID.String(), "err", err)
	}
	return Thumbnail{JPEG: b}, nil
}

// keepThumbnail stores what was made of a file. A concurrent deletion of the file may have removed its thumbnail before
// this one was stored, so the record is checked afterwards.
func (s *Service) keepThumbnail(ctx context.Context, f File, b []byte) error {
	if err := s.objects.PutThumbnail(ctx, f.Person, f.ID, b); err != nil {
		return fmt.Errorf("keep thumbnail: %w", err)
	}
	if _, err := s.storedFile(ctx, f.Person, f.ID); errors.Is(err, ErrNotFound) {
		if err := s.objects.DeleteThumbnail(ctx, f.Person, f.ID); err != nil {
			return fmt.Errorf("delete the thumbnail of a deleted file: %w", err)
		}
	}
	return nil
}

// ThumbnailVersion changes with the way in which thumbnails are made, so that nobody keeps older ones.
const ThumbnailVersion = "thumbnail-1"

// What is stored in place of a thumbnail if none was made. With another ThumbnailVersion it is tried again.
const (
	giveUpForGood = "none, " + ThumbnailVersion
	giveUpUntil   = giveUpForGood + ", until "
	// giveUpTime is how long a file is not tried again after making its thumbnail was stopped: the cause may have been
	// the machine or the picture.
	giveUpTime = 10 * time.Minute
)

// gaveUp reports whether no thumbnail is to be made, according to what is stored in place of one.
func (s *Service) gaveUp(kept []byte) bool {
	text := string(kept)
	if text == giveUpForGood {
		return true
	}
	until, ok := strings.CutPrefix(text, giveUpUntil)
	if !ok {
		return false
	}
	t, err := time.Parse(time.RFC3339, until)
	// A time further away was written by a wrong clock.
	left := t.Sub(s.time())
	return err == nil && left > 0 && left <= giveUpTime
}

// thumbnails removes thumbnails whose file no longer exists. They are made from what is stored, so nothing is lost with
// them, and none is counted as ownerless.
func (r *reconciler) thumbnails(ctx context.Context) error {
	var person PersonID
	known := map[FileID]bool{}
	for t, err := range r.objects.Thumbnails(ctx, r.progress.After) {
		if err != nil {
			return fmt.Errorf("list thumbnails: %w", err)
		}
		if t.Person != person {
			person = t.Person
			if err := r.fileIDs(ctx, person, known); err != nil {
				return err
			}
		}
		key, there := ThumbnailKey(t.Person, t.File), known[t.File]
		if !there {
			// A file may have been added since its person's files were listed.
			if there, err = r.recorded(ctx, t.Person, t.File); err != nil {
				return err
			}
		}
		if !there {
			r.repair(Repair{What: RepairRemovedThumbnail, Person: t.Person.String(), File: t.File.String(), Key: key},
				func() error { return r.objects.DeleteThumbnail(ctx, t.Person, t.File) })
		}
		r.failed(r.reached(ctx, key))
	}
	return nil
}
