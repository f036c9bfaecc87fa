//go:build unix

package catalog

import (
	"errors"
	"net/http"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// A counter is changed once, whichever answer is lost: what was counted twice, or not taken off, would keep files out,
// and what was taken off twice would let too many in.
func TestDynamoDBCountersLoseAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	ctx, at := t.Context(), time.Now()
	most, one := dossier.Quota{Files: 10, Bytes: 1000}, dossier.Quota{Files: 1, Bytes: 10}
	for _, test := range []struct {
		name string
		have int64 // files before
		do   func(u dossier.Usage) error
		want error
		then int64 // files afterwards
	}{
		{"Reserve of the first", 0, func(u dossier.Usage) error {
			_, err := b.tested.Reserve(ctx, u.Person, one, most, at)
			return err
		}, nil, 1},
		{"Reserve of the last", 9, func(u dossier.Usage) error {
			_, err := b.tested.Reserve(ctx, u.Person, one, most, at)
			return err
		}, nil, 10},
		{"Release of one", 3, func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, u.Epoch, at) },
			nil, 2},
		{"Release of the last", 1, func(u dossier.Usage) error {
			return b.tested.Release(ctx, u.Person, one, u.Epoch, at)
		}, nil, 0},
		{"Recount", 3, func(u dossier.Usage) error {
			return b.tested.Recount(ctx, u, dossier.Quota{Files: 2, Bytes: 20}, at)
		}, nil, 2},
		{"Recount of the first", 0, func(u dossier.Usage) error { return b.tested.Recount(ctx, u, one, at) }, nil, 1},
		{"Recount to nothing", 3, func(u dossier.Usage) error { return b.tested.Recount(ctx, u, dossier.Quota{}, at) },
			nil, 0},
		{"Recount of what was seen otherwise", 3, func(u dossier.Usage) error {
			u.Revision = "another"
			return b.tested.Recount(ctx, u, one, at)
		}, dossier.ErrLost, 3},
	} {
		b.loses(test.name, func() (func() error, func()) {
			seen := dossier.Usage{Person: dossier.NewPersonID()}
			for range test.have {
				var err error
				seen, err = b.sound.Reserve(ctx, seen.Person, one, most, at)
				b.must(err)
			}
			return func() error { return test.do(seen) }, func() {
				u, err := b.sound.Usage(ctx, seen.Person)
				if err != nil || u.Quota != (dossier.Quota{Files: test.then, Bytes: 10 * test.then}) ||
					(u.Epoch == "") != (test.then == 0) {
					b.Errorf("%s: now there is %+v, %v; want %d files", test.name, u, err, test.then)
				}
			}
		}, test.want)
	}

	// Somebody else writes before the look that follows a lost answer: nobody knows then, and nothing is done twice.
	for _, test := range []struct {
		name string
		do   func(u dossier.Usage) error
		then int64
	}{
		{"Reserve", func(u dossier.Usage) error {
			_, err := b.tested.Reserve(ctx, u.Person, one, most, at)
			return err
		}, 5},
		{"Release", func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, u.Epoch, at) }, 3},
	} {
		person := dossier.NewPersonID()
		seen, err := b.sound.Reserve(ctx, person, dossier.Quota{Files: 3, Bytes: 30}, most, at)
		b.must(err)
		b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 2 {
				_, err := b.sound.Reserve(ctx, person, one, most, at)
				b.must(err)
			}
			return nil, nil
		}, func(n int) error {
			if n == 1 {
				return errCut
			}
			return nil
		})
		if err := test.do(seen); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s whose answer was lost, and whose effect was written over: got error %v, want ErrUnavailable",
				test.name, err)
		}
		b.wire.mend()
		if u, err := b.sound.Usage(ctx, person); err != nil || u.Files != test.then {
			t.Errorf("%s whose answer was lost: now there is %+v, %v; want %d files", test.name, u, err, test.then)
		}
	}

	// A refusal that is lost is not told from an addition that is.
	for name, do := range map[string]func(u dossier.Usage) error{
		"Reserve of one too many": func(u dossier.Usage) error {
			_, err := b.tested.Reserve(ctx, u.Person, one, one, at)
			return err
		},
		"Release in another epoch": func(u dossier.Usage) error {
			return b.tested.Release(ctx, u.Person, one, "another", at)
		},
	} {
		seen, err := b.sound.Reserve(ctx, dossier.NewPersonID(), one, one, at)
		b.must(err)
		b.wire.lose(1)
		if err := do(seen); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s whose answer was lost: got error %v, want ErrUnavailable", name, err)
		}
		b.wire.mend()
		if u, err := b.sound.Usage(ctx, seen.Person); err != nil || u != seen {
			t.Errorf("%s whose answer was lost: now there is %+v, %v; want %+v", name, u, err, seen)
		}
	}

	// One that was refused unseen is sent again.
	for _, code := range []string{"ThrottlingException", "ProvisionedThroughputExceededException"} {
		person := dossier.NewPersonID()
		b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return refusal(400, code), nil
			}
			return nil, nil
		}, nil)
		if u, err := b.tested.Reserve(ctx, person, one, most, at); err != nil || u.Files != 1 {
			t.Errorf("Reserve, throttled once with %s: got %+v, %v", code, u, err)
		}
		b.wire.mend()
	}
}

// A Release that dies between its two requests leaves a counter at zero. It counts as one, and goes with the next.
func TestDynamoDBReleaseDies(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	ctx, at := t.Context(), time.Now()
	one := dossier.Quota{Files: 1, Bytes: 10}
	person := dossier.NewPersonID()
	seen, err := b.sound.Reserve(ctx, person, one, one, at)
	b.must(err)
	b.wire.crash(2, false)
	if err := b.tested.Release(ctx, person, one, seen.Epoch, at); !errors.Is(err, dossier.ErrUnavailable) {
		t.Fatalf("Release that died: got error %v, want ErrUnavailable", err)
	}
	if u, err := b.sound.Usage(ctx, person); err != nil || u.Quota != (dossier.Quota{}) || u.Epoch == "" {
		t.Fatalf("after a Release that died there is %+v, %v; want a counter at zero", u, err)
	}
	u, err := b.sound.Reserve(ctx, person, one, one, at)
	b.must(err)
	b.must(b.sound.Release(ctx, person, one, u.Epoch, at))
	if u, err := b.sound.Usage(ctx, person); err != nil || u.Epoch != "" {
		t.Errorf("after the last Release there is %+v, %v; want no counter", u, err)
	}
}
