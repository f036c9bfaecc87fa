package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"time"

	dossier "dossier.example/app"
)

// Thumbnails lie beside the objects, as thumbs/<person>/<file>. One is written under a longer name first, so that
// nobody reads half of it; what a killed process left of that goes with a later listing.

const (
	thumbsDir = "thumbs" // dossier.ThumbnailPrefix without its slash
	// thumbTime is longer than the writing of a thumbnail takes.
	thumbTime = time.Hour
)

// PutThumbnail implements dossier.Thumbnails.
func (d *Directory) PutThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID, b []byte) error {
	const doing = "put thumbnail"
	switch {
	case len(b) > dossier.MaxThumbnail:
		return tooLargeThumbnail(doing, b)
	case ctx.Err() != nil:
		return unavailable(ctx, doing, nil)
	}
	if err := d.take(int64(len(b))); err != nil {
		return unavailable(ctx, doing, err)
	}
	key := dossier.ThumbnailKey(person, file)
	name := key + "." + rand.Text()
	// A deletion may take the folder away, empty as it is, before there is a file in it.
	const turns = 100
	var err error
	for range turns {
		if err = d.root.Mkdir(path.Dir(key), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			break
		}
		err = d.write(name, func(f io.Writer) error {
			_, err := f.Write(b)
			return err
		})
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err == nil {
		err = d.root.Rename(name, key)
	}
	if err != nil {
		_ = d.root.Remove(name) // what stays goes with a listing
		d.forgetThumbnails(person)
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Thumbnail implements dossier.Thumbnails.
func (d *Directory) Thumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) ([]byte, error) {
	const doing = "read thumbnail"
	f, err := d.openObject(ctx, doing, dossier.ThumbnailKey(person, file))
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	return readThumbnail(ctx, doing, f)
}

// DeleteThumbnail implements dossier.Thumbnails.
func (d *Directory) DeleteThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	const doing = "delete thumbnail"
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	switch err := d.root.Remove(dossier.ThumbnailKey(person, file)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unavailable(ctx, doing, err)
	}
	d.forgetThumbnails(person)
	// Deleted is to mean gone, also after a power cut.
	if err := d.sync(thumbsDir + "/" + person.String()); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// forgetThumbnails removes a person's folder, which succeeds only where it is empty.
func (d *Directory) forgetThumbnails(person dossier.PersonID) {
	_ = d.root.Remove(thumbsDir + "/" + person.String())
}

// Thumbnails implements dossier.Thumbnails.
func (d *Directory) Thumbnails(ctx context.Context, after string) iter.Seq2[dossier.ThumbnailOf, error] {
	const doing = "list thumbnails"
	return func(yield func(dossier.ThumbnailOf, error) bool) {
		more := true
		d.walk(ctx, thumbsDir, "", after, func(o dossier.Object, err error) bool {
			if err != nil {
				return yield(dossier.ThumbnailOf{}, fmt.Errorf("%s: %w", doing, err))
			}
			t, err := dossier.ParseThumbnailKey(o.Key)
			if err != nil {
				if d.now().Sub(o.ModifiedAt) > thumbTime {
					_ = d.root.Remove(o.Key) // left by a process that was killed
					_ = d.root.Remove(path.Dir(o.Key))
				}
				return true
			}
			more = yield(t, nil)
			return more
		})
	}
}

// readThumbnail reads what is kept as a thumbnail. Of more than one could have, as much is read as tells.
func readThumbnail(ctx context.Context, doing string, r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, dossier.MaxThumbnail+1))
	if err != nil {
		return nil, unavailable(ctx, doing, err)
	}
	return b, nil
}

func tooLargeThumbnail(doing string, b []byte) error {
	return fmt.Errorf("%s: %d bytes; a thumbnail has up to %d", doing, len(b), dossier.MaxThumbnail)
}
