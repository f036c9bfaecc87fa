package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// unfinishedFolder in a data folder marks it as one that a restore is at work on, or was when it was killed. It holds
// what is not in its place yet, and goes last.
const unfinishedFolder = "restore-unfinished"

// restoreFile in that folder says which point is being restored.
const restoreFile = "restore.json"

// restoring is the content of restoreFile.
type restoring struct {
	// Dir is the backup's folder, for the message.
	Dir   string `json:"dir"`
	Point string `json:"point"`
	// Catalog is the SHA-256 of the point's catalog: another point may have the same name in another backup.
	Catalog string `json:"catalog_sha256"`
}

// UnfinishedError says that a restore into a data folder did not end.
type UnfinishedError struct{ Data, Dir, Point string }

// Error implements error.
func (e *UnfinishedError) Error() string {
	again := "dossier restore DIR"
	if e.Dir != "" {
		again = fmt.Sprintf("dossier restore %s --point %s", e.Dir, e.Point)
	}
	return fmt.Sprintf("the restore into the data folder %s is not finished: if no restore is running, run %q again "+
		"to "+
		"resume it, or empty the folder", e.Data, again)
}

// Unfinished returns an *UnfinishedError where a restore into a data folder did not end, or is at work.
func Unfinished(data string) error {
	if _, err := os.Lstat(filepath.Join(data, unfinishedFolder)); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
			return nil // what is wrong with the folder itself is told by who opens the stores
		}
		return fmt.Errorf("read the data folder: %w", err)
	}
	e := &UnfinishedError{Data: data}
	var r restoring
	if readJSON(filepath.Join(data, unfinishedFolder, restoreFile), &r) == nil {
		e.Dir, e.Point = r.Dir, r.Point
	}
	return e
}

// RestoreOptions say what to restore, and to where.
type RestoreOptions struct {
	// Dir is the backup's folder.
	Dir string
	// Point is the name of the point to restore; empty: the newest one that is whole.
	Point string
	// Data is the folder of the embedded stores, empty or absent, or one that a restore of the same point did not end.
	Data string
	// Fault and Progress are as in Options.
	Fault    func(Fault)
	Progress *Progress
}

// Restored is what a restore did.
type Restored struct {
	Point string `json:"point,omitempty"`
	// Time is the moment whose state was restored.
	Time time.Time `json:"time,omitzero"`
	// People were restored, and Files with Bytes: those that are as their records say.
	totals
	// FaultyFiles have a record, but their object is missing from the backup or differs: it was not restored.
	FaultyFiles int64 `json:"faulty_files"`
	// Resumed: an earlier run did not end.
	Resumed bool `json:"resumed"`
}

// Restore fills a data folder with a point of a backup. Everything is verified: the databases by the manifest, each
// object by its record. Until it returns without an error, Unfinished says so of the folder; the same call resumes
// then.
func Restore(ctx context.Context, o RestoreOptions) (s Restored, err error) {
	dir, err := visit(o.Dir)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	p, err := dir.pick(o.Point)
	if err != nil {
		return s, err
	}
	if err := p.check(); err != nil {
		return s, fmt.Errorf("%w; choose another with --point: %s", err, dir.offer())
	}
	if err := apart(o.Dir, o.Data); err != nil {
		return s, err
	}
	r := &restore{RestoreOptions: o, dir: dir, point: p, summary: &s}
	s.Point, s.Time = p.name, p.manifest.Time
	if err := r.run(ctx); err != nil {
		return s, fmt.Errorf("restore into %s: %w", o.Data, mend(o.Data, err))
	}
	return s, nil
}

// pick returns the point of a name; the newest without one.
func (f *folder) pick(name string) (point, error) {
	points, err := f.points()
	if err != nil {
		return point{}, err
	}
	list := whole(points)
	if len(list) == 0 {
		return point{}, fmt.Errorf("%s has no complete point: nothing can be restored from it", f.path)
	}
	if name == "" {
		return list[len(list)-1], nil
	}
	for _, p := range list {
		if p.name == name {
			return p, nil
		}
	}
	return point{}, fmt.Errorf("%s has no complete point %q: choose one of %s", f.path, name, f.offer())
}

// offer lists the points that can be restored, for a message.
func (f *folder) offer() string {
	points, err := f.points()
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, p := range whole(points) {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// restore is one run of Restore.
type restore struct {
	RestoreOptions
	dir     *folder
	point   point
	summary *Restored
}

func (r *restore) at(elements ...string) string {
	return filepath.Join(append([]string{r.Data}, elements...)...)
}

func (r *restore) run(ctx context.Context) error {
	lock, err := r.claim()
	if err != nil {
		return err
	}
	unlock := func() error { return errors.Join(lock.Unlock(), os.Remove(lock.Path())) }
	held := []string{peopleFile, catalogFile}
	if _, ok := r.point.manifest.Contents[secretFile]; ok {
		held = append(held, secretFile)
	}
	for _, name := range held {
		copied, err := place(filepath.Join(r.point.folder, name), r.at(unfinishedFolder, name))
		if err == nil && copied != r.point.manifest.Contents[name] {
			err = fmt.Errorf("%s changed while it was read", name)
		}
		if err != nil {
			return errors.Join(err, lock.Unlock())
		}
	}
	if err := r.objects(ctx); err != nil {
		return errors.Join(err, lock.Unlock())
	}
	for _, name := range held {
		if err := os.Rename(r.at(unfinishedFolder, name), r.at(name)); err != nil {
			return errors.Join(err, lock.Unlock())
		}
	}
	for _, folder := range []string{r.at(objectsFolder), r.Data} {
		if err := syncFolder(folder); err != nil {
			return errors.Join(err, lock.Unlock())
		}
	}
	// The mark goes with the last step; what is in it before.
	if err := errors.Join(os.Remove(r.at(unfinishedFolder, restoreFile)), unlock()); err != nil {
		return err
	}
	if err := os.RemoveAll(r.at(unfinishedFolder)); err != nil {
		return err
	}
	return syncFolder(r.Data)
}

// claim marks the data folder as one that is being restored, and keeps other restores away from it.
func (r *restore) claim() (*flock.Flock, error) {
	if err := makeFolder(r.Data); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(r.Data)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		r.summary.Resumed = r.summary.Resumed || e.Name() == unfinishedFolder
	}
	for _, e := range entries {
		if !r.summary.Resumed && e.Name() != "lost+found" {
			return nil, fmt.Errorf("the folder is not empty (%s): move its contents away, or set DOSSIER_DATA to "+
				"an empty folder", e.Name())
		}
	}
	if err := os.Mkdir(r.at(unfinishedFolder), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := syncFolder(r.Data); err != nil {
		return nil, err
	}
	lock := flock.New(r.at(unfinishedFolder, lockFile), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, err
	case !locked:
		return nil, errors.New("another restore is using the folder: wait until it finishes")
	}
	if err := r.mark(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock, nil
}

// mark enters which point is being restored, or makes sure that an earlier run was at the same one.
func (r *restore) mark() error {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return err
	}
	want := restoring{Dir: dir, Point: r.point.name, Catalog: r.point.manifest.Contents[catalogFile].SHA256}
	var found restoring
	switch err := readJSON(r.at(unfinishedFolder, restoreFile), &found); {
	case errors.Is(err, fs.ErrNotExist):
		// A run that was killed before its first file, or after its last.
		for _, name := range []string{peopleFile, catalogFile} {
			have, err := entry(r.at(name))
			if err == nil && have != r.point.manifest.Contents[name] {
				return errors.New("another point was being restored: empty the folder and run this again")
			}
		}
	case err != nil:
		return fmt.Errorf("%w: empty the folder and run this again", err)
	case found.Point != want.Point || found.Catalog != want.Catalog:
		return fmt.Errorf("point %s of %s was being restored: resume it with --point %s, or empty "+
			"the folder", found.Point, found.Dir, found.Point)
	}
	return writeJSON(r.at(unfinishedFolder, restoreFile), want)
}

// objects copies the objects that the point's records name. What an earlier run brought is read again.
func (r *restore) objects(ctx context.Context) error {
	m := r.point.manifest
	r.Progress.expect(m.totals)
	r.summary.People = m.People
	for _, folder := range []string{r.at(objectsFolder), r.at(objectsFolder, "files")} {
		if err := makeFolder(folder); err != nil {
			return err
		}
	}
	from, err := os.OpenRoot(r.dir.path)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer from.Close() // only read from
	to, err := os.OpenRoot(r.Data)
	if err != nil {
		return err
	}
	defer to.Close() // each file was closed with its error
	db, err := connect(r.at(unfinishedFolder, catalogFile), true)
	if err != nil {
		return err
	}
	defer db.Close() // only read from
	c := &copier{from: from, to: to, temp: unfinishedFolder, verify: true, progress: r.Progress}
	for last := (record{}); ; {
		list, err := batch(ctx, db, last)
		if err != nil {
			return fmt.Errorf("read the records: %w", err)
		}
		if len(list) == 0 {
			return nil
		}
		last = list[len(list)-1]
		outcomes, err := c.all(ctx, list)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			if o.fault == "" {
				r.summary.Files++
				r.summary.Bytes += o.size
				continue
			}
			r.summary.FaultyFiles++
			r.Fault(Fault{What: o.fault, Person: o.person, File: o.file})
		}
	}
}
