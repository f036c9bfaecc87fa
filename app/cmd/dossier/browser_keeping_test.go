package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// first has every page of the tab run a script before its own.
func (p *tab) first(script string) {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// noDatabase has browsers whose database fails, or never answers: files are sent all the same.
func (c *chromium) noDatabase(t *testing.T, s *gatedSite) {
	for name, script := range map[string]string{
		"refused": `Object.defineProperty(self, "indexedDB",
			{ get() { throw new DOMException("no", "SecurityError") } })`,
		"full": `IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError") }`,
		// As Safari's private windows keep records, but none with a file in it.
		"without files": `{
			const { put } = IDBObjectStore.prototype;
			IDBObjectStore.prototype.put = function (record) {
				return record.file ? this.add(record) : put.call(this, record);
			};
		}`,
		"silent": `IDBFactory.prototype.open = () =>
			Object.setPrototypeOf(new EventTarget(), IDBOpenDBRequest.prototype)`,
	} {
		t.Run(name, func(t *testing.T) {
			p := c.tab(t, s.app.URL)
			p.first(script)
			files := makeFiles(t)[:2]
			p.send(files...)
			p.arrives(files...)
		})
	}
}

// closedMeanwhile has the person deleted, or the link replaced, while files are sent: the page does not call them safe.
func (c *chromium) closedMeanwhile(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/files/")
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/complete") {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code": "unauthorized", "detail": "no"}`) // the page tells
		return true
	})
	p.send(makeFiles(t)[0])
	p.says("0 of 1 file is stored")
	p.says("This receipt no longer opens")
	if eval[bool](p, `document.body.innerText.includes("Stored files are safe")`) {
		p.errorf("the page calls files safe that its receipt does not open")
	}
}

// noCookies has a browser that keeps nothing of the site's, as its settings may say: what is sent is stored, and the
// link of the receipt, which does not open there, is shown.
func (c *chromium) noCookies(t *testing.T, s *gatedSite) {
	withoutCookies := func(p *tab) {
		p.call(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetDocumentCookieDisabled,
				emulation.SetDocumentCookieDisabledParams{Disabled: true})
			return err
		})
		p.first(`LockManager.prototype.request = async () => { throw new DOMException("no", "SecurityError") };
			Object.defineProperty(self, "indexedDB", { get() { throw new DOMException("no", "SecurityError") } })`)
	}
	s.app.with(t, func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Cookie")
		return false
	})
	p := c.tab(t, s.app.URL)
	withoutCookies(p)
	files := makeFiles(t)[:2]
	p.send(files...)
	p.says("This browser does not accept cookies from this site")
	p.shows("no one can send it to you again")
	p.audit("no-cookies")
	link := p.value("textarea.link-field")
	p.do(chromedp.Navigate(link))
	p.says("Allow cookies for this site, then reload the page.")
	if at := p.location(); at != link {
		p.errorf("the page is at %s, and its reload does not open %s", at, link)
	}

	p.open("/staff/sign-in", http.StatusOK)
	p.says("no one can sign in without them")

	plain := c.tab(t, s.app.URL)
	withoutCookies(plain)
	plain.first(`self.Worker = undefined`)
	plain.open("/", http.StatusOK)
	plain.submission(files...)
	plain.load(http.StatusUnauthorized, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	plain.shows("this browser does not accept cookies from this site: allow them", "send the same form, again")

	s.app.pass()
	other := c.tab(t, s.app.URL)
	other.follow(link)
	other.arrives(files...)
	if !strings.HasPrefix(link, s.app.URL+"/receipt#") {
		t.Errorf("the page shows the link %q", link)
	}
}
