// Package release010 holds what Dossier 0.1.0 left on its stores: a data folder of the embedded ones, and the
// database, the table and the bucket of a site in AWS. A test of the command (app/cmd/dossier) restores both,
// opens them with the present program, and finds everything. So a change that an installation of 0.1.0 would
// not survive shows before it is released.
//
// # What there is
//
// The folders embedded and servers hold the same seven people in stores of their own. Each has a manifest.json,
// which says what there is: the people with their receipts, their files with names, sizes, checksums and
// states, what was sent of those that are not stored, what is counted for the quota, and what reconciliation
// keeps. People are in every state (submitting, submitted, deleting), and so are files (uploading, stored,
// deleting), also between two steps: described and not finished, finished and not committed, without its object
// and not yet without its record.
//
//	embedded/people.sql, catalog.sql  the two SQLite databases, by sqlite3's .dump
//	embedded/folder                   all else in the data folder: objects, transfers, signing key, staff secret
//	servers/people.sql                the database and the app's user, for MariaDB 10.11 and MySQL 8.4
//	servers/table.json, items.json    the DynamoDB table and its items, in DynamoDB's JSON
//	servers/bucket, uploads           the objects of the bucket, and the parts of its unfinished uploads
//	…/journal.jsonl                   the journal of a "dossier upload" that was killed
//
// All of it is invented; receipts, secrets and passwords open nothing else. Bytes of more than 4 KiB are
// compressed by bzip2 (.bz2). Folders that are empty are named in the manifest, because Git keeps none.
//
// # How it was made
//
// By the program of release 0.1.0, through the doors that people use: the form, the JSON API and "dossier
// upload". Two processes were killed (SIGKILL) at work: a server in the second file of a form, after 6 MiB, and
// the command with one part to go. What no door leaves at rest was made by the domain's service of 0.1.0 over
// the real stores, one of which failed at one call: Finish (a transfer whose content is described), Commit (in
// DynamoDB its second write, so that a claim stands for a record that is not stored), Delete and Remove
// (deletions of files and of a person), Move (a person whose file is committed). No row was written by hand.
// The dumps differ from what was in the stores in three ways: MySQL's has no display widths of integers, which
// MySQL 8.4 calls deprecated; the app's user has the password that is in the manifest; the journal has FOLDER
// for the folder of its files.
//
// It is never made again: a later program would write what a later program writes. The maker could run on 0.1.0
// only and is not kept. To add something that 0.1.0 writes, build that program from the commit before the one
// that added this package.
//
// # What it does not show
//
//   - The ids of multipart uploads are S3's own, so Servers starts each upload anew and puts its id into the
//     record. Objects that came in parts are put back in one request.
//   - Time to live would by now have removed the unfinished records from a real table. The table here has none.
//   - Modes and times of files: Embedded restores them as the program makes them, with the present time.
package release010

import (
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"
)

// "all:" takes the files whose names begin with a dot, too.
//
//go:embed all:embedded servers
var files embed.FS

// Manifest says what there is.
type Manifest struct {
	// StaffSecret is that of the embedded stores.
	StaffSecret string `json:"staff_secret"`
	// DatabasePassword is that of the app's user at MySQL.
	DatabasePassword string `json:"database_password"`
	// EmptyFolders are below the data folder.
	EmptyFolders []string  `json:"empty_folders"`
	People       []*Person `json:"people"`
	Uploads      []upload  `json:"uploads"`
	Journal      Journal   `json:"journal"`

	kind string
}

// Person is one of the people, in whatever state.
type Person struct {
	// What says how the person came into this state.
	What string `json:"what"`
	// Receipt is the whole receipt, with its secret.
	Receipt    string    `json:"receipt"`
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Location   string    `json:"location"`
	Age        int       `json:"age"`
	Technology string    `json:"technology"`
	State      string    `json:"state"`
	CreatedAt  time.Time `json:"created_at"`
	// Counted is what the quota counts.
	Counted struct {
		Files int64 `json:"files"`
		Bytes int64 `json:"bytes"`
	} `json:"counted"`
	// Files are in the order of their ids.
	Files []*File `json:"files"`
}

// File is one of a person's files, in whatever state.
type File struct {
	// What says how the file came into this state.
	What  string `json:"what"`
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
	// Size and the checksums are those of the whole file, also where it did not arrive whole. They are unknown of
	// one that broke off in a form.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	CRC64  string `json:"crc64nvme"`
	// Type is empty where nobody has looked at the bytes yet.
	Type string `json:"type"`
	// Repeated is the text that the file consists of, over and over, where the test has to send it.
	Repeated string `json:"repeated"`
	// Direct: it was announced, and came in parts of 8 MiB. Parts are those that are there of one that is not finished.
	Direct bool  `json:"direct"`
	Parts  []int `json:"parts"`
	// Kept: reconciliation leaves it stored.
	Kept bool `json:"kept"`
}

// Data returns the bytes of a file that is Repeated.
func (f *File) Data() []byte {
	return bytes.Repeat([]byte(f.Repeated), int(f.Size)/len(f.Repeated)+1)[:f.Size]
}

// PartSize is the size of all parts but the last of a file that is Direct.
const PartSize = 8 << 20

// Part returns the bytes of a part of a file that is Repeated.
func (f *File) Part(number int) []byte {
	data := f.Data()
	from := min((number-1)*PartSize, len(data))
	return data[from:min(from+PartSize, len(data))]
}

// Person returns the person of that name.
func (m *Manifest) Person(t testing.TB, name string) *Person {
	t.Helper()
	for _, p := range m.People {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("the manifest has no %s", name)
	return nil
}

// File returns the person's first file of that name.
func (p *Person) File(t testing.TB, name string) *File {
	t.Helper()
	for _, f := range p.Files {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("%s has no file %s", p.Name, name)
	return nil
}

// Journal is what a "dossier upload" of a new person left, which was killed.
type Journal struct {
	// Person is the person's id.
	Person string `json:"person"`
	// Sources are the files that were to be sent, by their names in one folder, and Modified their times of change,
	// in nanoseconds since 1970.
	Sources  []string         `json:"sources"`
	Modified map[string]int64 `json:"modified"`
}

// JournalOf returns the name and the text of the journal, as if the command had run for this site, and for files in
// this folder: an absolute path without links.
func (m *Manifest) JournalOf(t testing.TB, site, folder string) (name string, text []byte) {
	t.Helper()
	var p *Person
	for _, candidate := range m.People {
		if candidate.ID == m.Journal.Person {
			p = candidate
		}
	}
	if p == nil {
		t.Fatalf("the journal's person %s is not in the manifest", m.Journal.Person)
	}
	// How 0.1.0 names a journal: by what makes two commands the same.
	key := []string{site, "new", p.Name, p.Location, strconv.Itoa(p.Age), p.Technology}
	for _, source := range m.Journal.Sources {
		key = append(key, strconv.Quote(path.Join(folder, source)))
	}
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(encoded)
	text = bytes.ReplaceAll(m.read(t, "journal.jsonl"), []byte("FOLDER"), []byte(folder))
	return hex.EncodeToString(sum[:16]) + ".journal", text
}

// load reads the manifest of a kind of stores.
func load(t testing.TB, kind string) *Manifest {
	t.Helper()
	m := &Manifest{kind: kind}
	if err := json.Unmarshal(m.read(t, "manifest.json"), m); err != nil {
		t.Fatalf("read the manifest of %s: %v", kind, err)
	}
	return m
}

const compressed = ".bz2"

// read returns a file as it was before it came here.
func (m *Manifest) read(t testing.TB, name string) []byte {
	t.Helper()
	name = path.Join(m.kind, name)
	data, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = files.ReadFile(name + compressed); err == nil {
			data, err = io.ReadAll(bzip2.NewReader(bytes.NewReader(data)))
		}
	}
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return data
}

// each calls do with every file below a folder: its name below that, and its bytes.
func (m *Manifest) each(t testing.TB, folder string, do func(name string, data []byte)) {
	t.Helper()
	root := path.Join(m.kind, folder)
	err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name = strings.TrimSuffix(name, compressed)
			do(strings.TrimPrefix(name, root+"/"), m.read(t, strings.TrimPrefix(name, m.kind+"/")))
		}
		return err
	})
	if err != nil {
		t.Fatalf("walk %s: %v", root, err)
	}
}
