package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dossier "dossier.example/app"
)

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
		wants(t, what+": Finish", finish(what, parts, whole), dossier.ErrCorrupt)
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
	s.sees(key, bytesOf(sent))

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
		s.sees(key, bytesOf(pieces))
		s.ended(key, uploadID, pieces)
	}
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
		s.sees(key, bytesOf(pieces))
		must(t, "Delete", s.store.Delete(s.ctx, key))
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
		must(t, "Unfinished whose loop drops", err)
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
