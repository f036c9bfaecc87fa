package dossier_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// unzipped returns what an archive has, by name.
func unzipped(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if _, twice := all[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		all[f.Name] = string(data)
	}
	return all
}

func TestArchiveMany(t *testing.T) { onEachKind(t, archiveMany) }

func archiveMany(t *testing.T, s stores) {
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	var people []dossier.PersonID
	add := func(name string, files ...upload) {
		t.Helper()
		r, d := dossier.NewReceipt(), ada
		d.Name = name
		if _, err := svc.Register(ctx, r, d); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			s.stored(t, svc, r.Person, f)
		}
		people = append(people, r.Person)
	}
	add("Ada Lovelace", upload{"a.txt", []byte("first")}, upload{"a.txt", []byte("second")})
	add("ADA LOVELACE", upload{"a.txt", []byte("third")})
	add("../../etc/passwd", upload{"x", []byte("x")})
	add("con", upload{"nul", []byte("device")})
	add("Contents.txt", upload{"y", []byte("y")})
	add("Nobody's files")
	long := strings.Repeat("名", dossier.MaxNameLength)
	add(long, upload{"z", []byte("z")})

	var b bytes.Buffer
	if err := svc.ArchiveMany(people, dossier.ToStaff).Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	got := unzipped(t, b.Bytes())
	want := map[string]string{"Ada Lovelace/a.txt": "first", "Ada Lovelace/a (2).txt": "second",
		"ADA LOVELACE (2)/a.txt": "third", ".._.._etc_passwd/x": "x", "_con/_nul": "device", "Contents.txt (2)/y": "y"}
	contents := got["Contents.txt"]
	delete(got, "Contents.txt")
	for name := range got {
		if folder, file, _ := strings.Cut(name, "/"); file == "z" {
			if len(folder) > 120 || !strings.HasPrefix(folder, "名名名") {
				t.Errorf("the longest name has the folder %q", folder)
			}
			delete(got, name)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the archive has %q, want %q", got, want)
	}
	for _, want := range []string{"Everything that was stored is here", "7 people", "ADA LOVELACE (2)",
		people[1].String(), "2 of 2 files", "0 of 0 files"} {
		if !strings.Contains(contents, want) {
			t.Errorf("the list does not say %q:\n%s", want, contents)
		}
	}
	// By a program that shares no code with this one.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "many.zip"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	unzip(t, "-tqq", filepath.Join(dir, "many.zip"))
}

// What is not in the archive is named: damaged, withheld, being sent, or deleted meanwhile.
func TestArchiveManyTellsWhatIsMissing(t *testing.T) {
	s := fresh(t)
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	var people []dossier.PersonID
	for i := range 6 {
		r, d := dossier.NewReceipt(), ada
		d.Name = fmt.Sprintf("Person %d", i)
		if _, err := svc.Register(ctx, r, d); err != nil {
			t.Fatal(err)
		}
		people = append(people, r.Person)
	}
	known := s.stored(t, svc, people[0], upload{"known.txt", []byte("known")})
	if err := s.catalog.SetDamage(ctx, known.Person, known.ID, &dossier.Damage{Kind: dossier.ObjectMissing,
		FoundAt: s.clock.now()}); err != nil {
		t.Fatal(err)
	}
	s.stored(t, svc, people[0], upload{"whole.txt", []byte("whole")})
	lost := s.stored(t, svc, people[1], upload{"lost.txt", []byte("lost")})
	if err := s.objects.Delete(ctx, lost.Key()); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Announce(ctx, people[2], dossier.Announcement{ID: dossier.NewFileID(), Name: "half.txt",
		Size: 1}); err != nil {
		t.Fatal(err)
	}
	if err := svc.DeletePerson(ctx, people[3]); err != nil {
		t.Fatal(err)
	}
	s.stored(t, svc, people[4], upload{"last.txt", []byte("last")})
	s.stored(t, svc, people[5], upload{"trash.txt", []byte("trash")})
	if _, err := svc.TrashPerson(ctx, people[5], "staff"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := svc.ArchiveMany(people, dossier.ToStaff).Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	got := unzipped(t, b.Bytes())
	contents := got["Contents, incomplete.txt"]
	for _, want := range []string{"Some files are not here", "  1 missing; see the file Missing files.txt",
		"  lost.txt is missing: its stored copy is damaged", "  1 being sent, or interrupted",
		people[3].String() + "\r\n  This person was deleted", people[5].String() + "\r\n  This person was deleted"} {
		if !strings.Contains(contents, want) {
			t.Errorf("the list does not say %q:\n%s", want, contents)
		}
	}
	if !strings.Contains(got["Person 0/Missing files.txt"], "known.txt") || got["Person 0/whole.txt"] != "whole" ||
		got["Person 4/last.txt"] != "last" || len(got) != 4 {
		t.Errorf("the archive has %q", got)
	}
}

// vanishing is an object store of which a file is deleted when it comes to its bytes.
type vanishing struct {
	dossier.Objects
	gone func()
}

func (v vanishing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	v.gone()
	return v.Objects.Open(ctx, key, offset, length)
}

func TestArchiveManyGoesOnWithoutWhatIsDeleted(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	if _, err := svc.Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	first := s.stored(t, svc, r.Person, upload{"a.txt", []byte("a")})
	s.stored(t, svc, r.Person, upload{"b.txt", []byte("b")})
	gone := func() {
		if err := svc.DeleteFile(t.Context(), first.Person, first.ID); err != nil &&
			!errors.Is(err, dossier.ErrNotFound) {
			t.Error(err)
		}
	}
	many := dossier.New(s.people, s.catalog, vanishing{s.objects, gone}, dossier.Options{Now: s.clock.now})
	var b bytes.Buffer
	if err := many.ArchiveMany([]dossier.PersonID{r.Person}, dossier.ToStaff).Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := unzipped(t, b.Bytes())
	if contents := got["Contents, incomplete.txt"]; got[ada.Name+"/b.txt"] != "b" || len(got) != 2 ||
		!strings.Contains(contents, "a.txt was deleted while") {
		t.Errorf("the archive has %q", got)
	}
}

// An archive whose file turns out to be damaged while it is sent has no directory.
func TestArchiveManyIsWholeOrBroken(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	if _, err := svc.Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	f := s.stored(t, svc, r.Person, upload{"a.txt", bytes.Repeat([]byte("a"), 100_000)})
	// Of as many bytes, with another checksum.
	if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.objects.Put(t.Context(), f.Key(), bytes.NewReader(bytes.Repeat([]byte("b"), 100_000))); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err := svc.ArchiveMany([]dossier.PersonID{r.Person}, dossier.ToStaff).Write(t.Context(), &b)
	if codeOf(err) != dossier.CodeDamaged {
		t.Errorf("got %v", err)
	}
	if _, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil {
		t.Error("what was written is taken for an archive")
	}
	b.Reset()
	if err := svc.ArchiveMany([]dossier.PersonID{r.Person}, dossier.ToStaff).Write(t.Context(), &b); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if got := unzipped(t, b.Bytes()); !strings.Contains(got[ada.Name+"/Missing files.txt"], "a.txt") {
		t.Errorf("the next one has %q", got)
	}
}

// crowd is a catalog in which everybody has the same records.
type crowd struct{ listed }

func (c crowd) Files(ctx context.Context, person dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	page, err := c.listed.Files(ctx, person, after, limit)
	page = slices.Clone(page)
	for i := range page {
		page[i].Person = person
	}
	return page, err
}

// blank is an object store in which everything is empty.
type blank struct{ dossier.Objects }

func (blank) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("")), nil
}

// The archive takes more files than a ZIP without ZIP64 has, and who does not fit is named.
func TestArchiveManyIsBounded(t *testing.T) {
	s := inMemory()
	const each = 1000
	c := crowd{listed{Catalog: s.catalog}}
	for range each {
		c.files = append(c.files, dossier.File{ID: dossier.NewFileID(), Name: strings.Repeat("n", 30),
			State: dossier.FileStored, Content: &dossier.Content{}, CreatedAt: s.clock.now()})
	}
	slices.SortFunc(c.files, func(a, b dossier.File) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	var people []dossier.PersonID
	for range bounds.BulkDirectory/(each*100) + 2 {
		p := dossier.Person{ID: dossier.NewPersonID(), Details: ada, State: dossier.PersonSubmitted,
			CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}
		if err := s.people.Insert(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		people = append(people, p.ID)
	}
	svc := dossier.New(s.people, c, blank{s.objects}, dossier.Options{Limits: dossier.DefaultLimits(),
		Now: s.clock.now})
	var b bytes.Buffer
	if err := svc.ArchiveMany(people, dossier.ToStaff).Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	last := z.File[len(z.File)-1]
	if len(z.File) <= math.MaxUint16 || len(z.File) >= len(people)*each || last.Name != "Contents, incomplete.txt" {
		t.Errorf("%d files, the last is %s", len(z.File), last.Name)
	}
	in, err := last.Open()
	if err != nil {
		t.Fatal(err)
	}
	contents, err := io.ReadAll(in)
	if first := people[(len(z.File)-1)/each]; err != nil || !strings.Contains(string(contents), "more people") ||
		!strings.Contains(string(contents), first.String()) {
		t.Errorf("the list does not name %s, with whom to go on: %s, %v", first, contents[len(contents)-300:], err)
	}
}
