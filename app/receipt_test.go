package dossier

import (
	"errors"
	"testing"
	"time"
)

func TestReceipt(t *testing.T) {
	r := NewReceipt()
	got, err := ParseReceipt(r.String())
	if err != nil || got != r {
		t.Fatalf("round trip of a receipt: %v", err)
	}
	p := Person{ID: r.Person, ReceiptHash: r.Hash()}
	if !r.Opens(p) {
		t.Error("a receipt does not open its own person")
	}
	other := r
	other.Secret[0] ^= 1
	if other.Opens(p) || r.Opens(Person{}) {
		t.Error("a receipt opens what is not its own")
	}
	for _, bad := range []string{"", r.String()[1:], r.String() + "A", r.String()[:63] + "=", r.String()[:63] + "\n", r.String()[:62] + "\r\n", NewReceipt().Person.String()} {
		if _, err := ParseReceipt(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParseReceipt of a damaged receipt: %v, want ErrNotFound", err)
		}
	}
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(NewReceipt().String())
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReceipt(s)
		if err != nil {
			if !errors.Is(err, ErrNotFound) || r != (Receipt{}) {
				t.Fatalf("ParseReceipt(%q) = %v, %v", s, r, err)
			}
			return
		}
		if r.String() != s {
			t.Fatalf("two texts for one receipt: %q and %q", s, r.String())
		}
	})
}

func TestCursor(t *testing.T) {
	c := Cursor{CreatedAt: time.Date(2026, 11, 24, 1, 2, 3, 4000, time.UTC), ID: NewPersonID()}
	if got, err := ParseCursor(c.String()); err != nil || got != c {
		t.Errorf("round trip: %v, %v", got, err)
	}
	if got, err := ParseCursor(""); err != nil || !got.IsZero() {
		t.Errorf("the empty cursor: %v, %v", got, err)
	}
	for _, bad := range []string{"x", c.String() + "x", c.String()[:31] + "=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "////////////////////////////////"} {
		if _, err := ParseCursor(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseCursor(%q): %v, want ErrMalformed", bad, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{CreatedAt: time.UnixMicro(1), ID: NewPersonID()}.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCursor(s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("ParseCursor(%q): %v", s, err)
			}
			return
		}
		if s != "" && c.String() != s {
			t.Fatalf("two texts for one cursor: %q and %q", s, c.String())
		}
	})
}
