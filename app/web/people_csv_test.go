package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

func TestPeopleCSV(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	// As an id sorts newest first, the last inserted is the first row.
	odd := []string{
		`Quote "Q", comma`, "=1+1", "+1", "-1", "@SUM(A1)", "＝1", "O'Brien", "Ångström", "semi;colon", "1=1",
	}
	s.insert(t, odd...)
	many := numbered(501) // more than are read at once
	s.insert(t, many...)

	a := s.play(t,
		scenario{path: "/people.csv", by: by, status: 200,
			want: map[string]string{"Content-Type": "text/csv; charset=utf-8; header=present",
				"Cache-Control": "no-store"}})
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="people.csv"`) {
		t.Errorf("Content-Disposition is %q", got)
	}
	if !strings.Contains(a.body, "\r\n") || strings.Contains(strings.ReplaceAll(a.body, "\r\n", ""), "\n") {
		t.Error("lines do not end in CRLF")
	}
	body, marked := strings.CutPrefix(a.body, "\ufeff")
	if !marked {
		t.Error("no byte-order mark, without which Excel takes the text for another encoding")
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatalf("read CSV: %v", err)
	}
	head := []string{"id"}
	for _, f := range dossier.Fields {
		head = append(head, f.Name)
	}
	if head = append(head, "submitted_at"); !slices.Equal(rows[0], head) {
		t.Errorf("header is %q, want %q", rows[0], head)
	}
	var names []string
	ids := map[string]bool{}
	for _, row := range rows[1:] {
		names = append(names, row[1])
		if _, err := dossier.ParsePersonID(row[0]); err != nil || ids[row[0]] {
			t.Errorf("id %q is none, or there twice", row[0])
		}
		ids[row[0]] = true
		if _, err := time.Parse(time.RFC3339Nano, row[len(row)-1]); err != nil || row[2] != "Oslo" || row[3] != "40" ||
			row[4] != "Go" {
			t.Errorf("row is %q", row)
		}
	}
	want := slices.Concat([]string{
		`Quote "Q", comma`, "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1", "O'Brien", "Ångström", "semi;colon", "1=1",
	}, many)
	if !slices.Equal(names, reversed(want)) {
		t.Errorf("names are %q, want %q", names, reversed(want))
	}

	s.play(t, scenario{method: "HEAD", path: "/people.csv", by: by, status: 200})

	t.Run("store fails in the middle", func(t *testing.T) {
		s.faults.set("people.Find", func(call int) error {
			if call == 2 {
				return dossier.Unavailable(context.Background(), "list", errors.New(innards))
			}
			return nil
		})
		a := s.ask(t, scenario{path: "/people.csv", by: by})
		if a.status != 200 || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("status %d, reading ends with %v, want a body that breaks off", a.status, a.err)
		}
	})
}

// A list that ends before its end is never taken for the whole: not by a client of HTTP/1.0, for which the answer lasts
// until the connection closes, nor behind a proxy that ends it as if it were whole.
func TestBrokenOffLists(t *testing.T) {
	t.Parallel()
	s, trail := newAuditSite(t)
	s.insert(t, numbered(501)...)
	for range entriesPerRead + 1 {
		e := audit.Entry{Actor: audit.Actor{ID: audit.Shared}, Action: audit.PersonView, Result: audit.Allowed}
		if err := s.server.o.Trail.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	grace := s.account(t, "Grace", staff.Administrator)
	by := s.signInAs(t, grace)
	token, _ := s.tokenOf(t, grace, 1, staff.ScopeExport)
	fails := func(call int) error {
		if call == 2 {
			return dossier.Unavailable(context.Background(), "list", errors.New(innards))
		}
		return nil
	}
	for path, header := range map[string]string{
		"/people.csv":                      "Cookie: " + by.cookie.String(),
		"/staff/audit.csv":                 "Cookie: " + by.cookie.String(),
		api.Prefix + "/staff/people.csv":   "Authorization: Bearer " + token,
		api.Prefix + "/staff/people.jsonl": "Authorization: Bearer " + token,
	} {
		for version, want := range map[string]error{"1.1": io.ErrUnexpectedEOF, "1.0": syscall.ECONNRESET} {
			s.faults.set("people.Find", fails)
			trail.breakOff(fails)
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close() // only read from
			fmt.Fprintf(c, "GET %s HTTP/%s\r\nHost: x\r\n%s\r\n\r\n", path, version, header)
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s by %s: %v, %v", path, version, res, err)
			}
			body, err := io.ReadAll(res.Body)
			if !errors.Is(err, want) {
				t.Errorf("%s by %s ends with %v, want %v", path, version, err, want)
			}
			lines := strings.Split(strings.TrimSpace(string(body)), "\n")
			last := strings.TrimSpace(lines[len(lines)-1])
			// What was on its way may be lost with a reset.
			if version == "1.1" && last != brokenOff {
				t.Errorf("%s ends with the line %q", path, last)
			}
		}
	}
}

// A spreadsheet separates cells by what its locale says, and trims them: whatever it takes for a cell begins no
// formula.
func TestPeopleCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.insert(t, `Go;=cmd|' /C calc'!A0`, "=1+1", " =1+1", "\u00a0@SUM(A1)", "a,-1", "a|+1", `a"=1`, `"=1"`,
		"a; \u200b=1", "＝1", "a;＠x",
		"a\t=1", "a\n=1", "a\r@x", `a;"-1`, "München", "2-1", "Anne-Marie", "C++", "a@b.example")
	a := s.play(t, scenario{path: "/people.csv", by: s.signIn(t), status: 200,
		has: []string{"München", "2-1", "Anne-Marie", "C++", "a@b.example", `Go;'=cmd|' /C calc'!A0`}})
	for _, separator := range []string{",", ";", "\t", "|", `"`, "\r", "\n"} {
		for cell := range strings.SplitSeq(strings.ReplaceAll(a.body, "\ufeff", ""), separator) {
			shown := strings.TrimLeftFunc(cell, func(r rune) bool {
				return r == '"' || unicode.IsSpace(r) || !unicode.IsGraphic(r)
			})
			if shown != "" && strings.ContainsAny(string([]rune(shown)[0]), "=+-@＝＋－＠") {
				t.Errorf("separated by %q a cell begins with %.20q", separator, shown)
			}
		}
	}
}
