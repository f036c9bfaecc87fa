package offers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readJSON reads a file in JSON: what it is, then products by SKU, then terms by kind and SKU. It ends after the terms
// on demand; those of reservations, which are most of the file, are of no use here.
func (f *file) readJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	products := false
	err := each(d, func(name string) (bool, error) {
		switch name {
		case "offerCode":
			return false, d.Decode(&f.service)
		case "publicationDate":
			var text string
			err := d.Decode(&text)
			f.published = day(text)
			return false, err
		case "products":
			products = true
			return false, f.readProducts(d)
		case "terms":
			if !products {
				return false, errors.New("its terms stand before its products, which no file of AWS's has so far")
			}
			return f.readTerms(d)
		}
		return false, skip(d)
	})
	if err != nil {
		return fmt.Errorf("reading its JSON: %w", err)
	}
	return nil
}

func (f *file) readProducts(d *json.Decoder) error {
	return all(d, func(sku string) error {
		var p struct {
			ProductFamily string            `json:"productFamily"`
			Attributes    map[string]string `json:"attributes"`
		}
		if err := d.Decode(&p); err != nil {
			return fmt.Errorf("product %.40q: %w", sku, err)
		}
		attributes := make(map[string]string, len(p.Attributes)+1)
		for name, value := range p.Attributes {
			attributes[strings.ToLower(name)] = value
		}
		attributes["productfamily"] = p.ProductFamily
		f.product(sku, attributes)
		return nil
	})
}

// readTerms reports whether it has read those on demand, so that nothing more is needed.
func (f *file) readTerms(d *json.Decoder) (done bool, err error) {
	err = each(d, func(kind string) (bool, error) {
		if kind != "OnDemand" {
			return false, all(d, func(string) error { return skip(d) })
		}
		done = true
		return true, all(d, func(sku string) error {
			p := f.products[sku]
			if p == nil {
				return skip(d)
			}
			var terms map[string]struct {
				EffectiveDate   string `json:"effectiveDate"`
				PriceDimensions map[string]struct {
					BeginRange   string            `json:"beginRange"`
					Unit         string            `json:"unit"`
					PricePerUnit map[string]string `json:"pricePerUnit"`
				} `json:"priceDimensions"`
			}
			if err := d.Decode(&terms); err != nil {
				return fmt.Errorf("terms of %.40q: %w", sku, err)
			}
			for _, term := range terms {
				for _, of := range term.PriceDimensions {
					dollars, is := of.PricePerUnit["USD"]
					if !is {
						continue // China has prices in yuan
					}
					if err := f.take(p, rate{term.EffectiveDate, of.BeginRange, of.Unit, dollars}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	return done, err
}

// each calls read for each name of an object, which reads the value. It ends early, in the middle of the object, when
// read says so.
func each(d *json.Decoder, read func(name string) (enough bool, err error)) error {
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, is := token.(string)
		if !is {
			return fmt.Errorf("%v stands where a name should", token)
		}
		enough, err := read(name)
		if err != nil || enough {
			return err
		}
	}
	return expect(d, json.Delim('}'))
}

// all is each to the end.
func all(d *json.Decoder, read func(name string) error) error {
	return each(d, func(name string) (bool, error) { return false, read(name) })
}

func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v stands where %v should", token, want)
	}
	return nil
}

// skipped takes a value in and keeps nothing of it.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// skip reads a value of which nothing is needed.
func skip(d *json.Decoder) error { return d.Decode(&skipped{}) }
