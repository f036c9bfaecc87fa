package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/storetest"
)

// fresh returns empty stores: embedded ones, or for the many cases of a table stores in memory, but for some cases.
// Which these are depends on the names of the cases, so that it is the same in each run.
func fresh(t *testing.T) stores {
	t.Helper()
	const oneOf = 32
	name := fnv.New32a()
	_, _ = io.WriteString(name, t.Name()) // a hash never fails
	if !strings.Contains(t.Name(), "/") || name.Sum32()%oneOf == 0 {
		return embedded(t)
	}
	return inMemory()
}

func embedded(t *testing.T) stores {
	t.Helper()
	return over(teststores.Embedded(t, teststores.Migrated(t)))
}

func inMemory() stores { return over(teststores.Memory()) }

func over(s teststores.Stores) stores {
	return stores{people: s.People, catalog: s.Catalog, objects: s.Objects, clock: &clock{t: time.Now().UTC()}}
}

// copied returns a copy of what inMemory returned, which nothing happens to at the moment.
func (s stores) copied() stores {
	c := over(teststores.CopyOfMemory(teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}))
	c.clock.t = s.clock.now()
	return c
}

// onEachKind runs a test on the embedded stores, and on the cloud's kinds on real servers.
func onEachKind(t *testing.T, test func(t *testing.T, s stores)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("cloud", func(t *testing.T) {
		t.Parallel() // it mostly waits for the servers
		test(t, over(teststores.Cloud(t).Stores(t)))
	})
}

// stores are the three stores of a test, and the service over them.
type stores struct {
	people  dossier.People
	catalog dossier.Catalog
	objects dossier.Objects
	clock   *clock
	// slow: a minute passes before the parts of a direct upload are sent.
	slow bool
	// log is the service's; nil: none.
	log *slog.Logger
	// loose: reconciliation ran that takes everything for old, so it may have counted a file anew whose record was
	// about to be put.
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
	return dossier.New(s.people, s.catalog, s.objects, dossier.Options{Limits: limits, Now: s.clock.now, Log: s.log})
}

func (s stores) faulty(f *faults) *dossier.Service {
	return s.through(f, dossier.Options{Now: s.clock.now, Log: s.log})
}

// through returns a service whose calls to the stores f decides on; nil: none go wrong.
func (s stores) through(f *faults, o dossier.Options) *dossier.Service {
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}
	if f != nil {
		all = f.Wrap(all)
	}
	return dossier.New(all.People, all.Catalog, all.Objects, o)
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
	sub, err := svc.Start(ctx, r, ada)
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

// checkInvariants walks the stores and checks what is promised at any time, and with settled also what holds after a
// reconciliation that found everything old.
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
		s.checkFound(t, f, settled)
		held, err := s.objects.Stat(ctx, f.Key())
		if err != nil {
			t.Errorf("stored record %s has no object: %v", f.Key(), err)
			continue
		}
		if f.Content == nil || held.Size != f.Content.Size || held.CRC64 != f.Content.CRC64 {
			t.Errorf("stored record %s says %+v, its object %+v", f.Key(), f.Content, held)
		}
	}
	for o, err := range s.objects.List(ctx, "", "") {
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
			t.Errorf("multipart upload to %s is left (%v)", tr.Key, err)
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

// checkFound checks that a stored file has words by which its person is found, whoever is acknowledged; and that
// nobody in the trash has any.
func (s stores) checkFound(t *testing.T, f dossier.File, settled bool) {
	t.Helper()
	w, err := s.people.Words(t.Context(), f.Person)
	if err != nil || w.State != dossier.PersonSubmitted {
		return
	}
	if w.Trash != (dossier.Trash{}) {
		if len(w.Words) > 0 {
			t.Errorf("person %s is in the trash and found by %q", f.Person, w.Words)
		}
		return
	}
	if f.Trash != (dossier.Trash{}) {
		return
	}
	if w.Version != dossier.WordsVersion {
		// Inserted by a test, or by a former release.
		if settled {
			t.Errorf("person %s has words of version %d", f.Person, w.Version)
		}
		return
	}
	if !slices.Contains(w.Words, "@files") {
		t.Errorf("person %s does not count as one with files, and has %s", f.Person, f.ID)
	}
	for _, want := range append(dossier.SearchWords(f.Name), dossier.SearchWords(w.Name)...) {
		begins := func(has string) bool {
			return slices.ContainsFunc(want, func(way string) bool { return strings.HasPrefix(has, way) })
		}
		if !slices.ContainsFunc(w.Words, begins) {
			t.Errorf("person %s is not found by %q of stored file %s: %q", f.Person, want, f.ID, w.Words)
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
		r, err := svc.Open(t.Context(), f, dossier.ToAll, 0, -1)
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

// reconcileAll reconciles as if a week had passed, once more as if another had, for what the first run only saw to have
// no owner, and a third time: then nothing is left to do. It returns the first report.
func (s stores) reconcileAll(t *testing.T) *dossier.ReconcileReport {
	t.Helper()
	report := s.reconcileOnce(t)
	s.reconcileOnce(t)
	again := s.reconcileOnce(t)
	if len(again.Counts) != 0 || again.AbortedMultipartUploads != 0 {
		t.Errorf("a third reconciliation did %v and gave up %d multipart uploads", again.Counts,
			again.AbortedMultipartUploads)
	}
	return report
}

func (s stores) reconcileOnce(t *testing.T) *dossier.ReconcileReport {
	t.Helper()
	s.clock.forward(7 * 24 * time.Hour)
	report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(),
		dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true, Verify: true, YesRemove: 1000}, nil)
	if err != nil {
		t.Errorf("reconcile: %v", err)
	}
	if report.NeedsPerson() {
		t.Errorf("reconcile found damage: %v", report.Counts)
	}
	return report
}

func (s stores) count(t *testing.T) (people, records, objects int) {
	t.Helper()
	found, err := s.people.Find(t.Context(), dossier.Search{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for range s.catalog.All(t.Context()) {
		records++
	}
	for range s.objects.List(t.Context(), "", "") {
		objects++
	}
	return len(found.People), records, objects
}

func (s stores) checkAcknowledged(t *testing.T, r dossier.Receipt, files []upload) {
	t.Helper()
	if _, err := s.service(dossier.DefaultLimits()).ByReceipt(t.Context(), r); err != nil {
		t.Errorf("open the receipt of what was acknowledged: %v", err)
	}
	names := map[string]bool{}
	for _, f := range s.records(t, r.Person) {
		if f.State == dossier.FileStored {
			names[f.Name] = true
		}
	}
	for _, f := range files {
		if !names[f.name] {
			t.Errorf("%s was acknowledged and is lost", f.name)
		}
	}
}

// codeOf returns the code of the first Error in err's chain; empty where there is none.
func codeOf(err error) dossier.Code {
	var e *dossier.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

var atOnce = storetest.AtOnce
