package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"dossier.example/plan/internal/apart"
	"dossier.example/plan/prices"
)

// prices are what a flag names, or else what the configuration of head names, from its own tree; nil where neither
// does. A file that the change itself makes different is told.
func (t *tree) prices(before *tree) (*prices.Table, error) {
	if name := t.over.prices; name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening the prices: %w", err)
		}
		defer f.Close()
		return prices.Read(f)
	}
	name := t.config.Prices
	if name == "" {
		return nil, nil
	}
	text, err := inTree(t.dir, name, maxPrices)
	if err != nil {
		return nil, fmt.Errorf("reading the prices, %s: %w", name, err)
	}
	if old, err := inTree(before.dir, name, maxPrices); !errors.Is(err, fs.ErrNotExist) && !bytes.Equal(old, text) {
		t.notes = append(t.notes, quoted(name)+", which both sides are priced by, is part of the change.")
	}
	table, err := prices.Read(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return table, nil
}

// maxPrices bounds a file of prices, in bytes.
const maxPrices = 128 << 20

// inTree reads a file of a tree of at most so many bytes, which no link may lead out of.
func inTree(dir, name string, most int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unplaced(err)
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, unplaced(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, unplaced(err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("it is larger than %s", apart.Size(uint64(most)))
	}
	return text, nil
}
