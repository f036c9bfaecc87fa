package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"dossier.example/app/api"
)

// Where nobody said at which address the site is, private links have the one that the browser used: it got it there,
// and gets it there again.
func TestLinksHaveTheAddressThatTheBrowserUsed(t *testing.T) {
	const name = "files.example.test:8443"
	for _, c := range []struct {
		name  string
		guess bool
		host  string
		want  string
	}{
		{"another name", true, name, "http://" + name},
		{"an address", true, "192.0.2.7:8080", "http://192.0.2.7:8080"},
		{"an address of IPv6", true, "[2001:db8::7]:8080", "http://[2001:db8::7]:8080"},
		{"a public URL is set", false, name, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.OriginOfRequest = c.guess })
			want := c.want
			if want == "" {
				want = s.url
			}
			receipt, _ := s.submit(t, "Ada")
			host := map[string]string{"Host": c.host}
			// The test's client goes by its own address, so it has the receipt under that.
			host["Cookie"] = "dossier_receipt=" + receipt.String()
			page := s.play(t, scenario{path: receiptPath(receipt.Person), header: host, status: 200,
				has:  []string{want + "/receipt#" + receipt.String()},
				want: map[string]string{"Cache-Control": "no-store"}})
			if c.guess && strings.Contains(page.body, s.url) {
				t.Error("the page also names the address that the site was started with")
			}
			s.play(t, scenario{path: receiptPath(receipt.Person) + "/link", header: host, status: 200,
				has: []string{want + "/receipt#"}})

			var out api.Registered
			var p api.Problem
			for path, v := range map[string]any{"/people": &out, "/nothing": &p} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+api.Prefix+path,
					strings.NewReader(`{"name": "Ada", "location": "London", "age": 36, "technology": "Go"}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Host = c.host
				r.Header.Set("Content-Type", "application/json")
				res, err := s.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if err := json.NewDecoder(res.Body).Decode(v); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
			if !strings.HasPrefix(out.ReceiptURL, want+"/receipt#") || !strings.HasPrefix(p.Type, want+"/") {
				t.Errorf("the API says %q and %q, want both at %s", out.ReceiptURL, p.Type, want)
			}
		})
	}
}

func TestIsHost(t *testing.T) {
	for _, good := range []string{"localhost", "localhost:8080", "files.example.org", "files.example.org.",
		"a_b.example:1", "127.0.0.1:65535",
		"[::1]", "[2001:db8::7]:8080", "xn--mnchen-3ya.example", strings.Repeat("a", 63) + ".example"} {
		if !isHost(good) {
			t.Errorf("%q is taken for no host", good)
		}
	}
	for _, bad := range []string{"", ":8080", "a:", "a:0", "a:65536", "a:+80", "a:80:80", "a b", "a/b", "a?b", "a#b",
		"a@b", "user:x@b", `a\b`, "a\r\nb",
		"a\"b", "a<b>", "-a", "a-", "a..b", ".a", "[::1", "::1", "[::1%25eth0]", "[127.0.0.1]", "münchen.example",
		strings.Repeat("a", 300)} {
		if isHost(bad) {
			t.Errorf("%q is taken for a host", bad)
		}
	}
	// What is no host is not repeated.
	s := newSite(t, func(o *Options) { o.OriginOfRequest = true })
	receipt, _ := s.submit(t, "Ada")
	for _, bad := range []string{"a..b", "evil.example:99999", "user@evil.example"} {
		a := s.ask(t, scenario{path: receiptPath(receipt.Person),
			header: map[string]string{"Host": bad, "Cookie": "dossier_receipt=" + receipt.String()}})
		if strings.Contains(a.body, bad) || a.status == http.StatusOK && !strings.Contains(a.body, s.url+"/receipt#") {
			t.Errorf("for the host %q the answer is %d:\n%s", bad, a.status, a.body)
		}
	}
}
