package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"dossier.example/app/internal/teststores"
)

// accessLog is a proxy before the site that writes down what the access logs of proxies and load balancers hold, and
// more: each request line, its Referer, and where the answer leads.
type accessLog struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string
}

func newAccessLog(t *testing.T, site string) *accessLog {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	l := &accessLog{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(res *http.Response) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.lines = append(l.lines, fmt.Sprintf("%s %s, referer %q, status %d, location %q", res.Request.Method,
				res.Request.URL.RequestURI(), res.Request.Referer(), res.StatusCode, res.Header.Get("Location")))
			return nil
		},
	}
	l.Server = httptest.NewServer(proxy)
	t.Cleanup(l.Close)
	return l
}

// addressesHoldNoSecret goes through all that people do with a receipt and with the staff's key, and searches the
// access log of a proxy and the site's own log for both.
func (c *chromium) addressesHoldNoSecret(t *testing.T, scripts bool) {
	const key = "the key of these staff"
	address, data := freeAddress(t), teststores.Migrated(t)
	log := newAccessLog(t, "http://"+address)
	server := start(t, address, []string{"DOSSIER_DATA=" + data, "DOSSIER_STAFF_SECRET=" + key,
		"DOSSIER_PUBLIC_URL=" + log.URL, "DOSSIER_LOG_LEVEL=debug"})
	tab := func() *tab {
		p := c.tab(t, log.URL)
		if !scripts {
			p.withoutScripts()
		}
		return p
	}
	files := makeFiles(t)[:2]

	submitter := tab()
	submitter.open("/", http.StatusOK)
	if scripts {
		submitter.ready()
	}
	submitter.submission(files...)
	submitter.do(chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	submitter.until("the receipt is there",
		`location.pathname.startsWith("/receipt/") && document.querySelector("#receipt-link")`)
	link := submitter.value("#receipt-link")
	path := receiptPath(t, link[len(link)-64:])
	submitter.listed(files)
	submitter.download(chromedp.Click(chromedp.CSS(".table-files tbody a")))
	submitter.download(chromedp.Click(chromedp.CSS(".total a")))

	other := tab()
	if scripts {
		other.open("/receipt", http.StatusOK)
		other.audit("open")
		other.fill("#receipt", "https://"+link[:len(link)-1])
		other.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS("main button")))
		other.audit("open-fault")
		other.follow(link)
		other.ready()
	} else {
		other.load(http.StatusOK, chromedp.Navigate(link))
		other.fill("#receipt", "https://"+link[:len(link)-1])
		other.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS("main button")))
		other.fill("#receipt", link)
		other.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	}
	if got := other.location(); got != log.URL+path {
		other.errorf("the receipt is at %s, want %s", got, path)
	}
	other.listed(files)
	if scripts {
		other.audit("receipt-opened")
		other.load(http.StatusOK, chromedp.Click(chromedp.CSS(".link-panel a")))
		other.audit("link")
		other.load(http.StatusOK, chromedp.Navigate(log.URL+path))
	}
	other.load(http.StatusOK, chromedp.Reload())
	other.download(chromedp.Click(chromedp.CSS(".table-files tbody a")))

	staff := tab()
	staff.open("/staff/sign-in#key="+url.PathEscape(key), http.StatusOK)
	if !scripts {
		staff.fill("#key", key)
	} else if got := staff.location(); got != log.URL+"/staff/sign-in" {
		staff.errorf("the key stays in the address %s", got)
	}
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people tbody a")))
	if scripts {
		person := staff.location()
		staff.load(http.StatusOK, chromedp.Navigate(person+"/link"))
		staff.audit("link-staff")
		staff.load(http.StatusOK, chromedp.Navigate(person))
	}
	staff.download(chromedp.Click(chromedp.CSS(".cell-action a")))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("tbody tr:nth-child(2) .danger")))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".site-nav button")))
	staff.shows("Staff sign-in")

	other.load(http.StatusOK, chromedp.Reload())
	other.listed(files[:1])
	if scripts {
		other.ready() // its script asks for nothing any more
	}

	server.kill()
	log.mu.Lock()
	lines := strings.Join(log.lines, "\n")
	log.mu.Unlock()
	if !strings.Contains(lines, "GET "+path+", ") || !strings.Contains(lines, "POST /staff/sign-out, ") ||
		!strings.Contains(lines, path+"/files.zip, referer \""+log.URL+path) {
		t.Errorf("the access log does not hold what was done:\n%s", lines)
	}
	receipt := link[len(link)-64:]
	// The first 21 characters are the id of the person, which is no secret.
	for _, secret := range []string{receipt[22:42], receipt[40:], key, url.QueryEscape(key), url.PathEscape(key)} {
		if strings.Contains(lines, secret) {
			t.Errorf("the access log holds %q:\n%s", secret, lines)
		}
		if strings.Contains(server.output.String(), secret) {
			t.Errorf("the site's log holds %q:\n%s", secret, server.output)
		}
	}

	// What former releases gave away still opens, and is told to nobody else.
	log.mu.Lock()
	log.lines = nil
	log.mu.Unlock()
	server = start(t, address, []string{"DOSSIER_DATA=" + data, "DOSSIER_STAFF_SECRET=" + key,
		"DOSSIER_PUBLIC_URL=" + log.URL, "DOSSIER_LOG_LEVEL=debug"})
	former := tab()
	former.load(http.StatusOK, chromedp.Navigate(log.URL+"/receipt/"+receipt))
	if got := former.location(); got != log.URL+path {
		former.errorf("the former link leads to %s, want %s", got, path)
	}
	former.listed(files[:1])
	former.open("/staff/sign-in?key="+url.QueryEscape(key), http.StatusOK)
	if got := former.location(); scripts && got != log.URL+"/staff/sign-in" {
		former.errorf("the key stays in the address %s", got)
	}
	former.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	former.shows("Ada Lovelace")
	server.kill()
	log.mu.Lock()
	defer log.mu.Unlock()
	for i, line := range log.lines {
		sent, rest, _ := strings.Cut(line, ", referer ")
		if strings.Contains(rest, receipt[22:]) || strings.Contains(rest, url.QueryEscape(key)) {
			t.Errorf("a former link is told on: line %d: %s, referer %s", i, sent, rest)
		}
	}
	if strings.Contains(server.output.String(), receipt[22:]) || strings.Contains(server.output.String(), key) {
		t.Errorf("the site's log holds a secret:\n%s", server.output)
	}
}
