package dossier_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
)

var scrubFast = dossier.ScrubOptions{Bytes: 1 << 40, Interval: time.Hour}

// pass makes turns until a pass of the scrub has ended, and returns it.
func (s stores) pass(t *testing.T, svc *dossier.Service, o dossier.ScrubOptions) dossier.ScrubPass {
	t.Helper()
	before, err := svc.Custody(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		wait, err := svc.ScrubTurn(t.Context(), o)
		if err != nil {
			t.Fatalf("scrub: %v", err)
		}
		now, err := svc.Custody(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last := now.Scrub.Last; last != nil &&
			(before.Scrub.Last == nil || last.StartedAt.After(before.Scrub.Last.StartedAt)) {
			return *last
		}
		s.clock.forward(wait)
	}
	t.Fatal("the scrub does not come to its end")
	return dossier.ScrubPass{}
}

// The scrub reads everything, finds each damage whatever the store says of the object, marks it, and unmarks what is
// whole again.
func TestScrubFindsEveryDamage(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		receipts := s.kept(t, 12)
		svc := s.service(dossier.DefaultLimits())
		if p := s.pass(t, svc, scrubFast); p.Files != 12 || p.Found != 0 || p.Bytes == 0 {
			t.Errorf("of whole files: %+v", p)
		}
		note, err := s.catalog.Note(t.Context(), dossier.ScrubNote)
		for _, r := range receipts {
			if err != nil || bytes.Contains(note.Value, []byte(r.Person.String())) {
				t.Errorf("after the end person %s is in the note %s, %v", r.Person, note.Value, err)
			}
		}
		var bent []dossier.File
		for i, what := range []string{"missing", "other bytes", "a byte less"} {
			f := s.records(t, receipts[i*3].Person)[0]
			damages[what](t, s, f)
			bent = append(bent, f)
		}
		if p := s.pass(t, svc, scrubFast); p.Found != 3 {
			t.Errorf("of three damaged files: %+v", p)
		}
		for i, f := range bent {
			now, err := s.catalog.File(t.Context(), f.Person, f.ID)
			want := dossier.ObjectDiffers
			if i == 0 {
				want = dossier.ObjectMissing
			}
			if err != nil || now.Damage == nil || now.Damage.Kind != want {
				t.Errorf("%s is marked %+v, %v, want %s", f.Name, now.Damage, err, want)
			}
			if i > 0 {
				if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.objects.Put(t.Context(), f.Key(),
				bytes.NewReader([]byte(fmt.Sprint("file ", i*3)))); err != nil {
				t.Fatal(err)
			}
		}
		if p := s.pass(t, svc, scrubFast); p.Found != 0 {
			t.Errorf("of files that are whole again: %+v", p)
		}
		for _, f := range bent {
			if now, err := s.catalog.File(t.Context(), f.Person, f.ID); err != nil || now.Damage != nil {
				t.Errorf("%s is still marked %+v, %v", f.Name, now.Damage, err)
			}
		}
	})
}

// A scrub that stops at any point, also in the middle of a file, is gone on with by any other, and reads no more than
// the bytes of a day.
func TestScrubIsResumedAndBounded(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	large := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r,
		[]upload{{"a", large}, {"b", large[:999_999]}, {"c", nil}, {"d", large[5:]}}); err != nil {
		t.Fatal(err)
	}
	var read atomic.Int64
	counting := s
	counting.objects = bendingReads{s.objects, func(r io.ReadCloser) io.ReadCloser { return atomicReads{r, &read} }}
	const day = 300_000
	o := dossier.ScrubOptions{Bytes: day, Interval: time.Hour}
	began := s.clock.now()
	for turn := range 10_000 {
		// Each turn is another instance's, and each third one dies before it has noted what it read.
		svc := counting.service(dossier.DefaultLimits())
		if turn%3 == 2 {
			dying := counting.faulty(fault(0, dieAfter))
			_, _ = dying.ScrubTurn(t.Context(), o)
		}
		if _, err := svc.ScrubTurn(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		custody, err := svc.Custody(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		passed := s.clock.now().Sub(began)
		if most := int64(day * (1 + passed.Hours()/24)); read.Load() > most+1 {
			t.Fatalf("%d bytes were read in %s, of %d a day", read.Load(), passed, int64(day))
		}
		if last := custody.Scrub.Last; last != nil {
			if last.Files != 4 || last.Bytes != int64(2*len(large)-5+999_999) || last.Found != 0 {
				t.Errorf("the pass: %+v", last)
			}
			if passed < 9*24*time.Hour {
				t.Errorf("%d bytes were read in %s", last.Bytes, passed)
			}
			return
		}
		s.clock.forward(5 * time.Hour)
	}
	t.Fatal("the scrub does not come to its end")
}

type atomicReads struct {
	io.ReadCloser
	n *atomic.Int64
}

func (r atomicReads) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// An instance that died holds up the scrub for no longer than a pass is to take.
func TestScrubGoesOnAfterADeath(t *testing.T) {
	s := fresh(t)
	s.kept(t, 3)
	quick := dossier.ScrubOptions{Bytes: 1 << 40, Interval: 10 * time.Second}
	first := s.pass(t, s.service(dossier.DefaultLimits()), quick)
	// Another instance, for nobody hears of the first one any more.
	second := s.pass(t, s.service(dossier.DefaultLimits()), quick)
	if after := second.StartedAt.Sub(first.StartedAt); after < quick.Interval || after > 2*quick.Interval {
		t.Errorf("the next pass began after %s, want about %s", after, quick.Interval)
	}
}

// A fault at every call of a turn loses nothing but the turn. What is found is logged, whatever becomes of who found
// it.
func TestFaultAtEveryStepOfAScrub(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.File) {
		s := fresh(t)
		f := s.records(t, s.kept(t, 3)[1].Person)[0]
		damages["other bytes"](t, s, f)
		return s, f
	}
	s, _ := prepare(t)
	clean := noFault()
	if _, err := s.faulty(clean).ScrubTurn(t.Context(), scrubFast); err != nil {
		t.Fatal(err)
	}
	for i, call := range clean.Calls() {
		for _, m := range modes(call) {
			t.Run(name(i, call, m), func(t *testing.T) {
				s, f := prepare(t)
				var log bytes.Buffer
				s.log = slog.New(slog.NewTextHandler(&log, nil))
				_, _ = s.faulty(fault(i, m)).ScrubTurn(t.Context(), scrubFast)
				s.clock.forward(time.Hour)
				s.pass(t, s.service(dossier.DefaultLimits()), scrubFast)
				if now, err := s.catalog.File(t.Context(), f.Person, f.ID); err != nil || now.Damage == nil {
					t.Errorf("the damaged file is %+v, %v", now, err)
				}
				custody, err := s.service(dossier.DefaultLimits()).Custody(t.Context())
				if err != nil || custody.DamagedFiles != 1 {
					t.Errorf("custody: %+v, %v", custody, err)
				}
				line := `level=ERROR msg="stored file is damaged" person=` + f.Person.String() + " file=" +
					f.ID.String()
				if !strings.Contains(log.String(), line) {
					t.Errorf("the log has no line %s\n%s", line, log.String())
				}
			})
		}
	}
}

// A file whose bytes the store does not give, though it answers, does not stop the others from being read.
func TestScrubPassesOverWhatCannotBeRead(t *testing.T) {
	s := fresh(t)
	receipts := s.kept(t, 5)
	bad := s.records(t, receipts[2].Person)[0]
	broken := s
	broken.objects = unreadable{s.objects, bad.Key()}
	svc := broken.service(dossier.DefaultLimits())
	for range 10 {
		_, _ = svc.ScrubTurn(t.Context(), scrubFast)
	}
	custody, err := svc.Custody(t.Context())
	if err != nil || custody.Scrub.Last == nil || custody.Scrub.Last.Files != 4 || custody.Scrub.Last.Unread != 1 {
		t.Errorf("custody: %+v, %+v, %v", custody.Scrub, custody.Scrub.Last, err)
	}
	if now, err := s.catalog.File(t.Context(), bad.Person, bad.ID); err != nil || now.Damage != nil {
		t.Errorf("what could not be read is marked as damaged: %+v, %v", now, err)
	}
}

type unreadable struct {
	dossier.Objects
	key string
}

func (u unreadable) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if key == u.key {
		return io.NopCloser(failingReader{dossier.Unavailable(ctx, "read object", errInjected)}), nil
	}
	return u.Objects.Open(ctx, key, offset, length)
}

// Clocks that are a day off, either way, neither stop the scrub nor let it read without bound.
func TestScrubWithClocksADayOff(t *testing.T) {
	s := fresh(t)
	s.kept(t, 20)
	ahead, behind := s, s
	ahead.clock, behind.clock = &clock{t: s.clock.now().Add(24 * time.Hour)},
		&clock{t: s.clock.now().Add(-24 * time.Hour)}
	o := dossier.ScrubOptions{Bytes: 20, Interval: time.Minute}
	var files int64
	for range 400 {
		for _, one := range []stores{ahead, s, behind} {
			if _, err := one.service(dossier.DefaultLimits()).ScrubTurn(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			one.clock.forward(time.Hour)
		}
		custody, err := s.service(dossier.DefaultLimits()).Custody(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last := custody.Scrub.Last; last != nil {
			files = last.Files
			break
		}
	}
	if files != 20 {
		t.Errorf("a pass read %d files, want 20", files)
	}
}

// Notes that nobody can read, or that say what cannot be, stop neither the scrub, nor what is told of it, nor removals
// for longer than a day; and no whole file is marked for them.
func TestNotesThatNobodyCanRead(t *testing.T) {
	s := inMemory()
	receipts := s.kept(t, 60)
	svc := s.service(dossier.DefaultLimits())
	first := s.records(t, receipts[0].Person)[0]
	for _, value := range []string{"", "{", `"later"`, `{"left":"much"}`,
		fmt.Sprintf(`{"part_of":%q,"offset":-5,"left":1000000}`, first.ID),
		fmt.Sprintf(`{"part_of":%q,"offset":1000000,"crc64":7,"left":1000000}`, first.ID),
		`{"since":"2099-01-01T00:00:00Z","left":-5,"left_at":"2099-01-01T00:00:00Z","holder":"x","until":"2099-01-01T00:00:00Z"}`,
	} {
		for _, name := range []string{dossier.ScrubNote, "removals", "sweep"} {
			note, err := s.catalog.Note(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.catalog.SetNote(t.Context(), name, note.Revision, []byte(value)); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.forward(time.Hour)
		if _, err := s.objects.Put(t.Context(), dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()),
			bytes.NewReader(nil)); err != nil {
			t.Fatal(err)
		}
		removed := 0
		for range 4 {
			removed += s.sweep(t, dossier.ReconcileOptions{}).Counts[dossier.RepairRemovedObject]
			s.clock.forward(age + time.Minute)
		}
		if removed != 1 {
			t.Errorf("after %q %d objects were removed, want one", value, removed)
		}
		if p := s.pass(t, svc, scrubFast); p.Found != 0 || p.Files != 60 {
			t.Errorf("after %q: %+v", value, p)
		}
	}
}

// A file of which the store says nothing, though it answers, does not stop the others from being read either; a store
// that does not answer is waited for.
func TestScrubPassesOverWhatCannotBeLookedAt(t *testing.T) {
	for name, all := range map[string]bool{"one": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			bad := s.records(t, s.kept(t, 5)[2].Person)[0]
			broken := s
			broken.objects = headless{s.objects, bad.Key(), all}
			svc := broken.service(dossier.DefaultLimits())
			for range 10 {
				_, _ = svc.ScrubTurn(t.Context(), scrubFast)
			}
			custody, err := svc.Custody(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			switch last, now := custody.Scrub.Last, custody.Scrub.Current; {
			case all && (last != nil || now == nil || now.Unread != 0):
				t.Errorf("a store that does not answer: %+v, %+v", last, now)
			case !all && (last == nil || last.Files != 4 || last.Unread != 1):
				t.Errorf("one object: %+v, %+v", last, now)
			}
		})
	}
}

type headless struct {
	dossier.Objects
	key string
	all bool
}

func (h headless) Head(ctx context.Context, key string) (dossier.Head, error) {
	if h.all || key == h.key {
		return dossier.Head{}, dossier.Unavailable(ctx, "look at object", errInjected)
	}
	return h.Objects.Head(ctx, key)
}

// A clock that was a year ahead and is right again does not stop the scrub for a year.
func TestScrubAfterAClockThatWasAhead(t *testing.T) {
	s := fresh(t)
	s.kept(t, 20)
	o := dossier.ScrubOptions{Bytes: 50, Interval: time.Minute}
	ahead := s
	ahead.clock = &clock{t: s.clock.now().Add(365 * 24 * time.Hour)}
	if _, err := ahead.service(dossier.DefaultLimits()).ScrubTurn(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	svc := s.service(dossier.DefaultLimits())
	for range 24 * 7 {
		if _, err := svc.ScrubTurn(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		s.clock.forward(time.Hour)
	}
	if custody, err := svc.Custody(t.Context()); err != nil || custody.Scrub.Last == nil ||
		custody.Scrub.Last.Files != 20 {
		t.Errorf("after a week: %+v, %v", custody.Scrub, err)
	}
}
