package web

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"dossier.example/app"
)

// receiptJar keeps the receipts that a client has open, as a browser does, and no other cookies.
type receiptJar struct{ http.CookieJar }

// NewReceiptJar returns an empty one.
func NewReceiptJar() http.CookieJar {
	// Never fails without a list of public suffixes.
	jar, _ := cookiejar.New(nil)
	return receiptJar{jar}
}

// SetCookies implements http.CookieJar.
func (j receiptJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var kept []*http.Cookie
	for _, c := range cookies {
		if strings.HasSuffix(c.Name, "dossier_receipt") {
			kept = append(kept, c)
		}
	}
	j.CookieJar.SetCookies(u, kept)
}

// HoldReceipt makes of a request to /receipt/RECEIPT… that of a client which has the receipt open: its path names the
// person, and the receipt is in the client's jar. It leaves others alone.
func HoldReceipt(client *http.Client, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/receipt/")
	text, rest, more := strings.Cut(rest, "/")
	receipt, err := dossier.ParseReceipt(text)
	if !ok || err != nil {
		return
	}
	path := receiptPath(receipt.Person)
	if more {
		path += "/" + rest
	}
	r.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: path, RawQuery: r.URL.RawQuery}
	var cookies []*http.Cookie
	for _, name := range []string{"dossier_receipt", "__Secure-dossier_receipt"} {
		cookies = append(cookies, &http.Cookie{Name: name, Value: receipt.String(), Path: receiptPath(receipt.Person)})
	}
	client.Jar.SetCookies(r.URL, cookies)
}
