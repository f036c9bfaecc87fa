package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"dossier.example/app/internal/teststores"
)

// everyState looks at every page in every state that it can have, with the texts and the data that it may meet: each
// alert, badge, question, receipt and list, wide and narrow, in light and dark. The states are those of the templates'
// own tests, which write them as they are served.
func (c *chromium) everyState(t *testing.T) {
	dir := teststores.Folder(t)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count", "1", "-run", "^TestPreview$",
		"dossier.example/app/web")
	cmd.Env = append(os.Environ(), "DOSSIER_PREVIEW="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write the pages: %v\n%s", err, out)
	}
	writeFile(t, filepath.Join(dir, "picture.png"), portrait(t))
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) < 50 {
		t.Fatalf("there are %d pages, %v", len(pages), err)
	}
	slices.Sort(pages)
	site := http.NewServeMux()
	site.Handle("/", http.FileServer(http.Dir(dir)))
	// A browser keeps what it compiled of a script that it got by an address, and so of axe-core for all pages.
	site.HandleFunc("/axe.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=86400")
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = io.WriteString(w, c.axe)
	})
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	p := c.tab(t, server.URL)
	p.expect("/api/v1/") // is not there
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride,
			emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"})
		return err
	})
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".html")
		p.open("/"+name+".html", http.StatusOK)
		eval[bool](p, `new Promise((loaded, failed) => {
			const script = document.createElement("script");
			script.src = "/axe.js";
			script.onload = () => { script.remove(); loaded(true); };
			script.onerror = failed;
			document.head.append(script);
		})`, chromedp.EvalAwaitPromise)
		for _, as := range []struct {
			width  int64
			scheme string
		}{{1280, "light"}, {390, "light"}, {390, "dark"}} {
			// Colors are all that a page in the dark differs in.
			p.inspect(name, as.width, as.scheme, as.scheme == "dark")
			if cut := eval[[]string](p, `[...document.querySelectorAll(".file-preview img")].filter(img => {
				const [a, b] = [img, img.parentElement].map(e => e.getBoundingClientRect());
				return a.top < b.top - 1 || a.bottom > b.bottom + 1 || a.left < b.left - 1 || a.right > b.right + 1 ||
					getComputedStyle(img).objectFit !== "contain";
			}).map(img => img.alt)`); len(cut) > 0 {
				p.errorf("%s, %d pixels wide, cuts the pictures %q", name, as.width, cut)
			}
			if name == "directory-full" && as.width == 1280 {
				c.oneLineEach(p)
			}
			p.shoot(fmt.Sprintf("state-%s-%d-%s", name, as.width, as.scheme))
		}
		p.reflows(name)
	}
}

// oneLineEach checks that the directory has a line for each person, many of them on a screen, and the times of the
// reader's own clock.
func (c *chromium) oneLineEach(p *tab) {
	p.t.Helper()
	rows := eval[[]float64](p, `[...document.querySelectorAll(".table-people tbody tr")]
		.map(tr => tr.getBoundingClientRect())
		.flatMap(box => box.bottom <= innerHeight ? [box.height] : [])`)
	if len(rows) < 15 || slices.Max(rows) > 40 {
		p.errorf("%d rows of up to %v pixels are on the first screen, want 15 of a line each", len(rows),
			slices.Max(append(rows, 0)))
	}
	type shown struct {
		Text, Title, ISO string
	}
	got := eval[shown](p,
		`(e => ({Text: e.textContent, Title: e.title, ISO: e.dateTime}))(document.querySelector("td time"))`)
	if want := (shown{"2026-11-24 19:35", "2026-11-24 19:35:09 UTC+05:30", "2026-11-24T14:05:09Z"}); got != want {
		p.errorf("a time is shown as %+v, want %+v", got, want)
	}
}

// portrait returns a PNG that is higher than it is wide.
func portrait(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 240, 720))
	for y := range 720 {
		for x := range 240 {
			img.Set(x, y, color.RGBA{uint8(y / 3), 110, uint8(x), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
