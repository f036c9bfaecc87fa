package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

func testSign(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	for _, part := range []dossier.Part{
		{Number: 1, Size: 0, CRC64: 0},
		{Number: 2, Size: 1000, CRC64: 0x0123456789abcdef},
		{Number: dossier.MaxParts, Size: dossier.MaxPartSize, CRC64: 1<<64 - 1},
	} {
		for _, lifetime := range []time.Duration{time.Second, time.Hour, 7 * 24 * time.Hour} {
			from := time.Now()
			r, err := s.store.Sign(s.ctx, key, uploadID, part, lifetime)
			if err != nil {
				t.Errorf("Sign(%+v, %s): %v", part, lifetime, err)
				continue
			}
			if r.Method != http.MethodPut || !strings.Contains(r.URL, uploadID) {
				t.Errorf("Sign(%+v) = %s %s; want a PUT that names the multipart upload", part, r.Method, r.URL)
			}
			// How else the checksum is sent is the store's own.
			if want := strconv.FormatInt(part.Size, 10); r.Header["Content-Length"] != want {
				t.Errorf("Sign(%+v): header %v; want the Content-Length %s", part, r.Header, want)
			}
			for name := range r.Header {
				if name != http.CanonicalHeaderKey(name) {
					t.Errorf("Sign(%+v): header %s is not canonical", part, name)
				}
			}
			// A second may be cut off, never added.
			if r.ExpiresAt.Before(from.Add(lifetime-time.Second)) || r.ExpiresAt.After(time.Now().Add(lifetime)) ||
				r.ExpiresAt.Location() != time.UTC {
				t.Errorf("Sign for %s at %s expires at %s", lifetime, from.UTC(), r.ExpiresAt)
			}
		}
	}
	part := dossier.Part{Number: 1, Size: 10}
	for _, c := range []struct {
		what     string
		key, id  string
		part     dossier.Part
		lifetime time.Duration
	}{
		{"number 0", key, uploadID, dossier.Part{Number: 0}, time.Minute},
		{"number 10,001", key, uploadID, dossier.Part{Number: dossier.MaxParts + 1}, time.Minute},
		{"negative size", key, uploadID, dossier.Part{Number: 1, Size: -1}, time.Minute},
		{"too large", key, uploadID, dossier.Part{Number: 1, Size: dossier.MaxPartSize + 1}, time.Minute},
		{"no lifetime", key, uploadID, part, 0},
		{"less than a second", key, uploadID, part, time.Second - 1},
		{"more than 7 days", key, uploadID, part, 7*24*time.Hour + 1},
		{"no multipart upload", key, "", part, time.Minute},
		{"a key never made", "files/x", uploadID, part, time.Minute},
	} {
		r, err := s.store.Sign(s.ctx, c.key, c.id, c.part, c.lifetime)
		if err == nil || errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: Sign = %+v, %v; want an error that is a fault of the program", c.what, r, err)
		}
	}
}

// sameChecksum returns 8 bytes whose CRC-64/NVME is sum. A CRC is linear in the bits of what it is of, so it proves
// nothing against somebody who means to deceive: a system of 64 equations gives the bytes.
func sameChecksum(sum uint64) []byte {
	word := func(w uint64) []byte { return binary.LittleEndian.AppendUint64(nil, w) }
	none := checksumOf(word(0))
	// Gauss: pivot[i] changes the checksum in bit i and in none above it.
	var pivot, change [64]uint64
	for i := range 64 {
		w := uint64(1) << i
		d := checksumOf(word(w)) ^ none
		for d != 0 {
			top := bits.Len64(d) - 1
			if change[top] == 0 {
				pivot[top], change[top] = w, d
				break
			}
			w, d = w^pivot[top], d^change[top]
		}
	}
	var w uint64
	for d := sum ^ none; d != 0; {
		top := bits.Len64(d) - 1
		w, d = w^pivot[top], d^change[top]
	}
	return word(w)
}

func testSentOtherwise(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	kept := newPiece(1, []byte("what is there must not change"))
	s.sendPiece(key, uploadID, kept)
	p := piecesOf(60, 3000)[0] // for the same place
	r := s.sign(key, uploadID, p.Part)
	flipped := slices.Clone(p.bytes)
	flipped[1500] ^= 4
	forged := sameChecksum(p.CRC64)
	if checksumOf(forged) != p.CRC64 {
		t.Fatal("the test makes no bytes of a given checksum")
	}
	for what, body := range map[string][]byte{
		"a bit flipped":                     flipped,
		"other bytes":                       make([]byte, p.Size),
		"a byte less":                       p.bytes[:p.Size-1],
		"a byte more":                       append(slices.Clone(p.bytes), 0),
		"nothing":                           {},
		"fewer bytes of the same checksum":  forged,
		"the same bytes twice":              append(slices.Clone(p.bytes), p.bytes...),
		"what is there already":             kept.bytes,
		"the right bytes with many behind":  append(slices.Clone(p.bytes), make([]byte, 1<<20)...),
		"the right bytes in another order":  append(slices.Clone(p.bytes[1000:]), p.bytes[:1000]...),
		"right at the start, wrong further": append(slices.Clone(p.bytes[:2999]), ^p.bytes[2999]),
	} {
		s.refuses(what, r, body)
		s.holds(key, uploadID, kept.Part)
	}
	empty := s.sign(key, uploadID, dossier.Part{Number: 2})
	s.refuses("a byte for an empty part", empty, []byte{0})
	s.refuses("bytes of the same checksum for an empty part", empty, sameChecksum(0))
	s.holds(key, uploadID, kept.Part)
	// The requests were good.
	wants(t, "what was signed", s.send(s.ctx, r, p.bytes), nil)
	wants(t, "no bytes for an empty part", s.send(s.ctx, empty, nil), nil)
	s.holds(key, uploadID, p.Part, dossier.Part{Number: 2})
	s.invisible(key)
}

// testAltered changes a signed request in every place, one at a time.
func testAltered(t *testing.T, s objectsUnderTest) {
	key, other := newObjectKey(), newObjectKey()
	uploadID := s.start(key)
	// What a change could lead to is there.
	second := s.start(key)
	foreign := s.start(other)
	p := newPiece(11, []byte("some bytes"))
	r := s.sign(key, uploadID, p.Part)
	altered := alterations(t, r.URL, map[string]string{uploadID: second, key: other, "11": "12"})
	altered["another key and its multipart upload"] = strings.NewReplacer(uploadID, foreign, key, other,
		url.QueryEscape(key), url.QueryEscape(other)).Replace(r.URL)
	for what, address := range altered {
		c := r
		c.URL = address
		wants(t, what, s.send(s.ctx, c, p.bytes), ErrRefused)
	}
	s.holds(key, uploadID)
	s.holds(key, second)
	s.holds(other, foreign)
	wants(t, "as it was signed", s.send(s.ctx, r, p.bytes), nil)
	s.holds(key, uploadID, p.Part)
}

// alterations returns signed, the address of a request, in every way that it might be altered, by what was done. Parts
// of it are put in the place of others as swaps says.
func alterations(t *testing.T, signed string, swaps map[string]string) map[string]string {
	t.Helper()
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	altered := map[string]string{}
	put := func(what string, change func(*url.URL)) {
		c := *u
		change(&c)
		if c.String() != signed {
			altered[what] = c.String()
		}
	}
	query := func(what, name string, values ...string) {
		put(what, func(c *url.URL) {
			q := c.Query()
			q[name] = values
			c.RawQuery = q.Encode()
		})
	}
	for name, values := range u.Query() {
		v := values[0]
		query("without "+name, name)
		query("empty "+name, name, "")
		query(name+" cut", name, v[:len(v)-1])
		for i := range v {
			// To another character of the same kind.
			next := map[byte]byte{'9': '8', 'z': 'y', 'Z': 'Y', '/': '.'}[v[i]]
			if next == 0 {
				next = v[i] + 1
			}
			query(fmt.Sprintf("%s changed at %d", name, i), name, v[:i]+string(next)+v[i+1:])
		}
	}
	for from, to := range swaps {
		put("in the path, "+from+" as "+to, func(c *url.URL) { c.Path = strings.ReplaceAll(c.Path, from, to) })
		for name, values := range u.Query() {
			if strings.Contains(values[0], from) && name != "X-Amz-Signature" && name != "signature" {
				query("in "+name+", "+from+" as "+to, name, strings.ReplaceAll(values[0], from, to))
			}
		}
	}
	put("something behind the path", func(c *url.URL) { c.Path += "x" })
	put("something more in the query", func(c *url.URL) { c.RawQuery += "&more=1" })
	if len(altered) < 100 {
		t.Fatalf("only %d ways to alter %s", len(altered), signed)
	}
	return altered
}

func testExpired(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	p := newPiece(1, []byte("late"))
	r, err := s.store.Sign(s.ctx, key, uploadID, p.Part, time.Second)
	must(t, "Sign", err)
	time.Sleep(time.Until(r.ExpiresAt) + 1100*time.Millisecond) // S3 counts in seconds
	s.refuses("an expired request", r, p.bytes)
	s.holds(key, uploadID)
	s.sendPiece(key, uploadID, p) // signed anew
	s.holds(key, uploadID, p.Part)
}
