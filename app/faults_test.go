package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// How a call to a store goes wrong.
type mode int

const (
	failBefore mode = iota // the call fails and nothing happened
	failAfter              // the call took effect, its answer is lost
	failIn                 // a transfer breaks off in the middle; other calls as failBefore
	dieBefore              // the process dies before the call: no call afterwards reaches a store
	dieAfter               // the process dies after the call took effect
)

func (m mode) String() string {
	return [...]string{"fails before", "fails after", "fails in the middle", "process dies before", "process dies after"}[m]
}

var errInjected = errors.New("injected")

// faults stands between the service and its stores. It counts calls and lets the one numbered at go wrong.
type faults struct {
	mu    sync.Mutex
	calls []string // what was called, in order
	at    int      // index of the call that goes wrong; negative: none
	mode  mode
	dead  bool
}

// failing returns the fault of the nth call of one kind, from 1 on, among those that a clean run makes.
func failing(t *testing.T, clean []string, m mode, call string, nth int) *faults {
	t.Helper()
	for i, c := range clean {
		if c == call {
			if nth--; nth == 0 {
				return &faults{at: i, mode: m}
			}
		}
	}
	t.Fatalf("there are not so many calls of %s among %v", call, clean)
	return nil
}

// enter is called at the start of each call: verdict says whether to run it, and after says whether to lose its answer.
func (f *faults) enter(call string) (run, after, in bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.calls)
	f.calls = append(f.calls, call)
	if f.dead {
		return false, false, false
	}
	if n != f.at {
		return true, false, false
	}
	switch f.mode {
	case dieBefore:
		f.dead = true
		return false, false, false
	case dieAfter:
		f.dead = true
		return true, true, false
	case failAfter:
		return true, true, false
	case failIn:
		return call == "objects.Put", true, true
	}
	return false, false, false
}

func (f *faults) do(ctx context.Context, call string, do func() error) error {
	run, after, _ := f.enter(call)
	if !run {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	err := do()
	if after {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	return err
}

func value[T any](ctx context.Context, f *faults, call string, do func() (T, error)) (T, error) {
	var v T
	err := f.do(ctx, call, func() (err error) { v, err = do(); return err })
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func sequence[T any](ctx context.Context, f *faults, call string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := f.do(ctx, call, func() error { return nil }); err != nil {
			var none T
			yield(none, err)
			return
		}
		seq(yield)
	}
}

type faultyPeople struct {
	dossier.People
	f *faults
}

func (p faultyPeople) Insert(ctx context.Context, v dossier.Person) error {
	return p.f.do(ctx, "people.Insert", func() error { return p.People.Insert(ctx, v) })
}
func (p faultyPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	return value(ctx, p.f, "people.Person", func() (dossier.Person, error) { return p.People.Person(ctx, id) })
}
func (p faultyPeople) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time, from ...dossier.PersonState) error {
	return p.f.do(ctx, "people.Move", func() error { return p.People.Move(ctx, id, to, at, from...) })
}
func (p faultyPeople) Delete(ctx context.Context, id dossier.PersonID) error {
	return p.f.do(ctx, "people.Delete", func() error { return p.People.Delete(ctx, id) })
}
func (p faultyPeople) Leftovers(ctx context.Context, before time.Time) iter.Seq2[dossier.Person, error] {
	return sequence(ctx, p.f, "people.Leftovers", p.People.Leftovers(ctx, before))
}
func (p faultyPeople) Existing(ctx context.Context, ids []dossier.PersonID) (map[dossier.PersonID]bool, error) {
	return value(ctx, p.f, "people.Existing", func() (map[dossier.PersonID]bool, error) { return p.People.Existing(ctx, ids) })
}

type faultyCatalog struct {
	dossier.Catalog
	f *faults
}

func (c faultyCatalog) Put(ctx context.Context, v dossier.File) error {
	return c.f.do(ctx, "catalog.Put", func() error { return c.Catalog.Put(ctx, v) })
}
func (c faultyCatalog) File(ctx context.Context, p dossier.PersonID, id dossier.FileID) (dossier.File, error) {
	return value(ctx, c.f, "catalog.File", func() (dossier.File, error) { return c.Catalog.File(ctx, p, id) })
}
func (c faultyCatalog) Files(ctx context.Context, p dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File, error) {
	return value(ctx, c.f, "catalog.Files", func() ([]dossier.File, error) { return c.Catalog.Files(ctx, p, after, limit) })
}
func (c faultyCatalog) Describe(ctx context.Context, p dossier.PersonID, id dossier.FileID, v dossier.Content, at time.Time) error {
	return c.f.do(ctx, "catalog.Describe", func() error { return c.Catalog.Describe(ctx, p, id, v, at) })
}
func (c faultyCatalog) Commit(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) (dossier.File, error) {
	return value(ctx, c.f, "catalog.Commit", func() (dossier.File, error) { return c.Catalog.Commit(ctx, p, id, at) })
}
func (c faultyCatalog) MarkDeleting(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time, from ...dossier.FileState) error {
	return c.f.do(ctx, "catalog.MarkDeleting", func() error { return c.Catalog.MarkDeleting(ctx, p, id, at, from...) })
}
func (c faultyCatalog) Touch(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) error {
	return c.f.do(ctx, "catalog.Touch", func() error { return c.Catalog.Touch(ctx, p, id, at) })
}
func (c faultyCatalog) Remove(ctx context.Context, p dossier.PersonID, id dossier.FileID) (*dossier.File, error) {
	return value(ctx, c.f, "catalog.Remove", func() (*dossier.File, error) { return c.Catalog.Remove(ctx, p, id) })
}
func (c faultyCatalog) Reserve(ctx context.Context, p dossier.PersonID, add, most dossier.Quota, at time.Time) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Reserve", func() (dossier.Usage, error) { return c.Catalog.Reserve(ctx, p, add, most, at) })
}
func (c faultyCatalog) Release(ctx context.Context, p dossier.PersonID, off dossier.Quota, epoch string, at time.Time) error {
	return c.f.do(ctx, "catalog.Release", func() error { return c.Catalog.Release(ctx, p, off, epoch, at) })
}
func (c faultyCatalog) Usage(ctx context.Context, p dossier.PersonID) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Usage", func() (dossier.Usage, error) { return c.Catalog.Usage(ctx, p) })
}
func (c faultyCatalog) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return c.f.do(ctx, "catalog.Recount", func() error { return c.Catalog.Recount(ctx, seen, to, at) })
}
func (c faultyCatalog) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return sequence(ctx, c.f, "catalog.Miscounted", c.Catalog.Miscounted(ctx))
}
func (c faultyCatalog) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return sequence(ctx, c.f, "catalog.Unfinished", c.Catalog.Unfinished(ctx, before))
}
func (c faultyCatalog) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	return sequence(ctx, c.f, "catalog.All", c.Catalog.All(ctx))
}

type faultyObjects struct {
	dossier.Objects
	f *faults
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	run, after, in := o.f.enter("objects.Put")
	if !run {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	if in {
		// The store breaks off after some bytes.
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.Objects.Put(ctx, key, half))
	}
	err := o.Objects.Put(ctx, key, r)
	if after {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	return err
}
func (o faultyObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	return value(ctx, o.f, "objects.Stat", func() (dossier.Held, error) { return o.Objects.Stat(ctx, key) })
}
func (o faultyObjects) Delete(ctx context.Context, key string) error {
	return o.f.do(ctx, "objects.Delete", func() error { return o.Objects.Delete(ctx, key) })
}
func (o faultyObjects) List(ctx context.Context, prefix string) iter.Seq2[dossier.Object, error] {
	return sequence(ctx, o.f, "objects.List", o.Objects.List(ctx, prefix))
}
func (o faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return value(ctx, o.f, "objects.Open", func() (io.ReadCloser, error) { return o.Objects.Open(ctx, key, offset, length) })
}
func (o faultyObjects) Start(ctx context.Context, key string) (string, error) {
	return value(ctx, o.f, "objects.Start", func() (string, error) { return o.Objects.Start(ctx, key) })
}
func (o faultyObjects) Sign(ctx context.Context, key, transfer string, p dossier.Part, lifetime time.Duration) (dossier.SignedRequest, error) {
	return value(ctx, o.f, "objects.Sign", func() (dossier.SignedRequest, error) { return o.Objects.Sign(ctx, key, transfer, p, lifetime) })
}
func (o faultyObjects) Parts(ctx context.Context, key, transfer string) ([]dossier.Part, error) {
	return value(ctx, o.f, "objects.Parts", func() ([]dossier.Part, error) { return o.Objects.Parts(ctx, key, transfer) })
}
func (o faultyObjects) Finish(ctx context.Context, key, transfer string, parts []dossier.Part, whole dossier.Held) error {
	return o.f.do(ctx, "objects.Finish", func() error { return o.Objects.Finish(ctx, key, transfer, parts, whole) })
}
func (o faultyObjects) Drop(ctx context.Context, key, transfer string) error {
	return o.f.do(ctx, "objects.Drop", func() error { return o.Objects.Drop(ctx, key, transfer) })
}
func (o faultyObjects) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.Transfer, error] {
	return sequence(ctx, o.f, "objects.Unfinished", o.Objects.Unfinished(ctx, before))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errInjected }

// stores are the three stores of a test, and the service over them.
type stores struct {
	people  dossier.People
	catalog dossier.Catalog
	objects dossier.Objects
	clock   *clock
	// loose: reconciliation ran that takes everything for old, so it may have counted a file anew whose record was about to be put.
	loose bool
}

// clock only moves when told to, and a microsecond at every look, so that no two times are equal.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Microsecond)
	return c.t
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func (s stores) service(limits dossier.Limits) *dossier.Service {
	return dossier.New(s.people, s.catalog, s.objects, dossier.Options{Limits: limits, Now: s.clock.now})
}

func (s stores) faulty(f *faults) *dossier.Service {
	return dossier.New(faultyPeople{s.people, f}, faultyCatalog{s.catalog, f}, faultyObjects{s.objects, f}, dossier.Options{Now: s.clock.now})
}

// upload is one file to be sent.
type upload struct {
	name string
	data []byte
}

var twoFiles = []upload{{"a.txt", bytes.Repeat([]byte("alpha "), 10000)}, {"b.txt", []byte("beta")}}

var ada = dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Analytical Engine"}

// submit hands in a form as a page does; the error is that of the step that failed.
func submit(ctx context.Context, svc *dossier.Service, r dossier.Receipt, files []upload) ([]dossier.Outcome, error) {
	sub, err := svc.Begin(ctx, r, ada)
	if err != nil {
		return nil, err
	}
	defer sub.Abandon(ctx)
	for _, f := range files {
		if err := sub.AddFile(ctx, f.name, bytes.NewReader(f.data)); err != nil {
			return sub.Outcomes(), err
		}
	}
	err = sub.Acknowledge(ctx)
	return sub.Outcomes(), err
}

// checkInvariants walks the stores and checks what is promised at any time, and with settled also what holds after a reconciliation
// that found everything old.
func (s stores) checkInvariants(t *testing.T, settled bool) {
	t.Helper()
	ctx := t.Context()
	records := map[string]dossier.FileState{}
	have := map[dossier.PersonID]dossier.Quota{}
	for f, err := range s.catalog.All(ctx) {
		if err != nil {
			t.Fatalf("walk catalog: %v", err)
		}
		records[f.Key()] = f.State
		q := have[f.Person]
		have[f.Person] = dossier.Quota{Files: q.Files + f.Counted().Files, Bytes: q.Bytes + f.Counted().Bytes}
		p, err := s.people.Person(ctx, f.Person)
		if err != nil && (settled || f.State == dossier.FileStored) {
			t.Errorf("record %s (%s) has no person: %v", f.Key(), f.State, err)
		}
		if settled && f.State != dossier.FileStored {
			t.Errorf("record %s is still %s", f.Key(), f.State)
		}
		if settled && p.State != dossier.PersonSubmitted {
			t.Errorf("record %s has a person in state %q", f.Key(), p.State)
		}
		if f.State != dossier.FileStored {
			continue
		}
		held, err := s.objects.Stat(ctx, f.Key())
		if err != nil {
			t.Errorf("stored record %s has no object: %v", f.Key(), err)
			continue
		}
		if f.Content == nil || held.Size != f.Content.Size || held.CRC64 != f.Content.CRC64 {
			t.Errorf("stored record %s says %+v, its object %+v", f.Key(), f.Content, held)
		}
	}
	for o, err := range s.objects.List(ctx, "") {
		if err != nil {
			t.Fatalf("list objects: %v", err)
		}
		if _, ok := records[o.Key]; !ok && settled {
			t.Errorf("object %s has no record", o.Key)
		}
	}
	if settled {
		for p, err := range s.people.Leftovers(ctx, s.clock.now().Add(time.Hour)) {
			t.Errorf("person %s is still %s (%v)", p.ID, p.State, err)
		}
		for tr, err := range s.objects.Unfinished(ctx, s.clock.now().Add(1000*time.Hour)) {
			t.Errorf("transfer to %s is left (%v)", tr.Key, err)
		}
		for p, err := range s.catalog.Miscounted(ctx) {
			t.Errorf("person %s is miscounted (%v)", p, err)
		}
	}
	for p, q := range have {
		u, err := s.catalog.Usage(ctx, p)
		if err != nil || !s.loose && (u.Files < q.Files || u.Bytes < q.Bytes) || settled && u.Quota != q {
			t.Errorf("person %s is counted %+v (%v), and has %+v", p, u, err, q)
		}
	}
}

// records returns what the catalog has of a person.
func (s stores) records(t *testing.T, person dossier.PersonID) []dossier.File {
	t.Helper()
	files, err := s.catalog.Files(t.Context(), person, dossier.FileID{}, dossier.MaxFilesPage)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// opens returns the files of the person that a receipt opens.
func (s stores) opens(t *testing.T, r dossier.Receipt) []dossier.File {
	t.Helper()
	p, err := s.service(dossier.DefaultLimits()).ByReceipt(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s.records(t, p.ID)
}

// checkComplete checks that the receipt shows each file once, with its bytes.
func (s stores) checkComplete(t *testing.T, r dossier.Receipt, files []upload) {
	t.Helper()
	svc := s.service(dossier.DefaultLimits())
	p, err := svc.ByReceipt(t.Context(), r)
	if err != nil {
		t.Fatalf("open the receipt: %v", err)
	}
	if p.State != dossier.PersonSubmitted || p.Details != ada {
		t.Errorf("person is %+v", p)
	}
	seen := map[string]int{}
	for _, f := range s.records(t, r.Person) {
		if f.State != dossier.FileStored {
			continue
		}
		r, err := svc.Open(t.Context(), f, 0, -1)
		if err != nil {
			t.Errorf("open %s: %v", f.Name, err)
			continue
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Errorf("read %s: %v", f.Name, err)
		}
		seen[f.Name+"\x00"+string(data)]++
	}
	for _, f := range files {
		if n := seen[f.name+"\x00"+string(f.data)]; n != 1 {
			t.Errorf("file %s is there %d times, want once", f.name, n)
		}
	}
	if len(seen) != len(files) {
		t.Errorf("%d different files are there, want %d", len(seen), len(files))
	}
}

// reconcileAll reconciles as if a week had passed, and once more as if another had: then nothing is left to do but to count persons anew from
// whom the first run removed something.
func (s stores) reconcileAll(t *testing.T) *dossier.ReconcileReport {
	t.Helper()
	report := s.reconcileOnce(t)
	again := s.reconcileOnce(t)
	delete(again.Counts, dossier.RepairRecounted)
	if len(again.Counts) != 0 || again.AbortedTransfers != 0 {
		t.Errorf("a second reconciliation did %v and gave up %d transfers", again.Counts, again.AbortedTransfers)
	}
	return report
}

func (s stores) reconcileOnce(t *testing.T) *dossier.ReconcileReport {
	t.Helper()
	s.clock.forward(7 * 24 * time.Hour)
	report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true, Verify: true}, nil)
	if err != nil {
		t.Errorf("reconcile: %v", err)
	}
	if report.Damaged() {
		t.Errorf("reconcile found damage: %v", report.Counts)
	}
	return report
}

func (s stores) count(t *testing.T) (people, records, objects int) {
	t.Helper()
	list, err := s.people.List(t.Context(), "", dossier.Cursor{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for range s.catalog.All(t.Context()) {
		records++
	}
	for range s.objects.List(t.Context(), "") {
		objects++
	}
	return len(list), records, objects
}

func name(i int, call string, m mode) string { return fmt.Sprintf("%02d %s %s", i, call, m) }
