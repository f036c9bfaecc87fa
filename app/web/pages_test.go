package web_test

import (
	"archive/zip"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// boundedCatalog notes the most records that were asked for at once.
type boundedCatalog struct {
	dossier.Catalog
	most *atomic.Int64
}

func (c boundedCatalog) Files(ctx context.Context, p dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	for most := c.most.Load(); int64(limit) > most && !c.most.CompareAndSwap(most, int64(limit)); most = c.most.Load() {
	}
	return c.Catalog.Files(ctx, p, after, limit)
}

// link returns where a page's link of that relation leads to; empty where there is none.
func (a answer) link(t *testing.T, rel string) (href string) {
	t.Helper()
	a.walk(t, func(n *html.Node) {
		if n.Data == "a" && attribute(n, "rel") == rel {
			href = attribute(n, "href")
		}
	})
	return href
}

// listed returns the names of the files that a page lists, the receipt's or that of staff.
func (a answer) listed(t *testing.T) (names []string) {
	t.Helper()
	a.walk(t, func(n *html.Node) {
		if attribute(n, "class") == "file-name" {
			names = append(names, text(n))
		}
	})
	return names
}

// A person may have any number of files: every page, answer and query has a bounded number of them, and together they
// have each once.
func TestManyFiles(t *testing.T) {
	var most atomic.Int64
	o := setup{domain: dossier.Options{Limits: dossier.Limits{Files: 300}}}
	o.wrap = func(s teststores.Stores) teststores.Stores {
		s.Catalog = boundedCatalog{s.Catalog, &most}
		return s
	}
	everywhere(t, o, func(s *site) {
		t, pages := s.t, 2
		n := 104
		if _, embedded := s.stores.Objects.(web.PartReceiver); embedded {
			n, pages = 250, 3
		}
		var want []string
		var files []file
		for i := range n {
			want = append(want, fmt.Sprintf("letter %03d of ada.txt", i))
			files = append(files, file{want[i], fmt.Sprintf("Dear Charles, this is letter %d.", i)})
		}
		f := ada.with(files...)
		s.mustAccept(s.submit(f), f)
		receipt := f.parsed(t)
		size := 0
		for _, one := range files {
			size += len(one.data)
		}
		total := fmt.Sprintf("%d files, %s", n, dossier.FormatBytes(int64(size)))

		staff := way{"/people/" + receipt.Person.String(), s.session()}
		for who, way := range map[string]way{"receipt": {"/receipt/" + f.receipt, nil}, "staff": staff} {
			first := s.linked(way.path)
			most.Store(0)
			var got []string
			for page := 1; ; page++ {
				a := way.ask(s, http.MethodGet, nil)
				a.must(t, http.StatusOK, ada.name, total, `href="`+first+`/files.zip"`)
				names := a.listed(t)
				got = append(got, names...)
				if len(names) > 100 || page > pages {
					t.Fatalf("%s: page %d has %d files", who, page, len(names))
				}
				if page > 1 != (a.link(t, "first") == first) {
					t.Errorf("%s: the link of page %d to the first is %q", who, page, a.link(t, "first"))
				}
				if who == "receipt" {
					a.must(t, http.StatusOK, "Received, thank you", fmt.Sprintf("All %d files are stored", n))
				}
				if way.path = a.link(t, "next"); way.path == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the pages list %d files, want %d in order: %.300q", who, len(got), n, got)
			}
			if most.Load() > dossier.MaxFilesPage {
				t.Errorf("%s: %d records were asked for at once", who, most.Load())
			}
			// A page that was the last may be behind the end by now.
			way.path = first + "?after=" + "ffffffff-ffff-7fff-bfff-ffffffffffff"
			a := way.ask(s, http.MethodGet, nil)
			a.must(t, http.StatusOK, ada.name)
			if names := a.listed(t); len(names) != 0 || a.link(t, "first") != first || a.link(t, "next") != "" {
				t.Errorf("%s: behind the end there are %q, and links to %q and %q", who, names, a.link(t, "first"),
					a.link(t, "next"))
			}
			way.path = first + "?after=1"
			way.ask(s, http.MethodGet, nil).must(t, http.StatusBadRequest)
			way.path = first + "/files.zip"
			z := way.ask(s, http.MethodGet, nil)
			if r, err := zip.NewReader(strings.NewReader(z.body), int64(len(z.body))); err != nil || len(r.File) != n {
				t.Errorf("%s: the archive, %d bytes, is no ZIP of %d files: %v", who, len(z.body), n, err)
			}
		}

		// The API gives all, or pages.
		read := func(query url.Values) api.Receipt {
			t.Helper()
			var out api.Receipt
			s.ask(call{path: "/receipt?" + query.Encode(), receipt: f.receipt}, &out)
			return out
		}
		names := func(files []api.File) (names []string) {
			for _, one := range files {
				names = append(names, one.Name)
			}
			return names
		}
		if all := read(nil); !slices.Equal(names(all.Files), want) || all.Next != nil {
			t.Errorf("the API tells %d files, want %d", len(all.Files), n)
		}
		if a := s.ask(call{method: http.MethodHead, path: "/receipt", receipt: f.receipt}, nil); a.body != "" {
			t.Errorf("HEAD is answered %v", a)
		}
		var got []string
		for query := (url.Values{"limit": {"40"}}); ; {
			page := read(query)
			got = append(got, names(page.Files)...)
			if len(page.Files) > 40 || len(got) > n {
				t.Fatalf("a page of the API has %d files, all so far %d", len(page.Files), len(got))
			}
			if page.Next == nil {
				break
			}
			query.Set("after", *page.Next)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the pages of the API have %d files, want %d in order", len(got), n)
		}
		for _, query := range []string{"limit=0", "limit=1001", "limit=x", "after=x", "limit=-1&after=1"} {
			s.ask(call{path: "/receipt?" + query, receipt: f.receipt, status: 400, code: dossier.CodeMalformed}, nil)
		}

		// Who deletes a file comes back to the page that it was on.
		second := s.do(http.MethodGet, staff.path, staff.proof, nil).link(t, "next")
		var deletion string
		s.do(http.MethodGet, second, staff.proof, nil).walk(t, func(n *html.Node) {
			if href := attribute(n, "href"); deletion == "" && strings.Contains(href, "/files/") &&
				strings.Contains(href, "/delete") {
				deletion = href
			}
		})
		question := s.do(http.MethodGet, deletion, staff.proof, nil)
		question.must(t, http.StatusOK, want[100], `href="`+second+`"`)
		var action, token string
		question.walk(t, func(n *html.Node) {
			switch {
			case n.Data == "form" && strings.Contains(attribute(n, "action"), "/delete"):
				action = attribute(n, "action")
			case n.Data == "input" && attribute(n, "name") == "csrf":
				token = attribute(n, "value")
			}
		})
		header := staff.proof.Clone()
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := s.do(http.MethodPost, action, header, strings.NewReader(url.Values{"csrf": {token}}.Encode()))
		if a.status != http.StatusSeeOther || a.header.Get("Location") != second {
			t.Fatalf("after the deletion: %v; want 303 to %s", a, second)
		}
		if names := s.do(http.MethodGet, second, staff.proof, nil).listed(t); slices.Contains(names, want[100]) ||
			!slices.Contains(names, want[101]) {
			t.Errorf("after the deletion the page lists %q", names)
		}
	})
}
