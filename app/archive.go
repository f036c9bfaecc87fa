package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"time"
)

// Archive is stored files of one person as one ZIP (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), made
// while it is sent: with ZIP64 where files, their number or the whole need it.
//
// Its files are stored and not compressed. Most that people send is compressed already (pictures, films, office
// documents), compressing costs an instance more than sending does, and only so is the size known before the first
// byte.
//
// Its size and the names in it take a look at every record before the first byte. Of each file it keeps the name and
// about 60 bytes, and archive/zip, while it is written, 200 more for the directory at the end: with names of 50 bytes 3
// MB for the 10,000 files of the default quota.
//
// A stored file that is known to be damaged, or is not handed out, is left out, and a text in the archive names it and
// says why.
type Archive struct {
	svc     *Service
	person  PersonID
	entries []archived
	// missing is the text, empty where nothing is left out, and missingName its name.
	missing     []byte
	missingName string
}

// archived is what is kept of a file.
type archived struct {
	id        FileID
	name      string // in the archive
	held      Held
	createdAt int64 // Unix seconds: a ZIP has no finer ones
}

// Archive returns the archive of the files of a person that are stored, in the order of their ids. ErrTooLarge where
// there are more than a person may have, so that the quota bounds its memory as well. It is for whom to says.
func (s *Service) Archive(ctx context.Context, person PersonID, to Audience) (*Archive, error) {
	a := &Archive{svc: s, person: person}
	var missing, withheld bytes.Buffer
	names := archiveNames{map[string]bool{}, map[string]int{}}
	for f, err := range allFiles(ctx, s.catalog, person) {
		switch {
		case err != nil:
			return nil, err
		case f.State != FileStored || f.Content == nil:
			continue
		case f.Damage != nil:
			if missing.Len() == 0 {
				missing.WriteString("These files are not in this archive, because their stored copies are " +
					"damaged.\r\n" +
					"Whoever has one of them can send it again: it then replaces the damaged copy.\r\n\r\n")
			}
			fmt.Fprintf(&missing, "%s (%d bytes, SHA-256 %x): %s\r\n", f.Name, f.Content.Size, f.Content.SHA256,
				map[DamageKind]string{ObjectMissing: "missing",
					ObjectDiffers: "changed since it was stored"}[f.Damage.Kind])
			continue
		case s.HandOut(f, to) != nil:
			if withheld.Len() == 0 {
				withheld.WriteString("These files are not in this archive, because they are not handed out.\r\n\r\n")
			}
			fmt.Fprintf(&withheld, "%s (%d bytes, SHA-256 %x): %s\r\n", f.Name, f.Content.Size, f.Content.SHA256,
				s.Withheld(f, to))
			continue
		case len(a.entries) == s.limits.PersonFiles:
			return nil, Errorf(CodeTooLarge, nil, "An archive takes up to %d files. Download them one by one.",
				s.limits.PersonFiles)
		}
		a.entries = append(a.entries, archived{f.ID, names.of(f.Name), f.Content.held(), f.CreatedAt.Unix()})
	}
	if missing.Len() > 0 && withheld.Len() > 0 {
		missing.WriteString("\r\n")
	}
	missing.Write(withheld.Bytes())
	if missing.Len() > 0 {
		a.missing, a.missingName = missing.Bytes(), names.of("Missing files.txt")
	}
	return a, nil
}

// Files returns the number of files in it, the text among them.
func (a *Archive) Files() int {
	if a.missing != nil {
		return len(a.entries) + 1
	}
	return len(a.entries)
}

// The sizes of the records of a ZIP as archive/zip writes them to something that is not read back, in bytes; a test
// compares.
const (
	zipLocalHeader      = 30
	zipDescriptor       = 16
	zipDescriptor64     = 24
	zipDirectoryHeader  = 46
	zipDirectoryExtra64 = 28
	zipTime             = 9 // the extended timestamp, in both headers
	zipEnd              = 22
	zipEnd64            = 56 + 20
)

// Size returns the length of the archive in bytes.
func (a *Archive) Size() int64 {
	var offset, directory int64
	add := func(entry string, size int64) {
		name, large := int64(len(entry)), size >= math.MaxUint32
		directory += zipDirectoryHeader + name + zipTime
		if large || offset >= math.MaxUint32 {
			directory += zipDirectoryExtra64
		}
		offset += zipLocalHeader + name + zipTime + size + zipDescriptor
		if large {
			offset += zipDescriptor64 - zipDescriptor
		}
	}
	if a.missing != nil {
		add(a.missingName, int64(len(a.missing)))
	}
	for _, e := range a.entries {
		add(e.name, e.held.Size)
	}
	size := offset + directory + zipEnd
	if a.Files() >= math.MaxUint16 || directory >= math.MaxUint32 || offset >= math.MaxUint32 {
		size += zipEnd64
	}
	return size
}

// archiveBuffer is how much of a file is held in memory while an archive is written, in bytes.
const archiveBuffer = 64 << 10

// Write writes the archive: Size bytes, or an error. Each file is compared with its size and checksum while it passes,
// and the directory, without which nobody takes the archive for whole, comes last. Errors: ErrLost where a file was
// deleted since it was listed; ErrDamaged where one is damaged, which the next archive then leaves out; ErrUnavailable;
// that of w; that of ctx.
func (a *Archive) Write(ctx context.Context, w io.Writer) error {
	z := zip.NewWriter(w)
	buf := make([]byte, archiveBuffer)
	if a.missing != nil {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: a.missingName, Method: zip.Store, Modified: a.svc.time()})
		if err == nil {
			_, err = entry.Write(a.missing)
		}
		if err != nil {
			return fmt.Errorf("write the list of missing files of the archive: %w", err)
		}
	}
	for _, e := range a.entries {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store,
			Modified: time.Unix(e.createdAt, 0).UTC()})
		if err != nil {
			return fmt.Errorf("begin a file of the archive: %w", err)
		}
		if err := a.svc.copy(ctx, entry, a.person, e, buf); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}

// copy writes a stored file's bytes to w, if they are those that its record describes.
func (s *Service) copy(ctx context.Context, w io.Writer, person PersonID, f archived, buf []byte) error {
	r, err := s.open(ctx, File{Person: person, ID: f.id, Content: &Content{Size: f.held.Size, CRC64: f.held.CRC64}}, 0, -1)
	if err == nil {
		defer r.Close() // only read from
		_, err = io.CopyBuffer(w, r, buf)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return Errorf(CodeLost, err, "A file was deleted meanwhile. Load the page again.")
	case err != nil:
		return fmt.Errorf("write a file of the archive: %w", err)
	}
	return nil
}

// archiveNames gives the files of one archive names under which every system can unpack them side by side. Case makes
// no difference, because two systems of three do not regard it.
type archiveNames struct {
	taken map[string]bool
	// last is the number that was tried last for a name.
	last map[string]int
}

// of returns the name for a file called name: CleanFileName, not that of a device of Windows
// (https://learn.microsoft.com/windows/win32/fileio/naming-a-file), and with a number in it where another file has the
// name.
func (n archiveNames) of(name string) string {
	name = CleanFileName(name)
	if windowsDevice.MatchString(name) {
		name = CleanFileName("_" + name)
	}
	distinct, key := name, strings.ToLower(name)
	for n.taken[strings.ToLower(distinct)] {
		n.last[key]++
		distinct = numbered(name, n.last[key]+1)
	}
	n.taken[strings.ToLower(distinct)] = true
	return distinct
}

// numbered puts a number before the extension of a clean name, of which it cuts what would be too long.
func numbered(name string, n int) string {
	return suffixed(name, fmt.Sprintf(" (%d)", n))
}

// windowsDevice matches the name of a device, which Windows sees with any extension.
var windowsDevice = regexp.MustCompile(`^(?i:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\.|$)`)
