// Package backup copies the data folder of the embedded stores while servers use it, brings it back, and reports
// whether a folder is one that can be served.
//
// A backup is a folder:
//
//	dossier-backup.json            says that it is one
//	lock                           keeps two runs apart
//	objects/files/<person>/<file>  the objects, shared by the points
//	points/<UTC time>/             one point in time each:
//	  people.db, catalog.db        both databases at one moment
//	  staff-secret                 where the data folder has one
//	  missing.jsonl                the files that the live store did not have, one a line
//	  manifest.json                counts, and the SHA-256 of the others; written last
//	tmp/                           what is being written
//
// An object's key is never given to other bytes, so an object that is there is not copied again. Whatever is written is
// synced before what names it: a point with a manifest is whole, also after a power cut.
package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What is wrong with a file that was to be copied.
const (
	// FaultMissing: its object is not there.
	FaultMissing = "missing"
	// FaultDiffers: its object has another size or checksum than its record says.
	FaultDiffers = "differs"
	// FaultUnreadable: its object cannot be read.
	FaultUnreadable = "unreadable"
	// FaultPoint: a kept point of the backup is not what its manifest says.
	FaultPoint = "damaged point"
)

// Fault is something that a run found wrong and passed over.
type Fault struct {
	// What is one of the Fault constants.
	What   string `json:"what"`
	Person string `json:"person,omitempty"`
	File   string `json:"file,omitempty"`
	Point  string `json:"point,omitempty"`
	// InBackup: the backup has the file all the same, from an earlier run.
	InBackup bool `json:"in_backup,omitempty"`
}

// Options say what to back up, and to where.
type Options struct {
	// Data is the folder of the embedded stores.
	Data string
	// Dir is the backup's folder.
	Dir string
	// Keep is how many points are kept, the new one among them; at least 1.
	Keep int
	// Verify reads again what the backup already has of the new point's files.
	Verify bool
	// Release names this program.
	Release string
	// Fault is told what is wrong as it is found; Notice is told what a person may want to know.
	Fault  func(Fault)
	Notice func(text string)
	// Progress is kept up to date.
	Progress *Progress
}

// Summary is what a backup did.
type Summary struct {
	// Point is the name of the new point; empty where none was made.
	Point string `json:"point,omitempty"`
	totals
	// CopiedFiles and CopiedBytes were not in the backup before.
	CopiedFiles int64 `json:"copied_files"`
	CopiedBytes int64 `json:"copied_bytes"`
	// RepairedFiles were in the backup with other bytes.
	RepairedFiles int64 `json:"repaired_files"`
	// DeletedFiles were deleted by people while the backup ran, and are not in it.
	DeletedFiles int64 `json:"deleted_files"`
	// FaultyFiles of the live store are missing or differ. MissingFiles of them the backup does not have either.
	FaultyFiles  int64 `json:"faulty_files"`
	MissingFiles int64 `json:"missing_files"`
	// Points are kept. PrunedFiles were named by none of them, and removed from the backup.
	Points      int   `json:"points"`
	PrunedFiles int64 `json:"pruned_files"`
	// DamagedPoints are kept, but cannot be restored.
	DamagedPoints int `json:"damaged_points"`
}

// Damaged reports whether something needs a person.
func (s Summary) Damaged() bool { return s.FaultyFiles > 0 || s.DamagedPoints > 0 }

// Make adds a point to a backup, while any number of servers use the data folder. Without an error the point is whole;
// Summary.Damaged reports whether the live store lacked something. Memory is bounded.
func Make(ctx context.Context, o Options) (s Summary, err error) {
	if err := Check(ctx, o.Data, Parts{true, true, true}); err != nil {
		return s, err
	}
	if _, err := os.Stat(filepath.Join(o.Data, peopleFile)); err != nil {
		return s, fmt.Errorf("nothing to back up: %w; set DOSSIER_DATA to the folder that dossier serve uses", err)
	}
	dir, err := claim(o.Dir, o.Data)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir.at(tempFolder)), dir.close()) }()
	points, err := dir.points()
	if err != nil {
		return s, err
	}
	m := &making{Options: o, dir: dir, summary: &s}
	for _, p := range points {
		m.manifest.Sequence = max(m.manifest.Sequence, p.sequence())
		if p.manifest == nil && p.damaged == nil {
			// Of a run that was killed.
			if err := p.remove(); err != nil {
				return s, fmt.Errorf("remove unfinished point %s: %w", p.name, mend(o.Dir, err))
			}
		}
	}
	m.manifest.Sequence++
	if err := m.point(ctx); err != nil {
		if s.Point == "" && m.folder != "" {
			err = errors.Join(err, os.RemoveAll(m.folder))
		}
		return s, fmt.Errorf("back up %s: %w", o.Data, mend(o.Dir, err))
	}
	if err := m.prune(ctx); err != nil {
		return s, fmt.Errorf("the new point %s is complete; remove older points: %w", s.Point, err)
	}
	return s, nil
}

// making is one run of Make.
type making struct {
	Options
	dir      *folder
	folder   string // of the new point
	manifest Manifest
	summary  *Summary

	copied, live records
	missing      *os.File
	missed       *json.Encoder
}

// point makes the new point.
func (m *making) point(ctx context.Context) (err error) {
	if err := m.snapshot(ctx); err != nil {
		return err
	}
	if m.copied, err = openRecords(ctx, m.at(peopleFile), m.at(catalogFile)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.copied.db.Close()) }()
	people, catalog := filepath.Join(m.Data, peopleFile), filepath.Join(m.Data, catalogFile)
	if m.live, err = openRecords(ctx, people, catalog); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.live.db.Close()) }()
	if err := m.copied.trim(ctx); err != nil {
		return fmt.Errorf("tidy the copied records: %w", err)
	}
	if err := m.secret(ctx); err != nil {
		return fmt.Errorf("copy the staff secret: %w", err)
	}
	if err := m.objects(ctx); err != nil {
		return err
	}
	if err := errors.Join(m.copied.recount(ctx), m.copied.forgetWords(ctx)); err != nil {
		return fmt.Errorf("tidy the copied records: %w", err)
	}
	// Of both databases: the other one is attached.
	if err := sound(ctx, m.copied.db, "integrity_check"); err != nil {
		return fmt.Errorf("check the copied databases: %w", err)
	}
	if m.manifest.totals, err = m.copied.totals(ctx); err != nil {
		return err
	}
	m.summary.totals = m.manifest.totals
	return m.publish()
}

func (m *making) at(name string) string { return filepath.Join(m.folder, name) }

// snapshot makes the point's folder and copies both databases into it, as they are at one moment.
func (m *making) snapshot(ctx context.Context) (err error) {
	for {
		m.folder = m.dir.at(pointsFolder, time.Now().UTC().Format(pointTime))
		if err = os.Mkdir(m.folder, 0o700); !errors.Is(err, fs.ErrExist) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err != nil {
		m.folder = ""
		return err
	}
	var copies []*copying
	defer func() {
		for _, c := range copies {
			err = errors.Join(err, c.db.Close())
		}
	}()
	for _, name := range []string{peopleFile, catalogFile} {
		c, err := prepare(ctx, filepath.Join(m.Data, name), m.at(name))
		if err != nil {
			return err
		}
		copies = append(copies, c)
	}
	at, err := pinTogether(ctx, copies...)
	if err != nil {
		return err
	}
	m.manifest.Time = at.UTC()
	for _, c := range copies {
		if err := c.finish(ctx); err != nil {
			return err
		}
		if err := syncFile(c.path); err != nil {
			return err
		}
	}
	return syncFolder(m.folder)
}

// secret copies what staff sign in with. Where the data folder has lost it, though there are accounts, the point gets
// the one of the newest point that has it: the last copy would go with that one, and nobody could sign in.
func (m *making) secret(ctx context.Context) error {
	_, err := place(filepath.Join(m.Data, secretFile), m.at(secretFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if accounts, err := m.copied.accounts(ctx); err != nil || !accounts {
		return err
	}
	points, err := m.dir.points()
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(whole(points)) {
		if _, has := p.manifest.Contents[secretFile]; !has || p.check(secretFile) != nil {
			continue
		}
		m.Notice(fmt.Sprintf("the data folder has no file %s, which the accounts of staff need, so the new point gets "+
			"that of point %s. If it was lost, copy %s back to the data folder; if the secret is set in "+
			"DOSSIER_STAFF_SECRET, keep that safe as well", secretFile, p.name, filepath.Join(p.folder, secretFile)))
		_, err := place(filepath.Join(p.folder, secretFile), m.at(secretFile))
		return err
	}
	return nil
}

// objects copies the objects that the copied records name.
func (m *making) objects(ctx context.Context) (err error) {
	all, err := m.copied.totals(ctx)
	if err != nil {
		return err
	}
	m.Progress.expect(all)
	from, err := os.OpenRoot(m.Data)
	if err != nil {
		return fmt.Errorf("read the data folder: %w", err)
	}
	defer from.Close() // only read from
	to, err := os.OpenRoot(m.dir.path)
	if err != nil {
		return err
	}
	defer to.Close() // each file was closed with its error
	if m.missing, err = os.OpenFile(m.at(missingFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.missing.Close()) }()
	buffered := bufio.NewWriter(m.missing)
	m.missed = json.NewEncoder(buffered)
	c := &copier{from: from, to: to, temp: tempFolder, verify: m.Verify, compare: true, progress: m.Progress}
	for last := (record{}); ; {
		list, err := batch(ctx, m.copied.db, last)
		if err != nil {
			return fmt.Errorf("read the copied records: %w", err)
		}
		if len(list) == 0 {
			break
		}
		last = list[len(list)-1]
		outcomes, err := c.all(ctx, list)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			if err := m.took(ctx, o); err != nil {
				return err
			}
		}
	}
	return errors.Join(buffered.Flush(), m.missing.Sync())
}

// took enters what became of one object.
func (m *making) took(ctx context.Context, o outcome) error {
	s := m.summary
	switch {
	case o.copied:
		s.CopiedFiles++
		s.CopiedBytes += o.size
	case o.repaired:
		s.RepairedFiles++
	case o.fault != "":
		file, person, err := m.live.stored(ctx, o.record)
		if err != nil {
			return fmt.Errorf("look at the live records: %w", err)
		}
		if !file {
			// Whoever deletes a file marks its record before the object goes.
			n, err := m.copied.forget(ctx, o.record, !person)
			s.DeletedFiles += n
			return err
		}
		f := Fault{What: o.fault, Person: o.person, File: o.file, InBackup: o.held}
		s.FaultyFiles++
		m.Fault(f)
		if !o.held {
			s.MissingFiles++
			m.manifest.Missing++
			return m.missed.Encode(f)
		}
	}
	return nil
}

// publish makes the point whole.
func (m *making) publish() error {
	m.manifest.Format, m.manifest.Release, m.manifest.Contents = format, m.Release, map[string]Entry{}
	for _, name := range []string{peopleFile, catalogFile, missingFile, secretFile} {
		e, err := entry(m.at(name))
		if name == secretFile && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = syncFile(m.at(name))
		}
		if err != nil {
			return err
		}
		m.manifest.Contents[name] = e
	}
	for _, folder := range []string{m.folder, m.dir.at(pointsFolder), m.dir.at(objectsFolder), m.dir.path} {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	if err := writeJSON(m.at(manifestFile), m.manifest); err != nil {
		return err
	}
	m.summary.Point = filepath.Base(m.folder)
	return nil
}
