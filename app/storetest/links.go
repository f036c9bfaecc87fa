package storetest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// runLinks runs the part of the suite that is about Objects.Link.
func runLinks(run func(name string, test func(t *testing.T, s objectsUnderTest))) {
	run("link", testLink)
	run("link: altered", testAlteredLink)
	run("link: expired", testExpiredLink)
}

// header is what links are made with here: nothing that a store would say of itself.
var header = dossier.ResponseHeader{
	ContentType:        "text/plain; charset=utf-8",
	ContentDisposition: `attachment; filename="_ngstr_m 100_ + ;.txt"; filename*=UTF-8''%C3%85ngstr%C3%B6m%20100%25%20%2B%20%3B.txt`,
	CacheControl:       "private, no-cache",
}

// link returns a link to key; ok is false for a store that has none, which is checked to say so of every key.
func (s objectsUnderTest) link(key string, lifetime time.Duration) (link dossier.SignedRequest, ok bool) {
	s.t.Helper()
	link, err := s.store.Link(s.ctx, key, header, lifetime)
	if errors.Is(err, errors.ErrUnsupported) {
		if _, again := s.store.Link(s.ctx, newObjectKey(), dossier.ResponseHeader{}, time.Minute); link.URL != "" || !errors.Is(again, errors.ErrUnsupported) {
			s.t.Errorf("Link = %+v, %v, and for another key %v; want errors.ErrUnsupported alone", link, err, again)
		}
		return link, false
	}
	must(s.t, "Link", err)
	return link, true
}

// fetch makes a request of a link as a browser does that was redirected to it, and returns the answer with its body.
func (s objectsUnderTest) fetch(method, address string, ask http.Header) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, method, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = ask
	res, err := http.DefaultClient.Do(r)
	must(s.t, method, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(s.t, method+": the answer breaks off", err)
	return res, body
}

func testLink(t *testing.T, s objectsUnderTest) {
	content := []byte(strings.Repeat("0123456789", 100))
	key, absent := newObjectKey(), newObjectKey()
	s.put(key, bytes.NewReader(content))
	from := time.Now()
	link, ok := s.link(key, time.Hour)
	if !ok {
		return
	}
	if link.Method != http.MethodGet || len(link.Header) != 0 {
		t.Errorf("Link = %s with %v; want a GET that needs no header", link.Method, link.Header)
	}
	// A second may be cut off, never added.
	if link.ExpiresAt.Before(from.Add(time.Hour-time.Second)) || link.ExpiresAt.After(time.Now().Add(time.Hour)) || link.ExpiresAt.Location() != time.UTC {
		t.Errorf("Link for an hour at %s expires at %s", from.UTC(), link.ExpiresAt)
	}
	for _, c := range []struct {
		name   string
		ask    http.Header
		status int
		body   []byte
	}{
		{"whole", nil, http.StatusOK, content},
		{"once more", nil, http.StatusOK, content},
		{"a range", http.Header{"Range": {"bytes=100-199"}}, http.StatusPartialContent, content[100:200]},
		{"the rest", http.Header{"Range": {"bytes=990-"}}, http.StatusPartialContent, content[990:]},
	} {
		res, body := s.fetch(http.MethodGet, link.URL, c.ask)
		if res.StatusCode != c.status || !bytes.Equal(body, c.body) {
			t.Errorf("%s: status %d and %d bytes; want %d and %d", c.name, res.StatusCode, len(body), c.status, len(c.body))
		}
		for name, want := range map[string]string{
			"Content-Type": header.ContentType, "Content-Disposition": header.ContentDisposition, "Cache-Control": header.CacheControl,
		} {
			if got := res.Header.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q; want %q", c.name, name, got, want)
			}
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		if res, _ := s.fetch(method, link.URL, nil); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s by a link that is a GET: status %d; want 403", method, res.StatusCode)
		}
	}
	s.sees(key, bytes.NewReader(content))

	if link, ok := s.link(absent, time.Minute); ok {
		if res, _ := s.fetch(http.MethodGet, link.URL, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("a link to nothing: status %d; want 404", res.StatusCode)
		}
	}
	must(t, "Delete", s.store.Delete(s.ctx, key))
	if res, _ := s.fetch(http.MethodGet, link.URL, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a link whose object was deleted: status %d; want 404", res.StatusCode)
	}

	for name, c := range map[string]struct {
		key      string
		lifetime time.Duration
	}{
		"a key never made": {"files/x", time.Minute}, "no key": {"", time.Minute}, "no time": {key, 0}, "less than a second": {key, time.Second - 1},
		"more than a week": {key, 7*24*time.Hour + 1}, "a time that is over": {key, -time.Minute},
	} {
		link, err := s.store.Link(s.ctx, c.key, header, c.lifetime)
		if err == nil || link.URL != "" || errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Link with %s: %v; want an error that is a fault of the program", name, err)
		}
	}
}

func testAlteredLink(t *testing.T, s objectsUnderTest) {
	key, other := newObjectKey(), newObjectKey()
	s.put(key, strings.NewReader("mine"))
	s.put(other, strings.NewReader("another's"))
	link, ok := s.link(key, time.Minute)
	if !ok {
		return
	}
	for what, address := range alterations(t, link.URL, map[string]string{key: other, "attachment": "inline", "text/plain": "text/html"}) {
		if res, body := s.fetch(http.MethodGet, address, nil); res.StatusCode < 400 || bytes.Contains(body, []byte("mine")) || bytes.Contains(body, []byte("another's")) {
			t.Errorf("%s: status %d, %q; want it refused", what, res.StatusCode, body)
		}
	}
	if res, body := s.fetch(http.MethodGet, link.URL, nil); res.StatusCode != http.StatusOK || string(body) != "mine" {
		t.Errorf("as it was signed: status %d, %q", res.StatusCode, body)
	}
}

func testExpiredLink(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	s.put(key, strings.NewReader("late"))
	link, ok := s.link(key, time.Second)
	if !ok {
		return
	}
	time.Sleep(time.Until(link.ExpiresAt) + 1100*time.Millisecond) // S3 counts in seconds
	if res, body := s.fetch(http.MethodGet, link.URL, nil); res.StatusCode != http.StatusForbidden || bytes.Contains(body, []byte("late")) {
		t.Errorf("a link that expired: status %d, %q; want 403", res.StatusCode, body)
	}
	if again, _ := s.link(key, time.Minute); again.URL != "" {
		if res, _ := s.fetch(http.MethodGet, again.URL, nil); res.StatusCode != http.StatusOK {
			t.Errorf("linked anew: status %d; want 200", res.StatusCode)
		}
	}
}
