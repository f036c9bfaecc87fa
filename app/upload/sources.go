package upload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier.example/app"
)

// Source is a file of the disk that is to be sent.
type Source struct {
	// Path is the file as the caller named it, or below the folder that the caller named.
	Path string
	// Folder and Name are what it is announced as, as the site will keep them.
	Folder, Name string
	// Size in bytes and ModTime are those at the time of Collect.
	Size    int64
	ModTime time.Time
	// file is the path without links, and key the same as text, whatever its bytes are: it shows whether two are the
	// same, in this run and in the one before.
	file, key string
}

// Files is what Collect found.
type Files struct {
	Sources []Source
	// asked is what it was asked for, which is the same when the same command runs again.
	asked []string
}

// Bytes returns the size of all files together.
func (f Files) Bytes() (sum int64) {
	for _, s := range f.Sources {
		sum += s.Size
	}
	return sum
}

// Collect finds the files that paths name, each once, in the order of the paths. Links that are named are followed.
// Folders are taken with recursive alone, with everything below them but what is neither a file nor a folder, links
// among it, and what systems leave there for themselves (dossier.IsJunk): such is handed to skipped. A file that was
// found in a folder is announced in that folder.
//
// Each file has a path of its own at the site. Where those of two would be the same, because a name has characters that
// the site does not keep or because two named files are called alike, the later one gets a number.
//
// Every file is opened once, so that what cannot be read is told before anything is sent. The error, with CodeInput,
// lists all that is wrong; GiveUp can do with what is returned all the same.
func Collect(paths []string, recursive bool, skipped func(path, why string)) (Files, error) {
	c := collector{seen: map[string]bool{}, skipped: skipped}
	asked := make([]string, len(paths))
	for i, path := range paths {
		c.add(path, recursive)
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		asked[i] = strconv.Quote(path)
	}
	slices.Sort(asked)
	tellApart(c.sources)
	found := Files{Sources: c.sources, asked: slices.Compact(asked)}
	switch {
	case len(c.faults) > 0:
		return found, inputf(nil, "%s", listed(c.faults))
	case len(found.Sources) == 0:
		return found, inputf(nil, "no files were found in the given paths")
	}
	return found, nil
}

// tellApart numbers the names of files that would have the path of an earlier one. A path that a file has by itself is
// given to no other.
func tellApart(sources []Source) {
	own := make(map[string]bool, len(sources))
	for _, s := range sources {
		own[dossier.JoinPath(s.Folder, s.Name)] = true
	}
	taken := make(map[string]bool, len(sources))
	for i := range sources {
		s := &sources[i]
		name := s.Name
		for n := 2; taken[dossier.JoinPath(s.Folder, s.Name)]; n++ {
			numbered := dossier.NumberedName(name, n)
			if path := dossier.JoinPath(s.Folder, numbered); !own[path] && !taken[path] {
				s.Name = numbered
			}
		}
		taken[dossier.JoinPath(s.Folder, s.Name)] = true
	}
}

type collector struct {
	sources []Source
	seen    map[string]bool
	skipped func(path, why string)
	faults  []string
}

func (c *collector) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// add takes one path of the command line.
func (c *collector) add(path string, recursive bool) {
	if path == "-" {
		c.fault("standard input cannot be sent, because the size of a file must be known in advance: write it to a file, " +
			"and name that (./- for a file named -)")
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		c.fault("%s", reason(err))
	case info.IsDir() && !recursive:
		c.fault("%s is a folder: name its files, or add --recursive", path)
	case info.IsDir():
		c.walk(path)
	default:
		c.take(path, "", filepath.Base(path))
	}
}

// walk takes everything below a folder.
func (c *collector) walk(folder string) {
	root, err := real(folder)
	if err != nil {
		c.fault("%s", reason(err))
		return
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(root, path)
		if relErr != nil {
			return relErr
		}
		shown := filepath.Join(folder, below)
		switch {
		case err != nil:
			c.fault("%s", reason(err))
		case path != root && dossier.IsJunk(d.Name()):
			c.skipped(shown, "a system or lock file; name it to send it")
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.IsDir():
		case d.Type().IsRegular():
			c.take(shown, filepath.Dir(filepath.Join(filepath.Base(root), below)), filepath.Base(below))
		default:
			c.skipped(shown, kind(d.Type()))
		}
		return nil
	})
	if err != nil {
		c.fault("%s: %s", folder, reason(err))
	}
}

// take adds one file, which is to be announced in a folder under a name.
func (c *collector) take(path, folder, name string) {
	file, err := real(path)
	if err != nil {
		c.fault("%s", reason(err))
		return
	}
	if c.seen[file] {
		return
	}
	f, info, err := open(file)
	if err != nil {
		c.fault("%s: %s", path, reason(err))
		return
	}
	_ = f.Close() // nothing was written
	c.seen[file] = true
	c.sources = append(c.sources, Source{Path: path, Folder: dossier.CleanFolder(slashed(folder)),
		Name: dossier.CleanFileName(slashed(name)), Size: info.Size(), ModTime: info.ModTime(), file: file,
		key: strconv.Quote(file)})
}

// slashed writes a path with slashes. Where a backslash separates nothing it is a character like any other, which the
// site would take for a separator.
func slashed(path string) string { return strings.ReplaceAll(filepath.ToSlash(path), `\`, "_") }

// real returns an absolute path without links.
func real(path string) (string, error) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(file)
}

// open opens a regular file. Anything else is not opened at all: a pipe would wait for its other end.
func open(file string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("is %s; only regular files can be sent", kind(info.Mode()))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	// What a system makes while it is read, as below /proc, has no size, and would be sent as an empty file.
	if n, _ := f.ReadAt(make([]byte, 1), info.Size()); n > 0 {
		_ = f.Close()
		return nil, nil, fmt.Errorf("has more than the %d bytes that its file system reports; send a copy of it",
			info.Size())
	}
	return f, info, nil
}

// kind names what is no regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// reason writes an error of the file system as people read it.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Sprintf("%s: %s", at.Path, at.Err)
	}
	return err.Error()
}

// listed writes what is wrong a line each, and cuts a list that nobody would read to its end.
func listed(faults []string) string {
	const most = 20
	if len(faults) == 1 {
		return faults[0]
	}
	shown, more := faults, ""
	if len(faults) > most {
		shown, more = faults[:most], fmt.Sprintf("\n  and %d more", len(faults)-most)
	}
	return fmt.Sprintf("%d problems:\n  %s%s", len(faults), strings.Join(shown, "\n  "), more)
}
