package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Parts are the stores that are embedded.
type Parts struct{ People, Catalog, Objects bool }

// LossError says that a data folder is not whole.
type LossError struct {
	// Data is the folder.
	Data string
	// Found is what is wrong with it.
	Found string
}

// Error implements error.
func (e *LossError) Error() string {
	return fmt.Sprintf("the data folder %s is incomplete: %s. Nothing was changed. Was it copied while in use? "+
		"Make copies with \"dossier backup\", which can run beside servers, and restore one with \"dossier restore\" "+
		"into an empty folder", e.Data, e.Found)
}

// Check looks at the embedded stores of a data folder before anything opens them, because opening a store makes what is
// missing. A *LossError where a database is malformed, or where a store is missing while another one holds data; an
// *UnfinishedError where a restore did not end; another error where the folder is a backup. A folder without any data
// is whole.
func Check(ctx context.Context, data string, parts Parts) error {
	if err := Unfinished(data); err != nil {
		return err
	}
	// Whoever serves it would take its objects for those of nobody, and remove them.
	if backup, err := marked(data); err == nil && backup {
		return fmt.Errorf("%s is a backup, not a data folder: restore it with \"dossier restore %s\" into an empty "+
			"folder that DOSSIER_DATA names", data, data)
	}
	var broken, missing, present []string
	look := func(name, what string, s state, err error) error {
		switch {
		case err != nil && malformed(err):
			broken = append(broken, fmt.Sprintf("%s is malformed (%v)", name, err))
		case errors.As(err, new(*malformedError)):
			broken = append(broken, fmt.Sprintf("%s: %v", name, err))
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			// No answer: locked, or the system refuses. Who opens the store says it better.
		case !s.there:
			missing = append(missing, name+" is missing or empty")
		case s.holds:
			present = append(present, name+" holds "+what)
		}
		return nil
	}
	var err error
	if parts.People {
		s, fault := database(ctx, filepath.Join(data, peopleFile), "people")
		err = errors.Join(err, look(peopleFile, "people", s, fault))
	}
	if parts.Catalog {
		s, fault := database(ctx, filepath.Join(data, catalogFile), "files")
		err = errors.Join(err, look(catalogFile, "records of files", s, fault))
	}
	if parts.Objects {
		s, fault := files(filepath.Join(data, objectsFolder, "files"))
		err = errors.Join(err, look(objectsFolder, "files", s, fault))
	}
	switch {
	case err != nil:
		return err
	case len(broken) > 0:
		return &LossError{data, strings.Join(broken, "; ")}
	case len(missing) > 0 && len(present) > 0:
		return &LossError{data, strings.Join(missing, ", ") + ", but " + strings.Join(present, ", and ")}
	}
	return nil
}

// state is what there is of a store: whether it is there at all, and whether it holds anything.
type state struct{ there, holds bool }

// database looks at a database of which a table holds the data.
func database(ctx context.Context, path, table string) (s state, err error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() == 0 || errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	db, err := connect(path, false)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sound(ctx, db, "quick_check"); err != nil {
		return s, err
	}
	if s.there, err = hasTable(ctx, db, table); err == nil && s.there {
		s.holds, err = one[bool](ctx, db, "SELECT EXISTS (SELECT 1 FROM "+quote(table)+")")
	}
	return s, err
}

func hasTable(ctx context.Context, db *sql.DB, table string) (bool, error) {
	return one[bool](ctx, db, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)", table)
}

// files looks at the folder of the objects.
func files(folder string) (s state, err error) {
	f, err := os.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close() // only read from
	s.there = true
	_, err = f.Readdirnames(1)
	s.holds = err == nil
	if err == io.EOF {
		err = nil
	}
	return s, err
}
