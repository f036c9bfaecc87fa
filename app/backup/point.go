package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// What a backup's folder holds.
const (
	markFile      = "dossier-backup.json" // says that the folder is one
	lockFile      = "lock"
	pointsFolder  = "points"
	tempFolder    = "tmp"
	manifestFile  = "manifest.json"
	missingFile   = "missing.jsonl"
	peopleFile    = "people.db"
	catalogFile   = "catalog.db"
	secretFile    = "staff-secret"
	format        = 1
	pointTime     = "20060102T150405.000Z"
	newFilePrefix = ".new-" // of writeFile
)

// Manifest says what a point holds. It is written last: a point without one is not whole.
type Manifest struct {
	Format int `json:"format"`
	// Sequence orders the points, whatever the clock said.
	Sequence int64 `json:"sequence"`
	// Time is the moment whose state the point is.
	Time time.Time `json:"time"`
	// Release is the program that made it.
	Release string `json:"release"`
	totals
	// Missing is how many of the files the backup does not have, because the live store did not; MissingFile names
	// them.
	Missing int64 `json:"missing"`
	// Contents are the point's other files by name.
	Contents map[string]Entry `json:"contents"`
}

// point is one folder of points.
type point struct {
	name, folder string
	// manifest is nil where there is none: the point is not whole.
	manifest *Manifest
	// damaged says why the manifest cannot be read.
	damaged error
}

// folder is a backup's folder that is locked.
type folder struct {
	path string
	lock *flock.Flock
}

func (f *folder) close() error { return f.lock.Unlock() }

func (f *folder) at(elements ...string) string {
	return filepath.Join(append([]string{f.path}, elements...)...)
}

// mark is the content of markFile.
type mark struct {
	Format int    `json:"format"`
	About  string `json:"about"`
}

// claim locks a folder for a backup of the data folder, and makes it where it is missing.
func claim(dir, data string) (*folder, error) {
	if err := apart(dir, data); err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("make the backup's folder: %w", err)
	}
	marked, err := marked(dir)
	if err != nil {
		return nil, err
	}
	if !marked {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("read the backup's folder: %w", err)
		}
		for _, e := range entries {
			if n := e.Name(); n != lockFile && n != "lost+found" && !strings.HasPrefix(n, newFilePrefix) {
				return nil, fmt.Errorf("%s contains something other than a backup (%s): choose an empty folder, or "+
					"one that "+
					"does not exist", dir, n)
			}
		}
	}
	f := &folder{path: dir, lock: flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))}
	switch locked, err := f.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the backup's folder: %w", mend(dir, err))
	case !locked:
		return nil, inUse(dir)
	}
	if !marked {
		err = writeJSON(f.at(markFile), mark{format, "A backup made by dossier backup; dossier restore restores it."})
	}
	for _, sub := range []string{filepath.Join(objectsFolder, "files"), pointsFolder} {
		if err == nil {
			err = makeFolder(f.at(sub))
		}
	}
	if err == nil {
		err = os.RemoveAll(f.at(tempFolder)) // of a run that was killed
	}
	if err == nil {
		err = makeFolder(f.at(tempFolder))
	}
	if err != nil {
		return nil, errors.Join(mend(dir, err), f.close())
	}
	return f, nil
}

// visit locks a backup's folder for reading.
func visit(dir string) (*folder, error) {
	switch marked, err := marked(dir); {
	case err != nil:
		return nil, err
	case !marked:
		return nil, fmt.Errorf("%s is not a backup: use the folder that was given to dossier backup", dir)
	}
	f := &folder{path: dir, lock: flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDONLY))}
	locked, err := f.lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A copy without the file, perhaps on a medium that cannot be written. Whoever wrote there would have made it.
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("lock the backup's folder: %w", err)
	case !locked:
		return nil, inUse(dir)
	}
	return f, nil
}

func inUse(dir string) error {
	return fmt.Errorf("another backup or restore is using %s: wait until it finishes", dir)
}

// marked reports whether a folder is a backup's.
func marked(dir string) (bool, error) {
	var m mark
	err := readJSON(filepath.Join(dir, markFile), &m)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the backup's folder: %w", err)
	case m.Format > format:
		return false, fmt.Errorf("%s was made by a later release of dossier: use that release", dir)
	}
	return true, nil
}

// apart makes sure that neither of two folders lies in the other, whatever links lead there.
func apart(dir, data string) error {
	a, err := resolve(dir)
	if err != nil {
		return err
	}
	b, err := resolve(data)
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err == nil && filepath.IsLocal(rel) {
			return fmt.Errorf("the backup folder %s and the data folder %s contain one another: choose a folder "+
				"elsewhere, preferably on another disk", dir, data)
		}
	}
	return nil
}

// resolve returns the path of a folder without links, of which the last elements may not exist.
func resolve(folder string) (string, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(abs) != abs {
		above, err := resolve(filepath.Dir(abs))
		return filepath.Join(above, filepath.Base(abs)), err
	}
	return real, err
}

// points returns what there is of points: those that are whole by their sequence, the others before them.
func (f *folder) points() ([]point, error) {
	entries, err := os.ReadDir(f.at(pointsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the backup's folder: %w", err)
	}
	var list []point
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		p := point{name: e.Name(), folder: f.at(pointsFolder, e.Name())}
		var m Manifest
		switch err := readJSON(filepath.Join(p.folder, manifestFile), &m); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			p.damaged = err
		case m.Format > format:
			return nil, fmt.Errorf("%s was made by a later release of dossier: use that release", p.folder)
		case m.Format < 1 || m.Contents[peopleFile].SHA256 == "" || m.Contents[catalogFile].SHA256 == "":
			p.damaged = fmt.Errorf("%s is incomplete", filepath.Join(p.folder, manifestFile))
		default:
			p.manifest = &m
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.sequence(), b.sequence()), strings.Compare(a.name, b.name))
	})
	return list, nil
}

func (p point) sequence() int64 {
	if p.manifest == nil {
		return 0
	}
	return p.manifest.Sequence
}

// whole returns those of points that can be restored.
func whole(points []point) []point {
	return slices.DeleteFunc(slices.Clone(points), func(p point) bool { return p.manifest == nil })
}

// check compares files of a point with its manifest; all of them where none is named.
func (p point) check(names ...string) error {
	if len(names) == 0 {
		for name := range p.manifest.Contents {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		if name != filepath.Base(name) {
			return fmt.Errorf("the manifest of point %s is damaged", p.name)
		}
		found, err := entry(filepath.Join(p.folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("point %s of the backup is damaged: %s is missing", p.name, name)
		case err != nil:
			return fmt.Errorf("read point %s of the backup: %w", p.name, err)
		case found != p.manifest.Contents[name]:
			return fmt.Errorf("point %s of the backup is damaged: %s does not match its manifest", p.name, name)
		}
	}
	return nil
}

// remove removes a point. It is not whole from the first step on.
func (p point) remove() error {
	if err := os.Remove(filepath.Join(p.folder, manifestFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncFolder(p.folder); err != nil {
		return err
	}
	return os.RemoveAll(p.folder)
}
