package offers

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// preamble is how many rows say what a file in CSV is; the titles of the columns follow.
const preamble = 5

// readCSV reads a file in CSV, which has a row for each price, with all that is told of its product.
func (f *file) readCSV(r io.Reader) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord, rows.ReuseRecord, rows.LazyQuotes = -1, true, true
	for range preamble {
		row, err := rows.Read()
		if err != nil || len(row) < 2 {
			return fmt.Errorf("reading its first rows: it is neither JSON nor CSV of AWS's Price List (%w)",
				errors.Join(err))
		}
		switch title(strings.TrimPrefix(row[0], "\ufeff")) {
		case "publicationdate":
			f.published = day(row[1])
		case "offercode":
			f.service = row[1]
		}
	}
	row, err := rows.Read()
	if err != nil {
		return fmt.Errorf("reading the titles of its columns: %w", err)
	}
	titles, columns := make([]string, len(row)), map[string]int{}
	for i, text := range row {
		titles[i] = title(text)
		columns[titles[i]] = i
	}
	for _, needed := range []string{"sku", "termtype", "unit", "priceperunit", "currency", "usagetype"} {
		if _, has := columns[needed]; !has {
			return fmt.Errorf("its columns lack %q: is it a file of AWS's Price List?", needed)
		}
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading its rows: %w", err)
		}
		at := func(name string) string {
			if i, has := columns[name]; has && i < len(row) {
				return row[i]
			}
			return ""
		}
		if sku := at("sku"); at("termtype") == "OnDemand" && at("currency") == "USD" {
			p := f.products[sku]
			if p == nil {
				attributes := make(map[string]string, len(row))
				for i, text := range row {
					if i < len(titles) && text != "" {
						attributes[titles[i]] = strings.Clone(text)
					}
				}
				if p = f.product(strings.Clone(sku), attributes); p == nil {
					continue
				}
			}
			if err := f.take(p, rate{strings.Clone(at("effectivedate")), at("startingrange"), strings.Clone(at("unit")),
				at("priceperunit")}); err != nil {
				return err
			}
		}
	}
}

// title is that of a column as the attribute in JSON is called, in lower case.
func title(text string) string {
	text = strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(text))
	if text == "preinstalleds/w" {
		return "preinstalledsw"
	}
	return text
}
