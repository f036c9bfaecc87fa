package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dossier.example/app"
)

// prune removes the oldest points beyond those to keep, then the objects that no kept point names.
func (m *making) prune(ctx context.Context) error {
	points, err := m.dir.points()
	if err != nil {
		return err
	}
	kept := whole(points)
	for len(kept) > m.Keep {
		if err := kept[0].remove(); err != nil {
			return err
		}
		kept = kept[1:]
	}
	if err := syncFolder(m.dir.at(pointsFolder)); err != nil {
		return err
	}
	m.summary.Points = len(kept)
	damaged := func(p point, err error) {
		m.summary.DamagedPoints++
		m.Fault(Fault{What: FaultPoint, Point: p.name})
		m.Notice(fmt.Sprintf("point %s cannot be restored: %v; remove its folder once it is no longer needed",
			p.name, err))
	}
	for _, p := range points {
		if p.damaged != nil {
			damaged(p, p.damaged)
		}
	}
	for _, p := range kept {
		if err := p.check(peopleFile, catalogFile); err != nil {
			damaged(p, err)
		}
	}
	if m.summary.DamagedPoints > 0 {
		m.Notice("no objects were removed from the backup, because the damaged point may use any of them")
		return nil
	}
	n := &naming{}
	defer func() { _ = n.close() }() // only read from
	for i := len(kept) - 1; i >= 0; i-- {
		if err := n.add(ctx, filepath.Join(kept[i].folder, catalogFile)); err != nil {
			return err
		}
	}
	return m.pruneObjects(ctx, n)
}

// naming are the catalogs of the kept points, newest first.
type naming struct {
	dbs     []*sql.DB
	queries []*sql.Stmt
}

func (n *naming) add(ctx context.Context, catalog string) error {
	db, err := connect(catalog, true)
	if err != nil {
		return err
	}
	n.dbs = append(n.dbs, db)
	q, err := db.PrepareContext(ctx, "SELECT file_id FROM files WHERE person_id = ? AND +state = 'stored'")
	if err == nil {
		n.queries = append(n.queries, q)
	}
	return err
}

func (n *naming) close() error {
	var errs []error
	for _, q := range n.queries {
		errs = append(errs, q.Close())
	}
	for _, db := range n.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// strike takes out of a person's files those that a point names.
func (n *naming) strike(ctx context.Context, person string, files map[string]bool) error {
	for _, q := range n.queries {
		if len(files) == 0 {
			return nil
		}
		if err := strike(ctx, q, person, files); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func strike(ctx context.Context, q *sql.Stmt, person string, files map[string]bool) (err error) {
	rows, err := q.QueryContext(ctx, person)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var file string
		if err := rows.Scan(&file); err != nil {
			return err
		}
		delete(files, file)
	}
	return errors.Join(rows.Err(), ctx.Err())
}

// pruneObjects removes the objects that no kept point names. It holds the names of one person's files.
func (m *making) pruneObjects(ctx context.Context, n *naming) error {
	top := m.dir.at(objectsFolder, "files")
	f, err := os.Open(top)
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	for {
		people, err := f.ReadDir(1024)
		if err == io.EOF {
			return syncFolder(top)
		}
		if err != nil {
			return err
		}
		for _, p := range people {
			if err := m.prunePerson(ctx, n, filepath.Join(top, p.Name())); err != nil {
				return err
			}
		}
	}
}

func (m *making) prunePerson(ctx context.Context, n *naming, folder string) error {
	person := filepath.Base(folder)
	if _, err := dossier.ParsePersonID(person); err != nil {
		return nil // not this program's
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	unnamed := map[string]bool{}
	for _, e := range entries {
		if _, err := dossier.ParseFileID(e.Name()); err == nil {
			unnamed[e.Name()] = true
		}
	}
	if err := n.strike(ctx, person, unnamed); err != nil {
		return err
	}
	for name := range unnamed {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return err
		}
		m.summary.PrunedFiles++
	}
	switch {
	case len(unnamed) == len(entries):
		return os.Remove(folder)
	case len(unnamed) > 0:
		return syncFolder(folder)
	}
	return nil
}
