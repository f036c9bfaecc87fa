package dossier_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"dossier.example/app"
)

func TestSubmission(t *testing.T) {
	s := fresh(t)
	r := dossier.NewReceipt()
	out, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.File == nil || o.Err != nil {
			t.Errorf("outcome of %s: %v", o.Name, o.Err)
		}
	}
	s.checkComplete(t, r, twoFiles)
	s.checkInvariants(t, true)
	if got := s.reconcileAll(t); len(got.Counts) != 0 || got.Verified != 2 {
		t.Errorf("reconcile found something to do after a clean submission: %+v", got)
	}
	s.checkComplete(t, r, twoFiles)
}

// Every call that a submission makes goes wrong in every way. Whatever was acknowledged must be whole. The same form
// sent again must end with one person and each file once; if it is not sent again, nothing of what was not acknowledged
// may stay.
func TestFaultAtEveryStepOfASubmission(t *testing.T) {
	s := fresh(t)
	clean := noFault()
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	// The first file is large; of the second, the look at the person is made while its bytes are sent.
	want := "people.Insert catalog.Reserve catalog.Put people.Person objects.Put catalog.Reserve catalog.Describe " +
		"catalog.Reserve catalog.Put people.Person objects.Put " +
		"catalog.Commit catalog.Commit people.Acknowledge"
	got := strings.Join(clean.Calls(), " ")
	if got := strings.Replace(got, "Put objects.Put people.Person", "Put people.Person objects.Put", 1); got != want {
		t.Fatalf("the write path makes the calls\n%s\nwant\n%s", got, want)
	}
	for i, call := range clean.Calls() {
		for _, m := range modes(call) {
			for _, again := range []bool{true, false} {
				t.Run(name(i, call, m)+map[bool]string{true: ", sent again", false: ", given up"}[again],
					func(t *testing.T) {
						s := fresh(t)
						r := dossier.NewReceipt()
						f := faultOf(clean.Calls(), i, m)
						_, err := submit(t.Context(), s.faulty(f), r, twoFiles)
						if err == nil {
							t.Fatal("the submission was acknowledged although a store failed")
						}
						if !errors.Is(err, dossier.ErrUnavailable) {
							t.Errorf("error is %v, want ErrUnavailable", err)
						}
						s.checkInvariants(t, false)
						if again {
							if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r,
								twoFiles); err != nil {
								t.Fatalf("the same form sent again: %v", err)
							}
							s.checkComplete(t, r, twoFiles)
							s.reconcileAll(t)
							s.checkComplete(t, r, twoFiles)
							s.checkInvariants(t, true)
							return
						}
						s.reconcileAll(t)
						s.checkInvariants(t, true)
						// An answer that is lost after the last step cannot be told from success; all else must be
						// gone.
						last := i == len(clean.Calls())-1 && (m == failAfter || m == dieAfter)
						people, records, objects := s.count(t)
						if last {
							s.checkComplete(t, r, twoFiles)
						} else if people+records+objects != 0 {
							t.Errorf("left behind: %d people, %d records, %d objects", people, records, objects)
						}
					})
			}
		}
	}
}

func TestSentTwice(t *testing.T) { onEachKind(t, sentTwice) }

func sentTwice(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	t.Run("one after the other, in another order", func(t *testing.T) {
		if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
			t.Fatal(err)
		}
		if _, err := submit(t.Context(), svc, r, []upload{twoFiles[1], twoFiles[0]}); err != nil {
			t.Fatal(err)
		}
		s.checkComplete(t, r, twoFiles)
	})
	t.Run("at the same time", func(t *testing.T) {
		r := dossier.NewReceipt()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
					t.Errorf("submit: %v", err)
				}
			})
		}
		wg.Wait()
		s.checkComplete(t, r, twoFiles)
	})
	t.Run("the same file twice in one form", func(t *testing.T) {
		r := dossier.NewReceipt()
		out, err := submit(t.Context(), svc, r, []upload{twoFiles[0], twoFiles[0]})
		if err != nil {
			t.Fatal(err)
		}
		if out[0].File == nil || out[1].File == nil || out[0].File.ID != out[1].File.ID {
			t.Errorf("outcomes %+v", out)
		}
		s.checkComplete(t, r, twoFiles[:1])
	})
	t.Run("same name, other content", func(t *testing.T) {
		r := dossier.NewReceipt()
		files := []upload{{"a.txt", []byte("one")}, {"a.txt", []byte("two")}}
		if _, err := submit(t.Context(), svc, r, files); err != nil {
			t.Fatal(err)
		}
		s.checkComplete(t, r, files)
	})
	t.Run("other secret", func(t *testing.T) {
		other := r
		other.Secret[3] ^= 1
		if _, err := submit(t.Context(), svc, other, nil); !errors.Is(err, dossier.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	t.Run("other details", func(t *testing.T) {
		d := ada
		d.Age++
		if _, err := svc.Begin(t.Context(), r, d); !errors.Is(err, dossier.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	s.checkInvariants(t, true)
}

func TestFileFaults(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.Limits{FileBytes: 100, Files: 5, PersonFiles: 10, PersonBytes: 500})
	r := dossier.NewReceipt()
	files := []upload{{"empty", nil}, {"fits", make([]byte, 100)}, {"over", make([]byte, 101)}, {"after", []byte("x")}}
	out, err := submit(t.Context(), svc, r, files)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		over := files[i].name == "over"
		if over != (o.Err != nil && o.Err.Code == dossier.CodeTooLarge) || over == (o.File != nil) {
			t.Errorf("%s: stored %v, error %v", o.Name, o.File != nil, o.Err)
		}
	}
	if !strings.Contains(out[2].Err.Message, "100 B") {
		t.Errorf("the refusal does not tell the limit: %q", out[2].Err.Message)
	}
	s.checkComplete(t, r, []upload{files[0], files[1], files[3]})
	s.checkInvariants(t, true)
}
