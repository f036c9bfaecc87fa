package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// inspectedFile says, in a data folder that no server uses, that its stores belong together, and what they looked like
// then. A server that stops writes it, and one that starts removes it.
const inspectedFile = "inspected"

// inspected is what the file holds: how the system tells each store of a data folder from every other, and from what it
// was before, by its path in the folder.
type inspected map[string]string

// lookAt looks at the stores of a data folder; nil where that cannot tell whether they are touched: if a database has
// changes beside it, which a server left that was killed or is running, or on a system that does not say.
func lookAt(data string) (inspected, error) {
	seen := inspected{}
	for _, name := range []string{peopleFile, catalogFile, filepath.Join(objectsFolder, "files")} {
		switch beside, err := os.Stat(filepath.Join(data, name+"-wal")); {
		case err == nil && beside.Size() > 0:
			return nil, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			return nil, err
		}
		if seen[filepath.ToSlash(name)] = identity(info); seen[filepath.ToSlash(name)] == "" {
			return nil, nil
		}
	}
	return seen, nil
}

// MarkInspected notes that the three embedded stores of a data folder, which this process has closed, belong together.
// Where nobody could tell later whether they were touched since, it notes nothing.
func MarkInspected(data string) error {
	const doing = "note that the data folder is whole"
	seen, err := lookAt(data)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if seen == nil {
		return nil
	}
	text, err := json.Marshal(seen)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	// A file that was cut off, by a crash or for want of room, is none.
	if err := os.WriteFile(filepath.Join(data, inspectedFile), text, 0o600); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Inspected reports whether the three embedded stores of a data folder are as MarkInspected found them: no file of a
// database was written, replaced, copied or restored since, nor the folder of objects, and no person's folder was added
// to it or taken out of it. It does not look into the folders of persons.
func Inspected(data string) bool {
	text, err := os.ReadFile(filepath.Join(data, inspectedFile))
	if err != nil {
		return false
	}
	now, err := lookAt(data)
	if err != nil || now == nil {
		return false
	}
	want, err := json.Marshal(now)
	return err == nil && bytes.Equal(text, want)
}

// UnmarkInspected forgets what MarkInspected noted, before anything changes the stores.
func UnmarkInspected(data string) error {
	if err := os.Remove(filepath.Join(data, inspectedFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget that the data folder was whole: %w", err)
	}
	return nil
}
