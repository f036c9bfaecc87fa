package dossier_test

import (
	"errors"
	"strings"
	"testing"

	dossier "dossier.example/app"
)

// The smallest beginnings by which bytes are known.
var (
	pdf  = []byte("%PDF-1.7\n%âãÏÓ\n")
	png  = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	text = []byte(strings.Repeat("Just words. ", 1000))
)

func TestFileTypes(t *testing.T) {
	limits := dossier.DefaultLimits()
	limits.Types = "application/pdf,image/*"
	const refusal = "Only PDF and pictures can be accepted, but this file is text/plain."
	for way, send := range map[string]func(*testing.T, stores, *dossier.Service, dossier.Receipt, upload) error{
		"form": func(t *testing.T, _ stores, svc *dossier.Service, r dossier.Receipt, f upload) error {
			out, err := submit(t.Context(), svc, r, []upload{f})
			if err != nil {
				t.Fatal(err)
			}
			if why := out[0].Err; why != nil {
				return why
			}
			return nil
		},
		"direct": func(t *testing.T, s stores, svc *dossier.Service, r dossier.Receipt, f upload) error {
			_, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), f)
			return err
		},
	} {
		t.Run(way, func(t *testing.T) {
			s := embedded(t)
			svc := s.service(limits)
			for _, c := range []struct {
				file     upload
				accepted bool
			}{
				{upload{"a.pdf", pdf}, true}, {upload{"a.txt", png}, true}, {upload{"b.pdf", text}, false},
				{upload{"c.pdf", nil}, false}, {upload{"d.png", []byte("<html>")}, false},
			} {
				r := dossier.NewReceipt()
				err := send(t, s, svc, r, c.file)
				if (err == nil) != c.accepted || err != nil && !errors.Is(err, dossier.ErrType) {
					t.Errorf("%s: got %v, want it accepted: %t", c.file.name, err, c.accepted)
				}
				if c.file.name == "b.pdf" && (err == nil || !strings.Contains(err.Error(), refusal)) {
					t.Errorf("got %v, want %s", err, refusal)
				}
				files := 0
				for _, err := range s.catalog.All(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					files++
				}
				want := map[string]int{"a.pdf": 1}[c.file.name]
				if want == 0 {
					want = 2 // what was refused leaves neither a record nor
				}
				objects := 0
				for _, err := range s.objects.List(t.Context(), dossier.ObjectPrefix, "") {
					if err != nil {
						t.Fatal(err)
					}
					objects++ // an object
				}
				if files != want || objects != want {
					t.Errorf("after %s there are %d records and %d objects, want %d", c.file.name, files, objects, want)
				}
			}
		})
	}
}

func TestTypesInWords(t *testing.T) {
	for types, want := range map[string]string{
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document,application/vnd.oasis.opendocument.text," +
			"text/csv": "Word (.docx), OpenDocument text (.odt) and CSV",
		"application/zip,text/plain,application/x-tar": "ZIP, plain text and application/x-tar",
		"": "", "*/*": "", "image/png,*/*": "", "image/*": "pictures", "application/pdf,image/*": "PDF and pictures",
		"application/pdf,image/png,video/*,text/csv": "PDF, PNG, video and CSV",
	} {
		if got := (dossier.Limits{Types: types}).TypesInWords(); got != want {
			t.Errorf("%s: got %q, want %q", types, got, want)
		}
	}
}
