package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// registered registers people by the API, the first first.
func registered(t *testing.T, base string, people ...string) {
	t.Helper()
	for _, p := range people {
		name, location, _ := strings.Cut(p, ", ")
		body := fmt.Sprintf(`{"name": %q, "location": %q, "age": %d, "technology": "Go"}`, name, location, 20+len(name))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/people",
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode >= 300 {
			t.Fatalf("register %s: status %d", p, answer.StatusCode)
		}
	}
}

// names returns whom the directory lists.
func (p *tab) names() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(".table-people tbody th")].map(e => e.innerText)`)
}

func (p *tab) lists(names ...string) {
	p.t.Helper()
	if got := p.names(); !slices.Equal(got, names) {
		p.errorf("the directory lists %q, want %q", got, names)
	}
}

// query returns the query of the page's address.
func (p *tab) query() url.Values {
	p.t.Helper()
	at, err := url.Parse(p.location())
	if err != nil {
		p.t.Fatal(err)
	}
	return at.Query()
}

// inArchive returns the names of what a ZIP has.
func inArchive(t *testing.T, content []byte) (names []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}

// directory filters, sorts and selects, with mouse and keys.
func (c *chromium) directory(t *testing.T) {
	base, data := site(t)
	registered(t, base, "Ada Lovelace, London", "Grace Hopper, New York", "Barbara Liskov, Los Angeles")
	p := c.tab(t, base)
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride,
			emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Paris"})
		return err
	})
	p.signIn(data)
	p.lists("Barbara Liskov", "Grace Hopper", "Ada Lovelace")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("thead th:nth-child(2) a")))
	p.lists("Ada Lovelace", "Barbara Liskov", "Grace Hopper")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("thead th:nth-child(2) a")))
	p.lists("Grace Hopper", "Barbara Liskov", "Ada Lovelace")

	// What is empty is not in the address, and the days are those of the reader's clock.
	p.do(chromedp.Click(chromedp.CSS(".filters-more summary")))
	p.audit("directory-filters-open")
	p.fill("#location", "lo")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".filter-apply button")))
	p.lists("Barbara Liskov", "Ada Lovelace")
	if got := p.query().Encode(); got != "location=lo&sort=-name" {
		p.errorf("the address has %q", got)
	}
	if !eval[bool](p, `document.querySelector(".filters-more").open`) {
		p.errorf("filters that are set are folded on a wide screen")
	}
	p.shows("Location: lo", "(Europe/Paris)")
	filtered := p.location()
	eval[bool](p, `document.querySelector("#submitted_from").value = new Date().getFullYear() - 1 + "-01-01", true`)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".filter-apply button")))
	if got := p.query(); got.Get("zone") != "Europe/Paris" || got.Has("submitted_to") {
		p.errorf("the address has %v", got)
	}
	p.lists("Barbara Liskov", "Ada Lovelace")
	p.audit("directory-filtered")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".chip:nth-child(2) a")))
	if at := p.location(); at != filtered {
		p.errorf("without the days, the address is %s, want %s", at, filtered)
	}
	eval[bool](p, `history.back(), true`)
	p.until("back are the days", `location.search.includes("submitted_from") && document.readyState === "complete"`)
	p.lists("Barbara Liskov", "Ada Lovelace")

	p.open("/people?age_from=x", http.StatusUnprocessableEntity)
	p.focused("summary")
	p.audit("directory-fault")
	p.open("/people?location=lo&name=grace", http.StatusOK)
	p.shows("1 person without Location: lo", "2 people without Name: grace")

	// Selecting by mouse, by a range, and by keys.
	p.open("/people?sort=name", http.StatusOK)
	p.do(chromedp.Click(chromedp.CSS(`button[value=zip]`)))
	p.until("nobody is selected", `document.querySelector("[data-bulk-count]").innerText === "Select people first."`)
	p.do(chromedp.Click(chromedp.CSS("tbody tr:nth-child(1) input")))
	p.until("one is selected", `document.querySelector("[data-bulk-count]").innerText === "1 person selected"`)
	eval[bool](p, `document.querySelector("tbody tr:nth-child(3) input")
		.dispatchEvent(new MouseEvent("click", {shiftKey: true, bubbles: true})), true`)
	p.until("a range is selected", `document.querySelector("[data-bulk-count]").innerText === "3 people selected"`)
	eval[bool](p, `document.querySelector("tbody tr:nth-child(2) input").focus(), true`)
	p.do(chromedp.KeyEvent(" "))
	p.until("a key leaves one out", `document.querySelector("[data-bulk-count]").innerText === "2 people selected"
		&& document.querySelector("thead input").indeterminate`)
	p.audit("directory-selected")
	name, content := p.download(chromedp.Click(chromedp.CSS(`button[value=csv]`)))
	if csv := string(content); name != "people.csv" || !strings.Contains(csv, "Ada Lovelace") ||
		!strings.Contains(csv, "Grace Hopper") || strings.Contains(csv, "Liskov") {
		p.errorf("%s has %q, want the two who are selected", name, csv)
	}
	p.do(chromedp.Click(chromedp.CSS("thead input")))
	p.until("everybody is selected", `document.querySelector("[data-bulk-count]").innerText === "3 people selected"`)
	name, content = p.download(chromedp.Click(chromedp.CSS(`button[value=zip]`)))
	if got := inArchive(t, content); !strings.HasSuffix(name, ".zip") || !slices.Equal(got, []string{"Contents.txt"}) {
		p.errorf("%s has %q", name, got)
	}

	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch,
		chromedp.EmulateScale(3)))
	p.open("/people?location=lo", http.StatusOK)
	if eval[bool](p, `document.querySelector(".filters-more").open`) {
		p.errorf("on a phone, filters that are set are not folded")
	}
	p.do(chromedp.Tap(chromedp.CSS("tbody tr:nth-child(1) label")))
	p.until("a thumb selects", `document.querySelector("[data-bulk-count]").innerText === "1 person selected"`)
}

// directoryWithoutJavaScript filters and selects by what HTML alone can do.
func (c *chromium) directoryWithoutJavaScript(t *testing.T) {
	base, data := site(t)
	registered(t, base, "Ada Lovelace, London", "Grace Hopper, New York")
	p := c.tab(t, base)
	p.signIn(data) // by the script that takes the key from the address
	p.withoutScripts()
	p.open("/people", http.StatusOK)
	p.do(chromedp.Click(chromedp.CSS(".filters-more summary")))
	p.fill("#location", "york")
	p.do(chromedp.Click(chromedp.CSS(".filter-apply button")))
	p.until("the list is filtered", `location.search === "?location=york" && document.readyState === "complete"`)
	p.lists("Grace Hopper")
	p.do(chromedp.Click(chromedp.CSS(".filters-more summary")))
	p.shows("(UTC)")
	p.do(chromedp.Click(chromedp.CSS(`button[value=csv]`)))
	p.until("nobody is selected", `document.querySelector(".flash")?.innerText.startsWith("Nobody is selected")`)
	if got := p.query().Encode(); got != "location=york" {
		p.errorf("the way back has %q", got)
	}
	p.do(chromedp.Click(chromedp.CSS("tbody input")))
	if _, content := p.download(chromedp.Click(chromedp.CSS(`button[value=csv]`))); !strings.Contains(string(content),
		"Grace Hopper") {
		p.errorf("the list is %q", content)
	}
}
