package web_test

import (
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
)

// Whatever is asked for is asked for by the form and by the API, and found wherever a person is shown.
func TestEveryField(t *testing.T) {
	values, sent := map[string]string{}, map[string]any{}
	for i, f := range dossier.Fields {
		if f.IsNumber() {
			values[f.Name], sent[f.Name] = fmt.Sprint(f.Most-i), f.Most-i
		} else {
			value := fmt.Sprintf("Quite%d <unlike> others", i)
			values[f.Name] = strings.TrimSpace(value[:min(len(value), f.Most)])
			sent[f.Name] = values[f.Name]
		}
	}
	for by, send := range map[string]func(s *site) (receipt dossier.Receipt){
		"the form": func(s *site) dossier.Receipt {
			receipt := dossier.NewReceipt()
			parts := []part{field("receipt", receipt.String())}
			for name, value := range values {
				parts = append(parts, field(name, value))
			}
			s.post(encode(append(parts, notChosen)...)).must(t, http.StatusSeeOther)
			return receipt
		},
		"the API": func(s *site) dossier.Receipt {
			receipt := dossier.NewReceipt()
			s.ask(call{method: http.MethodPost, path: "/people", receipt: receipt.String(), body: sent}, nil)
			return receipt
		},
	} {
		t.Run(by, func(t *testing.T) {
			s := open(t, setup{})
			receipt := send(s)
			person, by := "/people/"+receipt.Person.String(), s.session()
			page := s.get(s.linked("/receipt/" + receipt.String()))
			own := s.do(http.MethodGet, person, by, nil)
			directory := s.do(http.MethodGet, "/people", by, nil)
			rows, err := csv.NewReader(strings.NewReader(s.do(http.MethodGet, "/people.csv", by, nil).body)).ReadAll()
			if err != nil || len(rows) != 2 {
				t.Fatalf("the CSV file has %q, %v", rows, err)
			}
			var told struct{ Person map[string]any }
			s.ask(call{path: "/receipt", receipt: receipt.String()}, &told)
			for _, f := range dossier.Fields {
				value := values[f.Name]
				for where, a := range map[string]answer{"the receipt": page, "the person": own,
					"the directory": directory} {
					if !strings.Contains(a.body, ">"+html.EscapeString(value)+"<") ||
						!strings.Contains(a.body, f.Label) {
						t.Errorf("%s does not show %s", where, f.Name)
					}
				}
				if i := slices.Index(rows[0], f.Name); i < 0 || rows[1][i] != value {
					t.Errorf("the CSV file has %q, which is not %s", rows, f.Name)
				}
				if got := fmt.Sprint(told.Person[f.Name]); got != value {
					t.Errorf("the API says %q for %s, want %q", got, f.Name, value)
				}
				word, _, _ := strings.Cut(value, " ")
				found := s.do(http.MethodGet, "/people?"+url.Values{"q": {word}}.Encode(), by, nil)
				found.must(t, http.StatusOK, person, "1 person")
				if hint := strings.ToLower(f.Label); !strings.Contains(directory.body, hint) {
					t.Errorf("the directory does not say that %s is searched", f.Name)
				}
			}
		})
	}
}
