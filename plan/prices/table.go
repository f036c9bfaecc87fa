// Package prices computes what an idle stack costs, line by line from a table of list prices, and what usage adds.
// It works on the recorded resource graph, so the sum is of what the program really creates. Tests, the documentation's
// cost table and the plan import it; package offers makes tables of AWS's own price list.
//
// Nothing is free by default: a resource of a type that no rule knows, or one that is paid for by something that the
// table has no price for, is named in the bill beside the sum. A region is never priced as another one.
package prices

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"
)

// Form is that of the files that Read reads and Write writes. It is raised when a reader of the former one would
// misread it.
const Form = 1

// Hours is how many hours a month counts.
const Hours = 730

// Table is a snapshot of list prices, on demand, in US dollars without tax, by key. A key is a path, such as
// ec2/t4g.micro; Units has all kinds of them.
type Table struct {
	Form int `json:"form"`
	// Date is the month or the day that the prices are of, as 2026-11 or 2026-11-29.
	Date string `json:"date"`
	// Source says where they come from.
	Source string `json:"source"`
	// Global are the prices of what belongs to no region, Regions those of each region.
	Global  map[string]float64            `json:"global,omitempty"`
	Regions map[string]map[string]float64 `json:"regions"`
}

// The bounds of a table that is read.
const (
	// maxTable is in bytes: all of what package offers takes, in every region, is less than a tenth of it.
	maxTable  = 128 << 20
	maxSource = 200
)

var (
	dateForm   = regexp.MustCompile(`^\d{4}-\d\d(-\d\d)?$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,3}(-[a-z]+)+-\d{1,2}$`)
)

// IsRegion reports whether a text has the form of a region's name.
func IsRegion(text string) bool { return regionForm.MatchString(text) }

// Read reads a table, and refuses one that a plan could not rely on.
func Read(r io.Reader) (*Table, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, fmt.Errorf("reading the prices: %w", err)
	}
	if len(raw) > maxTable {
		return nil, fmt.Errorf("reading the prices: they are more than %d MiB: make a file of fewer regions",
			maxTable>>20)
	}
	var t Table
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("reading the prices: %w", err)
	}
	if d.More() {
		return nil, errors.New("reading the prices: something follows the table")
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("reading the prices: %w", err)
	}
	return &t, nil
}

func (t *Table) check() error {
	if t.Form != Form {
		return fmt.Errorf("the file is of form %d, not %d: make it anew", t.Form, Form)
	}
	var faults []error
	fault := func(format string, args ...any) {
		if len(faults) < 10 {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	if !dateForm.MatchString(t.Date) {
		fault("the date, %.40q, is neither a month nor a day, such as 2026-11-29", t.Date)
	}
	if t.Source == "" || utf8.RuneCountInString(t.Source) > maxSource {
		fault("the source is missing, or longer than %d characters", maxSource)
	}
	if len(t.Regions) == 0 {
		fault("there is no region")
	}
	of := func(where string, prices map[string]float64) {
		for key, price := range prices {
			if math.IsNaN(price) || math.IsInf(price, 0) || price <= 0 {
				fault("%s: the price of %.80q is %g: prices are positive, and what has none is left out", where, key,
					price)
			}
		}
	}
	of("global", t.Global)
	for _, region := range slices.Sorted(maps.Keys(t.Regions)) {
		if !IsRegion(region) {
			fault("%.40q is not the name of a region, such as eu-central-1", region)
		}
		of(region, t.Regions[region])
	}
	return errors.Join(faults...)
}

// Write writes the table in the form that Read reads, with its keys in order.
func (t *Table) Write(w io.Writer) error {
	raw, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("writing the prices: %w", err)
	}
	if _, err := w.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("writing the prices: %w", err)
	}
	return nil
}

//go:embed builtin.json
var builtin []byte

// Builtin returns the table that plans use where they are given none. It is no copy of AWS's price list: it holds what
// a small stack needs, in one region.
var Builtin = sync.OnceValue(func() *Table {
	t, err := Read(bytes.NewReader(builtin))
	if err != nil {
		panic("prices: the built-in table: " + err.Error())
	}
	return t
})

// Has reports whether the table has prices of a region.
func (t *Table) Has(region string) bool { return t.Regions[region] != nil }

// Names are the regions that the table has prices of, sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.Regions)) }

// Price returns the price of a key in a region, or of a key that belongs to none; 0 if the table does not have it.
func (t *Table) Price(region, key string) float64 {
	if price := t.Regions[region][key]; price != 0 {
		return price
	}
	return t.Global[key]
}
