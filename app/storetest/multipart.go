package storetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// runMultipartUploads runs the part of the suite that is about dossier.MultipartUploads.
func runMultipartUploads(run func(name string, test func(t *testing.T, s objectsUnderTest))) {
	run("multipart upload", testMultipartUpload)
	run("multipart upload: parts sent again", testResend)
	run("multipart upload: finish refuses", testFinishRefuses)
	run("multipart upload: finish at once", testFinishAtOnce)
	run("multipart upload: signed requests", testSign)
	run("multipart upload: sent otherwise than signed", testSentOtherwise)
	run("multipart upload: altered requests", testAltered)
	run("multipart upload: expired", testExpired)
	run("multipart upload: dropped", testDropped)
	run("multipart upload: dropped while parts come", testDroppedMeanwhile)
	run("multipart upload: two to one key", testTwoUploads)
	run("multipart upload: unfinished", testUnfinished)
	run("multipart upload: many parts", testManyParts)
	run("multipart upload: one part at once", testSendAtOnce)
	run("multipart upload: unknown", testUnknownUploads)
	run("multipart upload: cancelled", testCancelledUpload)
}

// piece is a part with its bytes.
type piece struct {
	dossier.Part
	bytes []byte
}

func newPiece(number int, body []byte) piece {
	return piece{dossier.Part{Number: number, Size: int64(len(body)), CRC64: checksumOf(body)}, body}
}

func checksumOf(body []byte) uint64 {
	crc := dossier.NewCRC64()
	crc.Write(body) // a hash never fails
	return crc.Sum64()
}

// piecesOf cuts byteStream(seed, …) into pieces of the given sizes, numbered from 1.
func piecesOf(seed uint64, sizes ...int) []piece {
	var whole int64
	for _, size := range sizes {
		whole += int64(size)
	}
	source := byteStream(seed, whole)
	pieces := make([]piece, len(sizes))
	for i, size := range sizes {
		body := make([]byte, size)
		if _, err := io.ReadFull(source, body); err != nil {
			panic(err) // the stream is as long as the sizes
		}
		pieces[i] = newPiece(i+1, body)
	}
	return pieces
}

func partsOf(pieces []piece) []dossier.Part {
	var parts []dossier.Part
	for _, p := range pieces {
		parts = append(parts, p.Part)
	}
	return parts
}

// bytesOf returns what an object of the pieces has.
func bytesOf(pieces []piece) []byte {
	var all []byte
	for _, p := range pieces {
		all = append(all, p.bytes...)
	}
	return all
}

func wholeOf(pieces []piece) dossier.Held {
	all := bytesOf(pieces)
	return dossier.Held{Size: int64(len(all)), CRC64: checksumOf(all)}
}

func (s objectsUnderTest) start(key string) string {
	s.t.Helper()
	id, err := s.store.Start(s.ctx, key)
	if err != nil || id == "" {
		s.t.Fatalf("Start = %q, %v", id, err)
	}
	return id
}

func (s objectsUnderTest) sign(key, uploadID string, part dossier.Part) dossier.SignedRequest {
	s.t.Helper()
	r, err := s.store.Sign(s.ctx, key, uploadID, part, 5*time.Minute)
	if err != nil {
		s.t.Fatalf("Sign: %v", err)
	}
	return r
}

func (s objectsUnderTest) sendPiece(key, uploadID string, p piece) {
	s.t.Helper()
	if err := s.send(s.ctx, s.sign(key, uploadID, p.Part), p.bytes); err != nil {
		s.t.Fatalf("sending part %d of %d bytes: %v", p.Number, p.Size, err)
	}
}

// refuses fails the test unless the store refuses the request.
func (s objectsUnderTest) refuses(what string, r dossier.SignedRequest, body []byte) {
	s.t.Helper()
	if err := s.send(s.ctx, r, body); !errors.Is(err, ErrRefused) {
		s.t.Errorf("%s: %v; want it refused", what, err)
	}
}

// holds fails the test unless the multipart upload has exactly these parts.
func (s objectsUnderTest) holds(key, uploadID string, want ...dossier.Part) {
	s.t.Helper()
	if got, err := s.store.Parts(s.ctx, key, uploadID); err != nil || !slices.Equal(got, want) {
		s.t.Errorf("Parts = %+v, %v; want %+v", got, err, want)
	}
}

func (s objectsUnderTest) finish(key, uploadID string, pieces []piece) {
	s.t.Helper()
	if err := s.store.Finish(s.ctx, key, uploadID, partsOf(pieces), wholeOf(pieces)); err != nil {
		s.t.Fatalf("Finish: %v", err)
	}
}

// ended fails the test if the store still knows of a multipart upload.
func (s objectsUnderTest) ended(key, uploadID string, pieces []piece) {
	s.t.Helper()
	if parts, err := s.store.Parts(s.ctx, key, uploadID); !errors.Is(err, dossier.ErrNotFound) {
		s.t.Errorf("Parts of a multipart upload that has ended = %v, %v; want ErrNotFound", parts, err)
	}
	if err := s.store.Finish(s.ctx, key, uploadID, partsOf(pieces), wholeOf(pieces)); !errors.Is(err, dossier.ErrNotFound) {
		s.t.Errorf("Finish of a multipart upload that has ended: %v; want ErrNotFound", err)
	}
	for _, tr := range s.unfinished(time.Now().Add(time.Hour)) {
		if tr.Key == key && tr.ID == uploadID {
			s.t.Errorf("a multipart upload that has ended is listed as unfinished")
		}
	}
}

func testMultipartUpload(t *testing.T, s objectsUnderTest) {
	for i, c := range []struct {
		name  string
		sizes []int
		order []int // of sending, by index; nil: as they are
	}{
		{"no bytes", []int{0}, nil},
		{"a byte", []int{1}, nil},
		{"the least size of a part", []int{objectPartSize}, nil},
		{"a byte in the last part", []int{objectPartSize, 1}, nil},
		{"no byte in the last part", []int{objectPartSize, 0}, nil},
		{"last part first", []int{objectPartSize, objectPartSize + 1, 1000}, []int{2, 0, 1}},
		{"last part largest", []int{objectPartSize, 2 * objectPartSize}, []int{1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			key, pieces := newObjectKey(), piecesOf(uint64(i), c.sizes...)
			uploadID := s.start(key)
			s.invisible(key)
			s.holds(key, uploadID)
			if c.order == nil {
				for i := range pieces {
					c.order = append(c.order, i)
				}
			}
			var sent []dossier.Part
			for _, i := range c.order {
				s.sendPiece(key, uploadID, pieces[i])
				sent = append(sent, pieces[i].Part)
				slices.SortFunc(sent, func(a, b dossier.Part) int { return a.Number - b.Number })
				s.holds(key, uploadID, sent...)
			}
			s.invisible(key)
			from := time.Now().Add(-time.Minute)
			s.finish(key, uploadID, pieces)
			if got, err := s.store.Stat(s.ctx, key); err != nil || got != wholeOf(pieces) {
				t.Errorf("Stat = %+v, %v; want %+v", got, err, wholeOf(pieces))
			}
			s.sees(key, bytes.NewReader(bytesOf(pieces)))
			for o, err := range s.store.List(s.ctx, key) {
				if err != nil || o.Size != wholeOf(pieces).Size || o.ModifiedAt.Before(from) {
					t.Errorf("listed as %+v, %v", o, err)
				}
			}
			s.ended(key, uploadID, pieces)
			s.drop(key, uploadID)
			s.sees(key, bytes.NewReader(bytesOf(pieces)))
			late := newPiece(1, []byte("late"))
			s.refuses("a part after Finish", s.sign(key, uploadID, late.Part), late.bytes)
			if err := s.store.Delete(s.ctx, key); err != nil {
				t.Errorf("Delete: %v", err)
			}
			s.invisible(key)
		})
	}
	t.Run("numbers with gaps", func(t *testing.T) {
		s := s.in(t)
		key, pieces := newObjectKey(), piecesOf(9, objectPartSize, objectPartSize, 10)
		for i, number := range []int{2, 700, dossier.MaxParts} {
			pieces[i].Number = number
		}
		uploadID := s.start(key)
		for _, p := range pieces {
			s.sendPiece(key, uploadID, p)
		}
		s.holds(key, uploadID, partsOf(pieces)...)
		s.finish(key, uploadID, pieces)
		s.sees(key, bytes.NewReader(bytesOf(pieces)))
		if err := s.store.Delete(s.ctx, key); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
	s.nothingLeft()
}

func testResend(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	pieces := piecesOf(20, objectPartSize, 1000)
	first := s.sign(key, uploadID, pieces[1].Part)
	for range 3 { // by the same request
		if err := s.send(s.ctx, first, pieces[1].bytes); err != nil {
			t.Fatalf("sending the part: %v", err)
		}
		s.holds(key, uploadID, pieces[1].Part)
	}
	for i, size := range []int{1000, 10, 0, 5000} { // other bytes, fewer, none, more
		other := newPiece(2, piecesOf(uint64(30+i), size)[0].bytes)
		s.sendPiece(key, uploadID, other)
		s.holds(key, uploadID, other.Part)
		pieces[1] = other
	}
	s.sendPiece(key, uploadID, pieces[0])
	former := slices.Clone(pieces)
	former[1] = newPiece(2, []byte("sent before, but not last"))
	s.sendPiece(key, uploadID, former[1])
	s.sendPiece(key, uploadID, pieces[1])
	if err := s.store.Finish(s.ctx, key, uploadID, partsOf(former), wholeOf(former)); !errors.Is(err, dossier.ErrCorrupt) {
		t.Errorf("Finish with a part that was replaced: %v; want ErrCorrupt", err)
	}
	s.invisible(key)
	s.finish(key, uploadID, pieces)
	s.sees(key, bytes.NewReader(bytesOf(pieces)))
}

func testFinishRefuses(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	sent := piecesOf(40, objectPartSize, objectPartSize, 1000)
	whole := wholeOf(sent)
	finish := func(what string, parts []dossier.Part, whole dossier.Held) error {
		t.Helper()
		err := s.store.Finish(s.ctx, key, uploadID, parts, whole)
		if err == nil {
			t.Fatalf("%s: Finish succeeded", what)
		}
		if errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: Finish: %v; which blames somebody else", what, err)
		}
		s.invisible(key)
		return err
	}
	corrupt := func(what string, parts []dossier.Part, whole dossier.Held) {
		t.Helper()
		if err := finish(what, parts, whole); !errors.Is(err, dossier.ErrCorrupt) {
			t.Errorf("%s: Finish: %v; want ErrCorrupt", what, err)
		}
	}
	corrupt("no part is there", partsOf(sent), whole)
	s.sendPiece(key, uploadID, sent[0])
	s.sendPiece(key, uploadID, sent[2])
	corrupt("one part is not there", partsOf(sent), whole)
	s.sendPiece(key, uploadID, sent[1])
	s.holds(key, uploadID, partsOf(sent)...)

	changed := func(i int, change func(*dossier.Part)) []dossier.Part {
		parts := partsOf(sent)
		change(&parts[i])
		return parts
	}
	// What fits together in itself, so that only the store can tell.
	fits := func(parts []dossier.Part) dossier.Held {
		var h dossier.Held
		for _, p := range parts {
			h = dossier.Held{Size: h.Size + p.Size, CRC64: dossier.CombineCRC64(h.CRC64, p.CRC64, p.Size)}
		}
		return h
	}
	if fits(partsOf(sent)) != whole {
		t.Fatalf("the parts make up %+v; want %+v", fits(partsOf(sent)), whole)
	}
	for what, parts := range map[string][]dossier.Part{
		"an extra part is there":        partsOf(sent[:2]),
		"a part in the middle is extra": {sent[0].Part, sent[2].Part},
		"a part of another size":        changed(2, func(p *dossier.Part) { p.Size++ }),
		"a part of another checksum":    changed(1, func(p *dossier.Part) { p.CRC64++ }),
		"a part of another number":      changed(2, func(p *dossier.Part) { p.Number++ }),
	} {
		corrupt(what, parts, fits(parts))
	}
	corrupt("another size of the whole", partsOf(sent), dossier.Held{Size: whole.Size - 1, CRC64: whole.CRC64})
	corrupt("another checksum of the whole", partsOf(sent), dossier.Held{Size: whole.Size, CRC64: whole.CRC64 ^ 1})

	for what, parts := range map[string][]dossier.Part{
		"no parts":       nil,
		"not in order":   {sent[1].Part, sent[0].Part, sent[2].Part},
		"one part twice": {sent[0].Part, sent[0].Part},
		"number 0":       changed(0, func(p *dossier.Part) { p.Number = 0 }),
		"number 10,001":  changed(2, func(p *dossier.Part) { p.Number = dossier.MaxParts + 1 }),
		"negative size":  changed(2, func(p *dossier.Part) { p.Size = -1 }),
	} {
		if err := finish(what, parts, fits(parts)); errors.Is(err, dossier.ErrCorrupt) {
			t.Errorf("%s: Finish: %v; want an error that is a fault of the program", what, err)
		}
	}
	s.holds(key, uploadID, partsOf(sent)...)
	s.finish(key, uploadID, sent)
	s.sees(key, bytes.NewReader(bytesOf(sent)))

	// Every part but the last has the least size that S3 wants, also where the store is another one.
	key = newObjectKey()
	uploadID = s.start(key)
	small := piecesOf(41, objectPartSize-1, 1000)
	for _, p := range small {
		s.sendPiece(key, uploadID, p)
	}
	if err := finish("a small part before the last", partsOf(small), wholeOf(small)); errors.Is(err, dossier.ErrCorrupt) {
		t.Errorf("a small part before the last: Finish: %v; want an error that is a fault of the program", err)
	}
}

func testFinishAtOnce(t *testing.T, s objectsUnderTest) {
	for i := range 5 {
		key, pieces := newObjectKey(), piecesOf(uint64(50+i), objectPartSize, 1000)
		uploadID := s.start(key)
		for _, p := range pieces {
			s.sendPiece(key, uploadID, p)
		}
		var wg sync.WaitGroup
		var finished atomic.Int64
		for range 4 {
			wg.Go(func() {
				switch err := s.store.Finish(s.ctx, key, uploadID, partsOf(pieces), wholeOf(pieces)); {
				case err == nil:
					finished.Add(1)
				case !errors.Is(err, dossier.ErrNotFound):
					t.Errorf("Finish beside others: %v; want nil or ErrNotFound", err)
				}
			})
		}
		wg.Wait()
		if finished.Load() == 0 {
			t.Error("no Finish succeeded")
		}
		s.sees(key, bytes.NewReader(bytesOf(pieces)))
		s.ended(key, uploadID, pieces)
	}
}

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
			want := map[string]string{
				"Content-Length":           strconv.FormatInt(part.Size, 10),
				"X-Amz-Checksum-Crc64nvme": base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, part.CRC64)),
			}
			if len(r.Header) != len(want) || r.Header["Content-Length"] != want["Content-Length"] || r.Header["X-Amz-Checksum-Crc64nvme"] != want["X-Amz-Checksum-Crc64nvme"] {
				t.Errorf("Sign(%+v): header %v; want %v", part, r.Header, want)
			}
			// A second may be cut off, never added.
			if r.ExpiresAt.Before(from.Add(lifetime-time.Second)) || r.ExpiresAt.After(time.Now().Add(lifetime)) || r.ExpiresAt.Location() != time.UTC {
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
	if err := s.send(s.ctx, r, p.bytes); err != nil {
		t.Errorf("what was signed: %v", err)
	}
	if err := s.send(s.ctx, empty, nil); err != nil {
		t.Errorf("no bytes for an empty part: %v", err)
	}
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
	altered["another key and its multipart upload"] = strings.NewReplacer(uploadID, foreign, key, other, url.QueryEscape(key), url.QueryEscape(other)).Replace(r.URL)
	for what, address := range altered {
		c := r
		c.URL = address
		if err := s.send(s.ctx, c, p.bytes); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v; want it refused", what, err)
		}
	}
	s.holds(key, uploadID)
	s.holds(key, second)
	s.holds(other, foreign)
	if err := s.send(s.ctx, r, p.bytes); err != nil {
		t.Errorf("as it was signed: %v", err)
	}
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
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	time.Sleep(time.Until(r.ExpiresAt) + 1100*time.Millisecond) // S3 counts in seconds
	s.refuses("an expired request", r, p.bytes)
	s.holds(key, uploadID)
	s.sendPiece(key, uploadID, p) // signed anew
	s.holds(key, uploadID, p.Part)
}

func testDropped(t *testing.T, s objectsUnderTest) {
	for _, sent := range []int{0, 1, 2} {
		key, pieces := newObjectKey(), piecesOf(70, objectPartSize, 10)
		uploadID := s.start(key)
		for _, p := range pieces[:sent] {
			s.sendPiece(key, uploadID, p)
		}
		late := newPiece(1, []byte("late"))
		r := s.sign(key, uploadID, late.Part)
		for range 2 {
			s.drop(key, uploadID)
			s.ended(key, uploadID, pieces)
			s.refuses("a part after Drop", r, late.bytes)
			s.invisible(key)
		}
		// Another for the same key is not that one.
		again := s.start(key)
		if again == uploadID {
			t.Fatal("a second multipart upload has the id of the first")
		}
		s.holds(key, again)
		s.ended(key, uploadID, pieces)
		for _, p := range pieces {
			s.sendPiece(key, again, p)
		}
		s.finish(key, again, pieces)
		s.drop(key, uploadID)
		s.sees(key, bytes.NewReader(bytesOf(pieces)))
		if err := s.store.Delete(s.ctx, key); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	s.nothingLeft()
}

// testDroppedMeanwhile drops a multipart upload while parts of it are being sent. Each that is on its way at that
// moment may come to lie after it, so there is a Drop after the last of them.
func testDroppedMeanwhile(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	var sending sync.WaitGroup
	var taken, dropping, number atomic.Int64
	body := piecesOf(80, 10_000)[0].bytes
	for range 4 {
		sending.Go(func() {
			for before := true; before; {
				before = dropping.Load() < 20 && number.Load() < dossier.MaxParts-4
				// Each has a number of its own: versitygw may never answer a part that replaces one whose removal it
				// meets.
				p := newPiece(int(number.Add(1)), body)
				r, err := s.store.Sign(s.ctx, key, uploadID, p.Part, time.Minute)
				if err == nil {
					err = s.send(s.ctx, r, p.bytes)
				}
				switch {
				case err == nil:
					taken.Add(1)
				case !errors.Is(err, ErrRefused) && !errors.Is(err, dossier.ErrUnavailable):
					t.Errorf("sending a part: %v; want it taken, refused or unavailable", err)
					return
				}
			}
		})
	}
	for taken.Load() < 4 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	var drops sync.WaitGroup
	for range 4 {
		drops.Go(func() {
			for range 5 {
				if err := s.store.Drop(s.ctx, key, uploadID); err != nil && !errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("Drop: %v; want nil, or ErrUnavailable", err)
				}
				dropping.Add(1)
			}
		})
	}
	drops.Wait()
	sending.Wait()
	s.drop(key, uploadID)
	s.ended(key, uploadID, piecesOf(84, 10))
	s.invisible(key)
	s.nothingLeft()
}

func testTwoUploads(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	a, b, c := s.start(key), s.start(key), s.start(key)
	if a == b || b == c || a == c {
		t.Fatalf("multipart uploads %s, %s and %s; want three", a, b, c)
	}
	first, second := piecesOf(90, objectPartSize, 100), piecesOf(91, 200)
	s.sendPiece(key, a, first[0])
	s.sendPiece(key, b, second[0])
	s.sendPiece(key, a, first[1])
	s.holds(key, a, partsOf(first)...)
	s.holds(key, b, partsOf(second)...)
	for _, p := range first {
		s.sendPiece(key, c, p)
	}
	s.finish(key, a, first)
	s.sees(key, bytes.NewReader(bytesOf(first)))
	s.holds(key, b, partsOf(second)...)
	s.drop(key, b)
	s.sees(key, bytes.NewReader(bytesOf(first)))
	// The same bytes once more: whether they replace or are found there, they are there.
	s.finish(key, c, first)
	s.sees(key, bytes.NewReader(bytesOf(first)))
	s.ended(key, c, first)
	if keys := s.keys(""); len(keys) != 1 {
		t.Errorf("%d objects; want 1", len(keys))
	}
	if left := s.unfinished(time.Now().Add(time.Hour)); len(left) != 0 {
		t.Errorf("%d unfinished multipart uploads; want none", len(left))
	}
}

func testUnfinished(t *testing.T, s objectsUnderTest) {
	s.nothingLeft()
	from := time.Now().Add(-2 * time.Second)
	want := map[[2]string]bool{}
	same := newObjectKey()
	for i, key := range []string{newObjectKey(), newObjectKey(), newObjectKey(), same, same, newObjectKey()} {
		uploadID := s.start(key)
		if i%2 == 0 {
			s.sendPiece(key, uploadID, newPiece(1, []byte("x")))
		}
		want[[2]string{key, uploadID}] = true
	}
	to := time.Now().Add(2 * time.Second)
	if found := s.unfinished(from.Add(-time.Hour)); len(found) != 0 {
		t.Errorf("%d multipart uploads are told as started an hour ago", len(found))
	}
	compare := func() {
		t.Helper()
		found := s.unfinished(to.Add(time.Hour))
		for _, tr := range found {
			if !want[[2]string{tr.Key, tr.ID}] {
				t.Errorf("Unfinished has %+v, which was not started or has ended", tr)
			}
			if tr.StartedAt.Before(from) || tr.StartedAt.After(to) || tr.StartedAt.Location() != time.UTC {
				t.Errorf("started at %v; want between %v and %v, in UTC", tr.StartedAt, from, to)
			}
		}
		if len(found) != len(want) {
			t.Errorf("Unfinished has %d multipart uploads; want %d", len(found), len(want))
		}
	}
	compare()
	// One ends in either way.
	done := newObjectKey()
	uploadID := s.start(done)
	p := newPiece(1, []byte("x"))
	s.sendPiece(done, uploadID, p)
	s.finish(done, uploadID, []piece{p})
	s.put(newObjectKey(), byteStream(100, objectPartSize+1))
	compare()
	for gone := range want {
		s.drop(gone[0], gone[1])
		delete(want, gone)
		break
	}
	compare()
	seen := 0
	for range s.store.Unfinished(s.ctx, to.Add(time.Hour)) {
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("a loop that breaks at 2 saw %d", seen)
	}
	for tr, err := range s.store.Unfinished(s.ctx, to.Add(time.Hour)) {
		if err != nil {
			t.Fatalf("Unfinished whose loop drops: %v", err)
		}
		s.drop(tr.Key, tr.ID)
		delete(want, [2]string{tr.Key, tr.ID})
	}
	if len(want) != 0 {
		t.Errorf("Unfinished whose loop drops left out %d", len(want))
	}
	if left := s.unfinished(to.Add(time.Hour)); len(left) != 0 {
		t.Errorf("%d multipart uploads after all were dropped", len(left))
	}
}

// testManyParts sends more parts than S3 lists in one page, which has 1,000. They are small: the least size holds only
// of an object.
func testManyParts(t *testing.T, s objectsUnderTest) {
	const count = 1030
	key := newObjectKey()
	uploadID := s.start(key)
	want := make([]dossier.Part, count)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range numbers {
				p := newPiece(n, fmt.Appendf(nil, "part %d", n))
				want[n-1] = p.Part
				r, err := s.store.Sign(s.ctx, key, uploadID, p.Part, time.Minute)
				if err == nil {
					err = s.send(s.ctx, r, p.bytes)
				}
				if err != nil {
					t.Errorf("sending part %d: %v", n, err)
				}
			}
		})
	}
	for n := count; n > 0; n-- {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	s.holds(key, uploadID, want...)
	s.drop(key, uploadID)
	s.nothingLeft()
}

func testSendAtOnce(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	var wg sync.WaitGroup
	sent := map[dossier.Part]piece{}
	for i := range 8 {
		// Four that differ, each twice.
		p := newPiece(1, piecesOf(uint64(110+i/2), 200_000+i/2)[0].bytes)
		sent[p.Part] = p
		r := s.sign(key, uploadID, p.Part)
		wg.Go(func() {
			for range 5 {
				if err := s.send(s.ctx, r, p.bytes); err != nil {
					t.Errorf("sending one part beside others: %v", err)
				}
				if parts, err := s.store.Parts(s.ctx, key, uploadID); err != nil || len(parts) != 1 {
					t.Errorf("Parts meanwhile = %v, %v; want one", parts, err)
				}
			}
		})
	}
	wg.Wait()
	parts, err := s.store.Parts(s.ctx, key, uploadID)
	if err != nil || len(parts) != 1 || sent[parts[0]].bytes == nil {
		t.Fatalf("Parts = %v, %v; want one of those that were sent", parts, err)
	}
	last := []piece{sent[parts[0]]}
	s.finish(key, uploadID, last)
	s.sees(key, bytes.NewReader(bytesOf(last)))
}

func testUnknownUploads(t *testing.T, s objectsUnderTest) {
	key, other := newObjectKey(), newObjectKey()
	uploadID := s.start(key)
	p := newPiece(1, []byte("x"))
	s.sendPiece(key, uploadID, p)
	dropped := s.start(key)
	s.drop(key, dropped)
	for what, c := range map[string][2]string{
		"of another key":      {other, uploadID},
		"dropped":             {key, dropped},
		"without an id":       {key, ""},
		"with a made-up id":   {key, "00000000-0000-7000-8000-000000000000"},
		"of a key never made": {dossier.ObjectPrefix + "x", uploadID},
	} {
		if parts, err := s.store.Parts(s.ctx, c[0], c[1]); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Parts of a multipart upload %s = %v, %v; want ErrNotFound", what, parts, err)
		}
		if err := s.store.Finish(s.ctx, c[0], c[1], []dossier.Part{p.Part}, wholeOf([]piece{p})); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Finish of a multipart upload %s: %v; want ErrNotFound", what, err)
		}
		if err := s.store.Drop(s.ctx, c[0], c[1]); (err != nil) != (what == "of a key never made") {
			t.Errorf("Drop of a multipart upload %s: %v", what, err)
		}
	}
	if id, err := s.store.Start(s.ctx, dossier.ObjectPrefix+"x"); err == nil || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Start with a key never made = %q, %v; want an error that is a fault of the program", id, err)
	}
	s.refuses("a part signed for another key", s.sign(other, uploadID, p.Part), p.bytes)
	s.holds(key, uploadID, p.Part)
	s.invisible(key)
	s.invisible(other)
}

func testCancelledUpload(t *testing.T, s objectsUnderTest) {
	key, p := newObjectKey(), newPiece(1, []byte("x"))
	uploadID := s.start(key)
	s.sendPiece(key, uploadID, p)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	calls := map[string]func(context.Context) error{
		"Start": func(ctx context.Context) error { _, err := s.store.Start(ctx, key); return err },
		"Sign": func(ctx context.Context) error {
			_, err := s.store.Sign(ctx, key, uploadID, p.Part, time.Minute)
			return err
		},
		"Parts": func(ctx context.Context) error { _, err := s.store.Parts(ctx, key, uploadID); return err },
		"Finish": func(ctx context.Context) error {
			return s.store.Finish(ctx, key, uploadID, []dossier.Part{p.Part}, wholeOf([]piece{p}))
		},
		"Drop": func(ctx context.Context) error { return s.store.Drop(ctx, key, uploadID) },
		"Unfinished": func(ctx context.Context) (err error) {
			for _, err = range s.store.Unfinished(ctx, time.Now().Add(time.Hour)) {
				break
			}
			return err
		},
	}
	past, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for name, call := range calls {
		if err := call(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s: %v; want context.Canceled, and not ErrUnavailable", name, err)
		}
		if err := call(past); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s after its deadline: %v; want ErrUnavailable", name, err)
		}
	}
	if err := s.send(ctx, s.sign(key, uploadID, p.Part), p.bytes); !errors.Is(err, context.Canceled) {
		t.Errorf("sending a part: %v; want context.Canceled", err)
	}
	s.holds(key, uploadID, p.Part)
	s.invisible(key)
	// A listing ends too.
	s.start(key)
	ctx, cancel = context.WithCancel(s.ctx)
	defer cancel()
	seen := 0
	var err error
	for _, listErr := range s.store.Unfinished(ctx, time.Now().Add(time.Hour)) {
		if err = listErr; err == nil {
			seen++
			cancel()
		}
	}
	if seen != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("Unfinished cancelled at the first multipart upload yields %d, then %v; want 1, then context.Canceled", seen, err)
	}
}
