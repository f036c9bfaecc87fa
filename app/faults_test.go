package dossier_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

type mode = teststores.Mode

const (
	failBefore = teststores.FailBefore
	failAfter  = teststores.FailAfter
	dieBefore  = teststores.DieBefore
	dieAfter   = teststores.DieAfter
)

// reads are the calls that change nothing: whether one failed before or after, nothing happened, and no answer came.
var reads = strings.Fields(`people.Existing people.Find people.Leftovers people.Person people.StrayWords people.Trashed
	people.Unworded people.Words catalog.All catalog.Behind catalog.Damaged catalog.File catalog.Files
	catalog.Miscounted catalog.Note catalog.Ownerless catalog.Scans catalog.TrashedFiles catalog.Unfinished
	catalog.Usage objects.Head objects.Kept objects.Link objects.List objects.Open objects.Parts objects.Sign
	objects.Stat objects.Thumbnail
	objects.Thumbnails objects.Unfinished`)

// modes returns all ways in which a call goes wrong that differ.
func modes(call string) []mode {
	switch {
	case slices.Contains(reads, call):
		return []mode{failBefore, dieBefore}
	case call == "objects.Put": // the only one that can break off in the middle
		return []mode{failBefore, failAfter, teststores.FailWithin, dieBefore, dieAfter}
	default:
		return []mode{failBefore, failAfter, dieBefore, dieAfter}
	}
}

var errInjected = teststores.ErrInjected

// faults lets the call of one number go wrong.
type faults struct {
	*teststores.Faults
	at   int
	mode mode
}

func fault(at int, m mode) *faults { return &faults{teststores.Nth(at, m), at, m} }

// faultOf is fault where calls are made at once: it names the call by its place in a clean run.
func faultOf(clean []string, at int, m mode) *faults {
	return &faults{teststores.NthOf(clean, at, m), at, m}
}

// noFault only notes the calls.
func noFault() *faults { return &faults{Faults: teststores.NewFaults(nil), at: -1} }

// failing returns the fault of the nth call of one kind, from 1 on, among those that a clean run makes.
func failing(t *testing.T, clean []string, m mode, call string, nth int) *faults {
	t.Helper()
	for i, c := range clean {
		if c == call {
			if nth--; nth == 0 {
				return faultOf(clean, i, m)
			}
		}
	}
	t.Fatalf("there are not so many calls of %s among %v", call, clean)
	return nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errInjected }

func name(i int, call string, m mode) string { return fmt.Sprintf("%02d %s %s", i, call, m) }

// faultCases runs test with each call of clean going wrong in every way.
func faultCases(t *testing.T, clean []string, test func(t *testing.T, f *faults)) {
	for i, call := range clean {
		for _, m := range modes(call) {
			t.Run(name(i, call, m), func(t *testing.T) { test(t, faultOf(clean, i, m)) })
		}
	}
}

// formCalls returns the calls of a submission of two files.
func formCalls(t *testing.T) []string {
	t.Helper()
	s, clean := fresh(t), noFault()
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	return clean.Calls()
}

// anotherFormCalls returns the calls of a submission of one more file, by a person that is known.
func anotherFormCalls(t *testing.T) []string {
	t.Helper()
	s, r, clean := fresh(t), dossier.NewReceipt(), noFault()
	for _, svc := range []*dossier.Service{s.service(dossier.DefaultLimits()), s.faulty(clean)} {
		if _, err := submit(t.Context(), svc, r, []upload{{"one.txt", []byte("one")}}); err != nil {
			t.Fatal(err)
		}
	}
	return clean.Calls()
}
