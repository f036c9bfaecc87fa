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
	// Name is what it is announced as, as the site will keep it.
	Name string
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

// between stands between the folders of a file's name, as the site's page has it (app/web/browser/words.js): what a
// folder holds has the same names whichever way it was sent. The site keeps no slash in a name.
const between = " › "

// nameOfPath returns the name of a file by its path in a folder. Where that is too long, the outermost folders are left
// out, because the end tells more.
func nameOfPath(path string) string {
	folders := strings.FieldsFunc(filepath.ToSlash(path), func(r rune) bool { return r == '/' })
	name := strings.Join(folders, between)
	for len(folders) > 1 && len(name) > dossier.MaxFileNameBytes {
		folders = folders[1:]
		name = "…" + between + strings.Join(folders, between)
	}
	return name
}

// Collect finds the files that paths name, each once, in the order of the paths. Links that are named are followed.
// Folders are taken with recursive alone, with everything below them but what is neither a file nor a folder, links
// among it: such is handed to skipped. A file that was found in a folder has its path, from that folder's name on, for
// its name.
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
	found := Files{Sources: c.sources, asked: slices.Compact(asked)}
	switch {
	case len(c.faults) > 0:
		return found, inputf(nil, "%s", listed(c.faults))
	case len(found.Sources) == 0:
		return found, inputf(nil, "there is no file in what was named")
	}
	return found, nil
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
		c.fault("standard input cannot be sent, because the size of a file has to be known before its first byte: write " +
			"it into a file, and name that (./- for one of this name)")
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
		c.take(path, filepath.Base(path))
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
		case d.IsDir():
		case d.Type().IsRegular():
			c.take(shown, nameOfPath(filepath.Join(filepath.Base(root), below)))
		default:
			c.skipped(shown, kind(d.Type()))
		}
		return nil
	})
	if err != nil {
		c.fault("%s: %s", folder, reason(err))
	}
}

// take adds one file.
func (c *collector) take(path, name string) {
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
	c.sources = append(c.sources, Source{Path: path, Name: dossier.CleanFileName(name), Size: info.Size(),
		ModTime: info.ModTime(), file: file, key: strconv.Quote(file)})
}

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
		return nil, nil, fmt.Errorf("is %s, and only files can be sent", kind(info.Mode()))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, nil, err
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
	return fmt.Sprintf("%d faults:\n  %s%s", len(faults), strings.Join(shown, "\n  "), more)
}
