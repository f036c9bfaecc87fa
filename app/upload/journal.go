package upload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"dossier.example/app/api"
)

// A journal is what a run leaves on the disk for the next run of the same command: the receipt, before the person is
// registered; the id of each file, before it is announced; and what is stored. It is a file of JSON lines that is only
// ever appended to, so a crash costs at most its last line, which is then cut off. It is there while something is to be
// done or to be told, and goes when all is stored and the receipt has been handed over.
//
// Which one it is follows from what was asked: the site, the person (new, by the details, or the receipt's) and the
// paths. A lock beside it keeps a second run of the same command away.
type journal struct {
	path string
	lock *flock.Flock

	mu    sync.Mutex
	file  *os.File
	state record
	files map[string]*entry
}

// record is one line.
type record struct {
	// Version is that of the format.
	Version int `json:"version,omitempty"`
	// Receipt is the secret of a person who is new, and only then.
	Receipt string `json:"receipt,omitempty"`
	// Registered: the site has answered that the person is there.
	Registered bool `json:"registered,omitempty"`

	// Path is the file that the rest is of.
	Path string `json:"path,omitempty"`
	entry
}

// entry is what is known of one file. A later line of the same path replaces it.
type entry struct {
	// ID is the file's at the site.
	ID string `json:"id,omitempty"`
	// Size in bytes and Modified, in nanoseconds since 1970, are those of the file at the time.
	Size     int64 `json:"size,omitempty"`
	Modified int64 `json:"modified,omitempty"`
	// Stored is what the site acknowledged.
	Stored *api.Content `json:"stored,omitempty"`
}

// of reports whether the entry is of the file as it is now.
func (e *entry) of(info fs.FileInfo) bool {
	return e.Size == info.Size() && e.Modified == info.ModTime().UnixNano()
}

const (
	journalVersion = 1
	journalSuffix  = ".journal"
	// journalAge is how long a journal that nobody resumes is kept. A site drops what is half-done after a day.
	journalAge = 30 * 24 * time.Hour
)

// openJournal opens the journal of a command, which key tells apart from others, in a folder that is made where it is
// not there.
func openJournal(folder string, key []string) (_ *journal, err error) {
	path, err := journalPath(folder, key)
	if err != nil {
		return nil, err
	}
	j := &journal{path: path, files: map[string]*entry{}}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, journalFailed(err)
	}
	if j.lock, err = lockFile(j.path + ".lock"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.lock.Close())
		}
	}()
	sweep(folder, j.path)
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, journalFailed(err)
	}
	if err := j.read(); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

func journalPath(folder string, key []string) (string, error) {
	text, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("name the journal: %w", err)
	}
	sum := sha256.Sum256(text)
	return filepath.Join(folder, hex.EncodeToString(sum[:16])+journalSuffix), nil
}

// peekJournal returns what the journal of a command says of the person, without keeping a run away; zero where there is
// no journal.
func peekJournal(folder string, key []string) (record, error) {
	path, err := journalPath(folder, key)
	if err != nil {
		return record{}, err
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return record{}, nil
	case err != nil:
		return record{}, errorf(CodeJournal, err, "the journal of this command cannot be read: %s", reason(err))
	}
	j := &journal{path: path, files: map[string]*entry{}}
	if _, err := j.take(text); err != nil && j.state.Receipt == "" {
		return record{}, err
	}
	return j.state, nil // also where a later line is damaged
}

func journalFailed(err error) error {
	return errorf(CodeJournal, err, "the journal for resuming an interrupted upload cannot be written: %s; set "+
		"XDG_STATE_HOME to a writable folder", reason(err))
}

// lockFile locks a file, which it makes. Whoever had it before may have removed it: then what was locked is nobody's
// file any more.
func lockFile(path string) (*flock.Flock, error) {
	for {
		lock := flock.New(path, flock.SetPermissions(0o600))
		got, err := lock.TryLock()
		switch {
		case err != nil:
			return nil, journalFailed(err)
		case !got:
			return nil, errorf(CodeBusy, nil, "another run of the same command is in progress: wait for it, or stop it")
		}
		held, err := lock.Stat()
		if err != nil {
			return nil, errors.Join(journalFailed(err), lock.Close())
		}
		if now, err := os.Stat(path); err == nil && os.SameFile(held, now) {
			return lock, nil
		}
		if err := lock.Close(); err != nil {
			return nil, journalFailed(err)
		}
	}
}

// sweep removes old journals of other commands that nobody has open.
func sweep(folder, but string) {
	found, _ := filepath.Glob(filepath.Join(folder, "*"+journalSuffix))
	for _, path := range found {
		if info, err := os.Stat(path); path == but || err != nil || time.Since(info.ModTime()) < journalAge {
			continue
		}
		if lock, err := lockFile(path + ".lock"); err == nil {
			_ = os.Remove(path)
			_ = os.Remove(path + ".lock")
			_ = lock.Close()
		}
	}
}

// read takes up what the run before left. A last line without an end was being written when that run died.
func (j *journal) read() error {
	text, err := os.ReadFile(j.path)
	if err != nil {
		return journalFailed(err)
	}
	whole, err := j.take(text)
	if err != nil {
		return err
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		return journalFailed(err)
	}
	if _, err := j.file.Seek(int64(whole), 0); err != nil {
		return journalFailed(err)
	}
	if whole == 0 {
		return j.append(record{Version: journalVersion}, false)
	}
	return nil
}

// take applies the lines of a journal and returns how many bytes the whole ones have. What is behind them is no line
// yet.
func (j *journal) take(text []byte) (whole int, err error) {
	whole = bytes.LastIndexByte(text, '\n') + 1
	number := 0
	for line := range bytes.Lines(text[:whole]) {
		number++
		var r record
		if err := json.Unmarshal(line, &r); err != nil || number == 1 && r.Version != journalVersion {
			return 0, errorf(CodeJournal, err, "the journal %s was written by another version of this program, or is "+
				"damaged in line %d: print the receipt with --show-receipt, then delete the journal to start over",
				j.path, number)
		}
		j.apply(r)
	}
	return whole, nil
}

func (j *journal) apply(r record) {
	if r.Receipt != "" {
		j.state.Receipt = r.Receipt
	}
	j.state.Registered = j.state.Registered || r.Registered
	if r.Path != "" {
		e := r.entry
		j.files[r.Path] = &e
	}
}

// append writes a line. With sync it is on the disk, and the journal's name with it, when append returns.
func (j *journal) append(r record, sync bool) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return journalFailed(err)
	}
	j.apply(r)
	if !sync {
		return nil
	}
	if err := j.file.Sync(); err != nil {
		return journalFailed(err)
	}
	folder, err := os.Open(filepath.Dir(j.path))
	if err != nil {
		return journalFailed(err)
	}
	defer folder.Close()
	// Some systems cannot force a folder to the disk, and need not.
	_ = folder.Sync()
	return nil
}

// known returns what is known of a file; nil for nothing.
func (j *journal) known(file string) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.files[file]
}

// unfinished returns the ids of the files that were announced and are not stored.
func (j *journal) unfinished() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var ids []string
	for _, e := range j.files {
		if e.Stored == nil && e.ID != "" {
			ids = append(ids, e.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// begun reports whether there is anything to resume.
func (j *journal) begun() bool { return j.state.Receipt != "" || len(j.files) > 0 }

// remove ends the journal: there is nothing to resume.
func (j *journal) remove() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errorf(CodeJournal, err, "the journal %s cannot be deleted: %s; delete it yourself, or the same "+
			"command continues with the same person", j.path, reason(err))
	}
	return nil
}

// close releases the journal, for whoever resumes it. The lock's file goes as well where nothing needs it.
func (j *journal) close() error {
	err := j.file.Close()
	if _, statErr := os.Stat(j.path); errors.Is(statErr, fs.ErrNotExist) {
		_ = os.Remove(j.lock.Path())
	}
	return errors.Join(err, j.lock.Close())
}

// StateFolder returns where journals lie, below the folder for such that the system's custom names (the XDG Base
// Directory Specification: $XDG_STATE_HOME, or .local/state in the home folder).
func StateFolder(lookup func(string) (string, bool)) (string, error) {
	base, _ := lookup("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // the specification has relative ones ignored
		home, _ := lookup("HOME")
		if home == "" {
			home, _ = os.UserHomeDir()
		}
		if home == "" {
			return "", inputf(nil,
				"there is no home folder for the journal: set XDG_STATE_HOME to a writable folder")
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "dossier", "uploads"), nil
}
