// Package offers makes tables of prices of AWS's Price List. A file of that list is of one service, in JSON or CSV, and
// may be packed by gzip:
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html.
// Such files have gigabytes, so they are read as streams, and only what a table holds is kept. The command cmd/prices
// imports it.
package offers

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/prices"
)

// Maker makes a table of files that are read one after another.
type Maker struct {
	// regions are those wanted; none: all.
	regions []string
	by      map[string][]selector
	table   prices.Table
	// date is that of the oldest file, services are those that something was found of.
	date     string
	services map[string]bool
	// disputed are the prices that the files give two of, by region and key.
	disputed map[[2]string]bool
	// odd are units that a price was in and that are not known, by key.
	odd map[string]string
}

// NewMaker begins a table of regions, or of all.
func NewMaker(regions ...string) (*Maker, error) {
	for _, region := range regions {
		if !prices.IsRegion(region) {
			return nil, fmt.Errorf("%.40q is not the name of a region, such as eu-central-1", region)
		}
	}
	empty := prices.Table{Form: prices.Form, Global: map[string]float64{}, Regions: map[string]map[string]float64{}}
	return &Maker{regions: regions, by: selectors(), services: map[string]bool{}, disputed: map[[2]string]bool{},
		odd: map[string]string{}, table: empty}, nil
}

// Add reads the file of a service.
func (m *Maker) Add(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		packed, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("unpacking it: %w", err)
		}
		defer packed.Close()
		in = bufio.NewReaderSize(packed, 1<<16)
	}
	f := &file{maker: m, products: map[string]*product{}}
	var err error
	if first, _ := in.Peek(1); string(first) == "{" {
		err = f.readJSON(in)
	} else {
		err = f.readCSV(in)
	}
	if err != nil {
		return err
	}
	return f.finish()
}

// Table returns the table of what was read, and what is to be said of it: prices that are left out, and services of
// which nothing was found.
func (m *Maker) Table() (*prices.Table, []string, error) {
	t := m.table
	if len(t.Regions) == 0 {
		return nil, nil, errors.New("the files have no prices of the regions that are asked for")
	}
	var notes []string
	for _, at := range slices.SortedFunc(maps.Keys(m.disputed), func(x, y [2]string) int {
		return slices.Compare(x[:], y[:])
	}) {
		notes = append(notes, fmt.Sprintf("left out, as there is more than one price: %s in %s", at[1], at[0]))
	}
	for _, key := range slices.Sorted(maps.Keys(m.odd)) {
		notes = append(notes, fmt.Sprintf("left out, as it is of an unknown unit, %q: %s", m.odd[key], key))
	}
	for _, service := range Services() {
		if !m.services[service] {
			notes = append(notes, "nothing found of "+service)
		}
	}
	for _, region := range m.regions {
		if t.Regions[region] == nil {
			notes = append(notes, "nothing found of "+region)
		}
	}
	t.Date, t.Source = m.date, "AWS Price List of "+strings.Join(slices.Sorted(maps.Keys(m.services)), ", ")
	if len(t.Source) > 200 {
		t.Source = fmt.Sprintf("AWS Price List of %d services", len(m.services))
	}
	return &t, notes, nil
}

// file is one file that is being read.
type file struct {
	maker *Maker
	// service is that of the products that do not say it themselves; published is when it was made.
	service, published string
	// products are those whose price a table holds, by SKU.
	products map[string]*product
}

// product is what a table has the price of.
type product struct {
	region, key, service string
	units                map[string]float64
	// price is the one found, from an amount of usage, since a day; found tells that there is one.
	price, from float64
	since       string
	found       bool
}

// product keeps a product if a table holds its price. Names of attributes are in lower case.
func (f *file) product(sku string, attributes map[string]string) *product {
	service := attributes["servicecode"]
	if service == "" {
		service = f.service
	}
	for _, s := range f.maker.by[service] {
		region, key := s.match(attributes)
		if key == "" || !s.global && len(f.maker.regions) > 0 && !slices.Contains(f.maker.regions, region) {
			continue
		}
		p := &product{region: region, key: key, service: service, units: s.units}
		f.products[sku] = p
		return p
	}
	return nil
}

// rate is one price of a product, from an amount of usage on.
type rate struct {
	since, from, unit, dollars string
}

// take keeps a rate if it is the product's price: of those that hold on the day of the file the latest, and of these
// the one for the first units that cost anything.
func (f *file) take(p *product, r rate) error {
	price, err := strconv.ParseFloat(r.dollars, 64)
	if err != nil || math.IsNaN(price) || math.IsInf(price, 0) || price < 0 {
		return fmt.Errorf("the price of %s is %.40q: it is no amount of dollars", p.key, r.dollars)
	}
	from := 0.0
	if r.from != "" {
		if from, err = strconv.ParseFloat(r.from, 64); err != nil {
			return fmt.Errorf("a price of %s is for usage from %.40q on: it is no number", p.key, r.from)
		}
	}
	if price == 0 || f.published != "" && len(r.since) >= 10 && r.since[:10] > f.published {
		return nil
	}
	if p.units != nil {
		factor, known := p.units[strings.ToLower(r.unit)]
		if !known {
			f.maker.odd[p.key] = r.unit
			return nil
		}
		price *= factor
	}
	if !p.found || r.since > p.since || r.since == p.since && from < p.from {
		p.price, p.from, p.since, p.found = price, from, r.since, true
	}
	return nil
}

// finish puts what was found into the table. Two products of one key with different prices are a mistake of the
// selectors: neither is guessed to be the right one.
func (f *file) finish() error {
	if len(f.published) < 10 {
		return errors.New("it does not say when it was published: is it a file of AWS's Price List?")
	}
	m := f.maker
	for _, sku := range slices.Sorted(maps.Keys(f.products)) {
		p := f.products[sku]
		if !p.found {
			continue
		}
		into := m.table.Global
		if p.region != "" {
			if m.table.Regions[p.region] == nil {
				m.table.Regions[p.region] = map[string]float64{}
			}
			into = m.table.Regions[p.region]
		}
		at := [2]string{p.region, p.key}
		// The factors of units leave more digits than a price has.
		price, err := strconv.ParseFloat(strconv.FormatFloat(p.price, 'g', 12, 64), 64)
		if err != nil {
			return err
		}
		if old, has := into[p.key]; m.disputed[at] || has && old != price {
			m.disputed[at] = true
			delete(into, p.key)
			continue
		}
		into[p.key] = price
		m.services[p.service] = true
	}
	if m.date == "" || f.published < m.date {
		m.date = f.published
	}
	return nil
}

// day is the day of a time as 2026-11-29T08:00:00Z; empty where it is none.
func day(text string) string {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return ""
	}
	return text[:10]
}
