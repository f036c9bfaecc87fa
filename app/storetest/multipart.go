package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
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
func bytesOf(pieces []piece) io.Reader {
	var all []io.Reader
	for _, p := range pieces {
		all = append(all, bytes.NewReader(p.bytes))
	}
	return io.MultiReader(all...)
}

func wholeOf(pieces []piece) dossier.Held {
	var size int64
	crc := dossier.NewCRC64()
	for _, p := range pieces {
		crc.Write(p.bytes) // a hash never fails
		size += p.Size
	}
	return dossier.Held{Size: size, CRC64: crc.Sum64()}
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
	must(s.t, "Sign", err)
	return r
}

func (s objectsUnderTest) sendPiece(key, uploadID string, p piece) {
	s.t.Helper()
	must(s.t, fmt.Sprintf("sending part %d of %d bytes", p.Number, p.Size),
		s.send(s.ctx, s.sign(key, uploadID, p.Part), p.bytes))
}

// refuses fails the test unless the store refuses the request.
func (s objectsUnderTest) refuses(what string, r dossier.SignedRequest, body []byte) {
	s.t.Helper()
	wants(s.t, what, s.send(s.ctx, r, body), ErrRefused)
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
	must(s.t, "Finish", s.store.Finish(s.ctx, key, uploadID, partsOf(pieces), wholeOf(pieces)))
}

// ended fails the test if the store still knows of a multipart upload.
func (s objectsUnderTest) ended(key, uploadID string, pieces []piece) {
	s.t.Helper()
	if parts, err := s.store.Parts(s.ctx, key, uploadID); !errors.Is(err, dossier.ErrNotFound) {
		s.t.Errorf("Parts of a multipart upload that has ended = %v, %v; want ErrNotFound", parts, err)
	}
	wants(s.t, "Finish of a multipart upload that has ended",
		s.store.Finish(s.ctx, key, uploadID, partsOf(pieces), wholeOf(pieces)), dossier.ErrNotFound)
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
			s.sees(key, bytesOf(pieces))
			for o, err := range s.store.List(s.ctx, key, "") {
				if err != nil || o.Size != wholeOf(pieces).Size || o.ModifiedAt.Before(from) {
					t.Errorf("listed as %+v, %v", o, err)
				}
			}
			s.ended(key, uploadID, pieces)
			s.drop(key, uploadID)
			s.sees(key, bytesOf(pieces))
			late := newPiece(1, []byte("late"))
			s.refuses("a part after Finish", s.sign(key, uploadID, late.Part), late.bytes)
			wants(t, "Delete", s.store.Delete(s.ctx, key), nil)
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
		s.sees(key, bytesOf(pieces))
		wants(t, "Delete", s.store.Delete(s.ctx, key), nil)
	})
	s.nothingLeft()
}

func testResend(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	uploadID := s.start(key)
	pieces := piecesOf(20, objectPartSize, 1000)
	first := s.sign(key, uploadID, pieces[1].Part)
	for range 3 { // by the same request
		must(t, "sending the part", s.send(s.ctx, first, pieces[1].bytes))
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
	wants(t, "Finish with a part that was replaced",
		s.store.Finish(s.ctx, key, uploadID, partsOf(former), wholeOf(former)), dossier.ErrCorrupt)
	s.invisible(key)
	s.finish(key, uploadID, pieces)
	s.sees(key, bytesOf(pieces))
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
	s.sees(key, bytesOf(first))
	s.holds(key, b, partsOf(second)...)
	s.drop(key, b)
	s.sees(key, bytesOf(first))
	// The same bytes once more: whether they replace or are found there, they are there.
	s.finish(key, c, first)
	s.sees(key, bytesOf(first))
	s.ended(key, c, first)
	if keys := s.keys(""); len(keys) != 1 {
		t.Errorf("%d objects; want 1", len(keys))
	}
	if left := s.unfinished(time.Now().Add(time.Hour)); len(left) != 0 {
		t.Errorf("%d unfinished multipart uploads; want none", len(left))
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
				wants(t, fmt.Sprintf("sending part %d", n), err, nil)
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
				wants(t, "sending one part beside others", s.send(s.ctx, r, p.bytes), nil)
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
	s.sees(key, bytesOf(last))
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
		wants(t, "Finish of a multipart upload "+what,
			s.store.Finish(s.ctx, c[0], c[1], []dossier.Part{p.Part}, wholeOf([]piece{p})), dossier.ErrNotFound)
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
		"Start": func(ctx context.Context) error { return second(s.store.Start(ctx, key)) },
		"Sign": func(ctx context.Context) error {
			return second(s.store.Sign(ctx, key, uploadID, p.Part, time.Minute))
		},
		"Parts": func(ctx context.Context) error { return second(s.store.Parts(ctx, key, uploadID)) },
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
		wants(t, name+" after its deadline", call(past), dossier.ErrUnavailable)
	}
	wants(t, "sending a part", s.send(ctx, s.sign(key, uploadID, p.Part), p.bytes), context.Canceled)
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
		t.Errorf("Unfinished cancelled at the first multipart upload yields %d, then %v; want 1, then context.Canceled",
			seen, err)
	}
}
