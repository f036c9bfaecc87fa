package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/app/internal/teststores"
)

// everyState looks at every page in every state that it can have, with the texts and the data that it may meet: each
// alert, badge, question, receipt and list, in light and dark, wide and narrow. The states are those of the templates'
// own tests, which write them as they are served.
func (c *chromium) everyState(t *testing.T) {
	dir := teststores.Folder(t)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count", "1", "-run", "^TestPreview$", "dossier.example/app/web")
	cmd.Env = append(os.Environ(), "DOSSIER_PREVIEW="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write the pages: %v\n%s", err, out)
	}
	writeFile(t, filepath.Join(dir, "picture.png"), landscape(t))
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) < 50 {
		t.Fatalf("there are %d pages, %v", len(pages), err)
	}
	slices.Sort(pages)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	p := c.tab(t, server.URL)
	p.expectNoise = true // the pages' scripts ask for an API that is not there
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".html")
		p.open("/"+name+".html", http.StatusOK)
		for _, as := range []struct {
			width   int64
			scheme  string
			colours bool
		}{{1280, "light", false}, {1280, "dark", true}, {390, "light", true}, {390, "dark", true}} {
			p.do(look(as.width, as.scheme))
			for _, v := range p.violations(as.colours) {
				p.errorf("%s, %d pixels wide, %s: axe-core finds %s: %s\n%s", name, as.width, as.scheme, v.ID, v.Help,
					strings.Join(v.Nodes, "\n"))
			}
			if over := p.sideways(); over > 0 {
				p.errorf("%s scrolls sideways by %v pixels at %d", name, over, as.width)
			}
			p.shoot("state-" + name + "-" + as.scheme + map[bool]string{true: "-narrow"}[as.width < 500])
		}
	}
}
