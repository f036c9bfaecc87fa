package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/internal/release010"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// installed is a data folder, and a backup of it.
type installed struct {
	t         *testing.T
	data, dir string
}

func newInstalled(t *testing.T) *installed {
	return &installed{t: t, data: teststores.Migrated(t), dir: filepath.Join(teststores.Folder(t), "backup")}
}

// newFilled returns one that a server is at work on, after forms with that many files each were sent to it.
func newFilled(t *testing.T, forms, files int) (*installed, *process, []*form) {
	t.Helper()
	in := newInstalled(t)
	p := start(t, freeAddress(t), in.env())
	var sent []*form
	for range forms {
		sent = append(sent, submit(t, p.base, files))
	}
	return in, p, sent
}

func (in *installed) env() []string { return []string{"DOSSIER_DATA=" + in.data} }

// endOf is the last line of a backup, or of a restore.
type endOf struct {
	Type  string
	State string
	Error string
	backup.Summary
	Resumed bool
}

// copies runs backup or restore with --json, which has to end with the status, and returns what it told.
func copies(t *testing.T, env []string, status int, args ...string) ([]backup.Fault, endOf) {
	t.Helper()
	got, stdout, stderr := run(t.Context(), env, append(args, "--json")...)
	if got != status {
		t.Fatalf("dossier %v: exit status %d, want %d\n%s%s", args, got, status, stdout, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var faults []backup.Fault
	for _, line := range lines[:len(lines)-1] {
		var f backup.Fault
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		faults = append(faults, f)
	}
	var o endOf
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &o); err != nil || o.Type != "summary" {
		t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
	}
	return faults, o
}

func (in *installed) backup(status int, args ...string) ([]backup.Fault, endOf) {
	in.t.Helper()
	return copies(in.t, in.env(), status, append([]string{"backup", in.dir}, args...)...)
}

// restore restores into a new folder, which it returns.
func (in *installed) restore(status int, args ...string) (data string, faults []backup.Fault, o endOf) {
	in.t.Helper()
	data = filepath.Join(teststores.Folder(in.t), "restored")
	faults, o = copies(in.t, []string{"DOSSIER_DATA=" + data}, status, append([]string{"restore", in.dir}, args...)...)
	return data, faults, o
}

// submit sends a form with so many files, of up to 50 kB.
func submit(t *testing.T, base string, files int) *form {
	t.Helper()
	f := &form{receipt: dossier.NewReceipt()}
	for i := range files {
		f.files = append(f.files, randomBytes(1+i*50_000/files))
	}
	var n atomic.Int64
	if err := f.post(t.Context(), base, &n); err != nil {
		t.Fatal(err)
	}
	f.acknowledged = true
	return f
}

// stored returns the stored files of a person of a data folder.
func stored(t *testing.T, data string, person dossier.PersonID) []dossier.File {
	t.Helper()
	files, err := teststores.Embedded(t, data).Catalog.Files(t.Context(), person, dossier.FileID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(f dossier.File) bool { return f.State != dossier.FileStored })
}

func objectPath(folder string, f dossier.File) string {
	return filepath.Join(folder, "objects", filepath.FromSlash(f.Key()))
}

// content is everything that a data folder holds, by name.
func content(t *testing.T, data string) map[string]string {
	t.Helper()
	all := map[string]string{}
	s := teststores.Embedded(t, data)
	persons := map[dossier.PersonID]bool{}
	for f, err := range s.Catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		all["record "+f.ID.String()] = string(b)
		persons[f.Person] = true
	}
	for id := range persons {
		p, err := s.People.Person(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		u, err := s.Catalog.Usage(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.People.Words(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all["person "+id.String()] = string(b) + strings.Join(w.Words, " ")
		all["usage "+id.String()] = strconv.Itoa(int(u.Files)) + " files " + strconv.Itoa(int(u.Bytes))
	}
	for o, err := range s.Objects.List(t.Context(), dossier.ObjectPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Objects.Open(t.Context(), o.Key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		all["object "+o.Key] = string(sum[:])
	}
	secret, err := os.ReadFile(filepath.Join(data, "staff-secret"))
	if err != nil {
		t.Fatal(err)
	}
	all["secret"] = string(secret)
	return all
}

// mustBeWhole makes sure that a restored folder is one that reconciliation finds nothing in and that serves what it
// has.
func mustBeWhole(t *testing.T, data string, has ...*form) {
	t.Helper()
	env := []string{"DOSSIER_DATA=" + data}
	report := reconcileNow(t, env)
	// A file whose words were added, and which was not committed at that point, is left out of a backup; and what 0.1.0
	// left has no words.
	delete(report.Counts, dossier.RepairWords)
	if len(report.Counts) > 0 || report.Failures > 0 || report.AbortedMultipartUploads > 0 {
		t.Errorf("reconcile finds something in %s: %+v", data, report)
	}
	p := start(t, freeAddress(t), env)
	for _, f := range has {
		f.verify(t, p.base)
	}
	p.kill()
	if strings.Contains(p.output.String(), "level=ERROR") {
		t.Errorf("the server on the restored folder says\n%s", p.output)
	}
}

// A backup while clients upload and delete, several times: each point is whole, holds what was acknowledged before it
// began and was not deleted, and no client is refused meanwhile.
func TestBackupWhileServing(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	in, p, kept := newFilled(t, 10, 4)
	second := start(t, freeAddress(t), in.env())
	s := teststores.Embedded(t, in.data)
	svc := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{})

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients sync.WaitGroup
	var mu sync.Mutex
	var passing []*form // whoever is deleted again
	var came, went atomic.Int64
	for _, base := range []string{p.base, second.base} {
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f := submit(t, base, 1+n%5)
				came.Add(1)
				mu.Lock()
				if n%3 == 0 {
					kept = append(kept, f)
				} else {
					passing = append(passing, f)
				}
				mu.Unlock()
			}
		})
	}
	clients.Go(func() {
		for ctx.Err() == nil {
			mu.Lock()
			var f *form
			if len(passing) > 0 {
				f, passing = passing[0], passing[1:]
			}
			mu.Unlock()
			if f == nil {
				time.Sleep(time.Millisecond)
				continue
			}
			if went.Add(1)%2 == 0 {
				if err := svc.DeletePerson(t.Context(), f.receipt.Person); err != nil {
					t.Errorf("delete a person: %v", err)
				}
				continue
			}
			files, err := s.Catalog.Files(t.Context(), f.receipt.Person, dossier.FileID{}, 100)
			if err != nil {
				t.Errorf("list files: %v", err)
			}
			for _, file := range files[:len(files)/2] {
				if err := svc.DeleteFile(t.Context(), file.Person, file.ID); err != nil {
					t.Errorf("delete a file: %v", err)
				}
			}
		}
	})
	clients.Go(func() {
		for ctx.Err() == nil {
			if status, stdout, stderr := run(t.Context(), in.env(), "reconcile"); status != exitOK {
				t.Errorf("reconcile beside a backup: %s%s", stdout, stderr)
			}
		}
	})
	clients.Go(func() {
		for ctx.Err() == nil {
			if i, err := svc.Inspect(t.Context()); err != nil || i.Lost.Count+i.Abandoned.Count+i.Ownerless.Count > 0 {
				t.Errorf("an inspection of stores that are in use finds %+v, %v", i, err)
			}
		}
	})
	type taken struct {
		point string
		had   []*form
	}
	var points []taken
	for range 4 {
		before := came.Load()
		mu.Lock()
		had := slices.Clone(kept)
		mu.Unlock()
		_, o := in.backup(exitOK)
		points = append(points, taken{o.Point, had})
		eventually(t, "clients go on", func() bool { return came.Load() > before+2 })
	}
	cancel()
	clients.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, point := range points {
		data, _, o := in.restore(exitOK, "--point", point.point)
		if o.Point != point.point {
			t.Errorf("point %s was restored, %s was asked for", o.Point, point.point)
		}
		mustBeWhole(t, data, point.had...)
	}
	// With nobody at work both are the same, but for what was never acknowledged.
	reconcileNow(t, in.env())
	reconcileNow(t, in.env())
	_, o := in.backup(exitOK, "--verify")
	data, _, restored := in.restore(exitOK)
	want, got := content(t, in.data), content(t, data)
	if !maps.Equal(got, want) {
		t.Errorf("the restored folder differs: %d entries, want %d", len(got), len(want))
	}
	if int64(len(want)) != 2*o.Files+2*o.People+1 || restored.Files != o.Files || restored.People != o.People {
		t.Errorf("the folder has %d entries, the backup tells %+v, the restore %+v", len(want), o, restored)
	}
	mustBeWhole(t, data, kept...)
	t.Logf("%d forms came and %d persons or files went while 4 points were made; the last has %+v", came.Load(),
		went.Load(), o.Summary)
}

// A second backup copies what is new and no more; what no kept point names leaves the backup.
func TestBackupIncremental(t *testing.T) {
	t.Parallel()
	in, p, forms := newFilled(t, 1, 5)
	one := forms[0]
	if _, o := in.backup(exitOK); o.CopiedFiles != 5 || o.Files != 5 || o.People != 1 || o.Points != 1 {
		t.Errorf("the first backup tells %+v", o)
	}
	before := objectTimes(t, in.dir)
	two := submit(t, p.base, 2)
	if _, o := in.backup(exitOK); o.CopiedFiles != 2 || o.Files != 7 || o.Points != 2 {
		t.Errorf("the second backup tells %+v", o)
	}
	after := objectTimes(t, in.dir)
	for name, at := range before {
		if after[name] != at {
			t.Errorf("%s was written again", name)
		}
	}
	s := teststores.Embedded(t, in.data)
	if err := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{}).DeletePerson(t.Context(),
		one.receipt.Person); err != nil {
		t.Fatal(err)
	}
	if _, o := in.backup(exitOK, "--keep", "2"); o.CopiedFiles != 0 || o.Files != 2 || o.Points != 2 ||
		o.PrunedFiles != 0 {
		t.Errorf("the third backup tells %+v", o)
	}
	if _, o := in.backup(exitOK, "--keep", "2"); o.PrunedFiles != 5 || o.Points != 2 {
		t.Errorf("the backup after which no point names the deleted files tells %+v", o)
	}
	if left := objectTimes(t, in.dir); len(left) != 2 {
		t.Errorf("%d objects are in the backup, want 2", len(left))
	}
	data, _, _ := in.restore(exitOK)
	mustBeWhole(t, data, two)
	// Nothing of the deleted person is in what is left, not even in a free page.
	_ = filepath.WalkDir(in.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(one.receipt.Person.String())) {
			t.Errorf("%s holds the id of a person who was deleted", path)
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", path, info.Mode())
		}
		return err
	})
}

// objectTimes returns when the objects of a folder were written.
func objectTimes(t *testing.T, folder string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	err := filepath.WalkDir(filepath.Join(folder, "objects", "files"), func(path string, d fs.DirEntry,
		err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			times[path] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// flipByte changes a byte of a file.
func flipByte(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// What is missing or differs in the data folder is named, and all else is backed up. A backup that has it from an
// earlier time gives it back.
func TestBackupOfDamage(t *testing.T) {
	t.Parallel()
	in, p, forms := newFilled(t, 1, 3)
	early := forms[0]
	in.backup(exitOK)
	late, more := submit(t, p.base, 30), submit(t, p.base, 30) // so that it is not too much to serve
	p.kill()
	old, recent := stored(t, in.data, early.receipt.Person), stored(t, in.data, late.receipt.Person)
	remove(t, objectPath(in.data, old[0]))
	remove(t, objectPath(in.data, recent[0]))
	flipByte(t, objectPath(in.data, recent[1]))
	if err := os.Truncate(objectPath(in.data, recent[2]), 0); err != nil {
		t.Fatal(err)
	}
	want := map[string]backup.Fault{}
	for what, f := range map[string]dossier.File{"missing": recent[0], "differs": recent[1], "differs ": recent[2]} {
		want[f.ID.String()] = backup.Fault{What: strings.TrimSpace(what), Person: f.Person.String(),
			File: f.ID.String()}
	}
	lost := maps.Clone(want)
	want[old[0].ID.String()] = backup.Fault{What: "missing", Person: old[0].Person.String(), File: old[0].ID.String(),
		InBackup: true}
	faults, o := in.backup(exitDamaged)
	if got := byFile(faults); !maps.Equal(got, want) || o.State != "damaged" || o.FaultyFiles != 4 ||
		o.MissingFiles != 3 || o.Point == "" {
		t.Errorf("the backup of a damaged folder tells %v and %+v, want %v", got, o, want)
	}
	status, stdout, stderr := run(t.Context(), in.env(), "backup", in.dir)
	if status != exitDamaged || strings.Contains(stdout+stderr, recent[0].Name) || !strings.Contains(stderr,
		recent[0].ID.String()) {
		t.Fatalf("exit status %d, with a file's name or without an id:\n%s%s", status, stdout, stderr)
	}
	data, faults, restored := in.restore(exitDamaged)
	for id, f := range lost {
		f.What = "missing"
		lost[id] = f
	}
	if got := byFile(faults); !maps.Equal(got, lost) || restored.State != "damaged" || restored.FaultyFiles != 3 ||
		restored.Files != 60 {
		t.Errorf("the restore tells %v and %+v, want %v", got, restored, lost)
	}
	q := start(t, freeAddress(t), []string{"DOSSIER_DATA=" + data})
	early.verify(t, q.base)
	more.verify(t, q.base)
	for _, f := range recent[3:] {
		b, err := os.ReadFile(objectPath(data, f))
		if err != nil || !slices.ContainsFunc(late.files, func(sent []byte) bool { return bytes.Equal(sent, b) }) {
			t.Errorf("a file that was whole was not restored: %v", err)
		}
	}
	if out := q.output.String(); !strings.Contains(out, "level=ERROR") || !strings.Contains(out,
		recent[0].ID.String()) {
		t.Errorf("the server does not tell what is missing:\n%s", out)
	}
}

func byFile(faults []backup.Fault) map[string]backup.Fault {
	m := map[string]backup.Fault{}
	for _, f := range faults {
		m[f.File] = f
	}
	return m
}

// Damage of the backup itself: of an object, of a database, of a manifest.
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	in, p, forms := newFilled(t, 1, 40)
	f := forms[0]
	_, first := in.backup(exitOK)
	p.kill()
	files := stored(t, in.data, f.receipt.Person)

	flipByte(t, objectPath(in.dir, files[3]))
	remove(t, objectPath(in.dir, files[4]))
	data, faults, _ := in.restore(exitDamaged)
	if got := byFile(faults); len(got) != 2 || got[files[3].ID.String()].What != "differs" ||
		got[files[4].ID.String()].What != "missing" {
		t.Errorf("the restore names %v", faults)
	}
	if report := content(t, data); len(report) != 40+38+2+1 {
		t.Errorf("the restored folder has %d entries", len(report))
	}
	if _, o := in.backup(exitOK); o.CopiedFiles != 1 || o.RepairedFiles != 0 {
		t.Errorf("a backup that lacks an object tells %+v", o)
	}
	if _, o := in.backup(exitOK, "--verify"); o.CopiedFiles != 0 || o.RepairedFiles != 1 {
		t.Errorf("--verify of a backup with a flipped byte tells %+v", o)
	}
	data, _, last := in.restore(exitOK)
	mustBeWhole(t, data, f)

	at := func(point, name string) string { return filepath.Join(in.dir, "points", point, name) }
	for _, name := range []string{"catalog.db", "people.db", "staff-secret"} {
		flipByte(t, at(last.Point, name))
		target := filepath.Join(teststores.Folder(t), "data")
		status, stdout, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + target}, "restore", in.dir)
		if status != exitFailed || !strings.Contains(stderr, name) || !strings.Contains(stderr, first.Point) {
			t.Errorf("a restore of a point with a flipped byte in %s: exit status %d\n%s%s", name, status, stdout,
				stderr)
		}
		if _, err := os.Stat(target); err == nil {
			t.Errorf("a restore that is refused made %s", target)
		}
		flipByte(t, at(last.Point, name))
	}
	flipByte(t, at(last.Point, "catalog.db"))
	faults, o := in.backup(exitDamaged, "--keep", "2")
	if len(faults) != 1 || faults[0].What != "damaged point" || faults[0].Point != last.Point || o.PrunedFiles != 0 ||
		o.Points != 2 {
		t.Errorf("a backup beside a damaged point tells %v and %+v", faults, o)
	}

	// Without its manifest a point is not whole: an older one is restored, and the next backup removes it.
	remove(t, at(o.Point, "manifest.json"))
	status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + filepath.Join(teststores.Folder(t), "d")},
		"restore", in.dir, "--point", o.Point)
	if status != exitFailed || !strings.Contains(stderr, "no complete point") {
		t.Errorf("a point without a manifest: exit status %d\n%s", status, stderr)
	}
	flipByte(t, at(last.Point, "catalog.db"))
	in.backup(exitOK)
	if _, err := os.Stat(at(o.Point, "")); err == nil {
		t.Error("a point without a manifest stays")
	}
}

// What cannot be backed up, or restored, is refused before anything is changed, with the mend.
func TestBackupRefusals(t *testing.T) {
	t.Parallel()
	in, _, _ := newFilled(t, 1, 2)
	in.backup(exitOK)
	other := teststores.Folder(t)
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(teststores.Folder(t), "link")
	if err := os.Symlink(in.data, link); err != nil {
		t.Fatal(err)
	}
	empty := teststores.Folder(t)
	for name, tc := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"no folder":              {in.env(), []string{"backup"}, "arg(s)"},
		"none to keep":           {in.env(), []string{"backup", in.dir, "--keep", "0"}, "--keep"},
		"the data folder itself": {in.env(), []string{"backup", in.data}, "elsewhere"},
		"inside the data folder": {in.env(), []string{"backup", filepath.Join(in.data, "objects", "backup")},
			"elsewhere"},
		"inside it by a link":    {in.env(), []string{"backup", filepath.Join(link, "backup")}, "elsewhere"},
		"around the data folder": {in.env(), []string{"backup", filepath.Dir(in.data)}, "elsewhere"},
		"something else":         {in.env(), []string{"backup", other}, "thesis.txt"},
		"nothing to back up": {[]string{"DOSSIER_DATA=" + empty}, []string{"backup", filepath.Join(other,
			"b")}, "DOSSIER_DATA"},
		"people that cannot be read": {[]string{"DOSSIER_DATA=" + unreadable(t)}, []string{"backup", in.dir},
			"must be able to write in folder"},
		"people in MySQL": {append(in.env(), "DOSSIER_DB_HOST=db", "DOSSIER_DB_PASSWORD=x"),
			[]string{"backup", in.dir}, "docs/restore.md"},
		"files in S3": {append(in.env(), "DOSSIER_BUCKET=files"), []string{"restore", in.dir},
			"docs/restore.md"},
		"restore over data": {in.env(), []string{"restore", in.dir}, "not empty"},
		"restore of no backup": {[]string{"DOSSIER_DATA=" + empty}, []string{"restore", other},
			"is not a backup"},
		"restore of no folder": {[]string{"DOSSIER_DATA=" + empty}, []string{"restore", filepath.Join(other,
			"none")}, "is not a backup"},
		"restore of an unknown point": {[]string{"DOSSIER_DATA=" + empty}, []string{"restore", in.dir, "--point",
			"yesterday"}, "choose one of 2"},
		"restore into the backup": {[]string{"DOSSIER_DATA=" + filepath.Join(in.dir, "data")},
			[]string{"restore", in.dir}, "elsewhere"},
		"serve a backup": {[]string{"DOSSIER_DATA=" + in.dir}, []string{"serve", "--despite-losses"},
			"is a backup, not a data folder"},
		"backup of an unfinished place": {[]string{"DOSSIER_DATA=" + unfinished(t)}, []string{"backup", in.dir},
			"is not finished"},
	} {
		status, stdout, stderr := run(t.Context(), tc.env, tc.args...)
		if status != exitFailed || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit status %d, want 1 and %q\n%s%s", name, status, tc.want, stdout, stderr)
		}
	}
	for _, folder := range []string{empty, other} {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) > 1 {
			t.Errorf("a refusal left something in %s: %v, %v", folder, entries, err)
		}
	}
	if _, err := os.Stat(filepath.Join(in.data, "objects", "backup")); err == nil {
		t.Error("a refused folder was made within the data folder")
	}
}

// The staff secret that a data folder lost does not go with the last point that has it, as long as accounts need it.
func TestBackupOfLostStaffSecret(t *testing.T) {
	t.Parallel()
	in := newInstalled(t)
	invite := func() {
		t.Helper()
		if status, _, stderr := run(t.Context(), in.env(), "staff", "invite", "--name", "Ada", "--address",
			"ada@site.example"); status != exitOK {
			t.Fatalf("exit status %d\n%s", status, stderr)
		}
	}
	backUp := func() (has, told string) {
		t.Helper()
		status, stdout, stderr := run(t.Context(), in.env(), "backup", in.dir, "--keep", "1", "--json")
		if status != exitOK {
			t.Fatalf("exit status %d\n%s%s", status, stdout, stderr)
		}
		points, err := filepath.Glob(filepath.Join(in.dir, "points", "*"))
		if err != nil || len(points) != 1 {
			t.Fatalf("the points are %v, error %v", points, err)
		}
		b, err := os.ReadFile(filepath.Join(points[0], "staff-secret"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return string(b), stderr
	}
	lost := filepath.Join(in.data, "staff-secret")

	// Nothing needs it.
	if status, _, stderr := run(t.Context(), in.env(), "staff", "list"); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	backUp()
	remove(t, lost)
	if has, told := backUp(); has != "" || told != "" {
		t.Errorf("without accounts, the point has the secret %q, and is told: %s", has, told)
	}

	invite()
	was, told := backUp()
	if was == "" || told != "" {
		t.Errorf("the point has the secret %q, and is told: %s", was, told)
	}
	remove(t, lost)
	for range 3 {
		if has, told := backUp(); has != was || !strings.Contains(told, "has no file staff-secret") {
			t.Errorf("the point has the secret %q, want %q; told: %s", has, was, told)
		}
	}
	data, _, _ := in.restore(exitOK)
	if b, err := os.ReadFile(filepath.Join(data, "staff-secret")); err != nil || string(b) != was {
		t.Errorf("restored is the secret %q, want %q; %v", b, was, err)
	}

	// Another one that somebody wanted takes its place.
	if err := os.WriteFile(lost, []byte("a secret that is long enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if has, told := backUp(); has != "a secret that is long enough\n" || told != "" {
		t.Errorf("the point has the secret %q, and is told: %s", has, told)
	}
}

// Two runs on one backup do not meet; reading it several times at once is fine.
func TestBackupLock(t *testing.T) {
	t.Parallel()
	in, _, forms := newFilled(t, 1, 3)
	in.backup(exitOK)
	lock := flock.New(filepath.Join(in.dir, "lock"))
	if ok, err := lock.TryRLock(); err != nil || !ok {
		t.Fatalf("lock as a restore does: %v, %v", ok, err)
	}
	data, _, _ := in.restore(exitOK)
	mustBeWhole(t, data, forms...)
	mustBeInUse := func(env []string, args ...string) {
		t.Helper()
		if status, _, stderr := run(t.Context(), env, args...); status != exitFailed || !strings.Contains(stderr,
			"wait until it finishes") {
			t.Errorf("%v: exit status %d\n%s", args, status, stderr)
		}
	}
	mustBeInUse(in.env(), "backup", in.dir)
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if ok, err := lock.TryLock(); err != nil || !ok {
		t.Fatalf("lock as a backup does: %v, %v", ok, err)
	}
	defer lock.Unlock()
	mustBeInUse(in.env(), "backup", in.dir)
	mustBeInUse([]string{"DOSSIER_DATA=" + filepath.Join(teststores.Folder(t), "data")}, "restore", in.dir)
}

// What release 0.1.0 left is backed up as it is, and served after it was restored.
func TestBackupOfRelease010(t *testing.T) {
	t.Parallel()
	_, data := release010.Embedded(t)
	in := &installed{t: t, data: data, dir: filepath.Join(teststores.Folder(t), "backup")}
	before, err := os.ReadFile(filepath.Join(data, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, o := in.backup(exitOK)
	after, err := os.ReadFile(filepath.Join(data, "catalog.db"))
	if err != nil || !bytes.Equal(before, after) || o.Files == 0 {
		t.Errorf("a backup changed the data folder (%v), or found nothing: %+v", err, o)
	}
	restored, _, _ := in.restore(exitOK)
	mustBeWhole(t, restored)
	s := teststores.Embedded(t, data)
	for f, err := range s.Catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.People.Person(t.Context(), f.Person)
		acknowledged := err == nil && p.State == dossier.PersonSubmitted && f.State == dossier.FileStored
		if _, err := os.Stat(objectPath(restored, f)); (err == nil) != acknowledged {
			t.Errorf("file %s is %s, its person %s, and its object in the restored folder: %v", f.ID, f.State, p.State,
				err)
		}
	}
}

// unreadable returns a folder in which the database of people cannot be read.
func unreadable(t *testing.T) string {
	folder := teststores.Folder(t)
	if err := os.Mkdir(filepath.Join(folder, "people.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}

// unfinished returns a folder as a restore that was killed leaves it.
func unfinished(t *testing.T) string {
	folder := teststores.Folder(t)
	if err := os.Mkdir(filepath.Join(folder, "restore-unfinished"), 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}
