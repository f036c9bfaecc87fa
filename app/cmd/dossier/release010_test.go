package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/release010"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// What release 0.1.0 left is found by this program, goes on where it stood, and is reconciled. See package release010.
func TestRelease010(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	for name, restore := range map[string]func(t *testing.T) *installation{
		"embedded": embeddedInstallation,
		"servers":  serversInstallation,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("opened", func(t *testing.T) {
				in := restore(t)
				in.serve()
				in.signIn()
				in.mustHaveAll()
				t.Run("goes on", func(t *testing.T) { in.in(t).mustGoOn() })
			})
			t.Run("reconciled", func(t *testing.T) {
				in := restore(t)
				in.mustReconcile()
				in.serve()
				in.signIn()
				in.mustHaveKept()
			})
		})
	}
}

// installation is what 0.1.0 left, and the present program on it.
type installation struct {
	t *testing.T
	*release010.Manifest
	env    []string
	secret string
	base   string
	// client has the session of the staff.
	client *http.Client
}

// settings sets those of each program here: nothing is reconciled but by the command, so the time of the test does not
// matter.
func (in *installation) settings(more ...string) {
	in.env = slices.Concat(more, noRates, []string{"DOSSIER_RECONCILE_INTERVAL=0"})
}

func embeddedInstallation(t *testing.T) *installation {
	m, folder := release010.Embedded(t)
	in := &installation{t: t, Manifest: m, secret: m.StaffSecret}
	in.settings("DOSSIER_DATA=" + folder)
	in.migrate(in.env)
	key := filepath.Join(folder, "objects", ".signing-key")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if after, err := os.ReadFile(key); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the signing key was replaced (%v): addresses that were handed out are not good any more", err)
		}
	})
	return in
}

func serversInstallation(t *testing.T) *installation {
	servers.EndToEnd(t)
	m, c := release010.Servers(t)
	in := &installation{t: t, Manifest: m, secret: teststores.StaffSecret}
	in.settings(c.Environ()...)
	in.migrate(append(slices.Clone(in.env),
		"DOSSIER_DB_ADMIN_USER="+c.MySQL.AdminUser, "DOSSIER_DB_ADMIN_PASSWORD="+c.MySQL.AdminPassword))
	return in
}

// migrate brings the schema to that of the present program, as every update does.
func (in *installation) migrate(env []string) {
	in.t.Helper()
	status, stdout, stderr := run(in.t.Context(), env, "migrate", "up")
	if status != exitOK {
		in.t.Fatalf("migrate up: exit status %d\n%s%s", status, stdout, stderr)
	}
	if again := regexp.MustCompile(`(?m)^applied 0000[1-4]_.*`).FindAllString(stdout, -1); again != nil {
		in.t.Errorf("migrate up does not know what 0.1.0 has applied: %q", again)
	}
}

// serve starts the program with further settings.
func (in *installation) serve(more ...string) {
	in.t.Helper()
	p := start(in.t, freeAddress(in.t), slices.Concat(in.env, more))
	told(in.t, p)
	in.base = p.base
}

// in returns the installation for a part of the test.
func (in *installation) in(t *testing.T) *installation {
	one := *in
	one.t = t
	return &one
}

// signIn signs in as staff, with the secret of 0.1.0.
func (in *installation) signIn() {
	in.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		in.t.Fatal(err)
	}
	in.client = &http.Client{Jar: jar}
	res, err := in.client.PostForm(in.base+"/staff/sign-in", url.Values{"key": {in.secret}, "next": {"/people"}})
	if err != nil {
		in.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/people" {
		in.t.Fatalf("the staff secret of 0.1.0 leads to %s, %s", res.Request.URL.Path, res.Status)
	}
}

// ask makes a request; with a receipt, unless that is empty.
func (in *installation) ask(client *http.Client, method, path, receipt string, body []byte) (int, []byte) {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), method, in.base+path, bytes.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	if receipt != "" {
		req.Header.Set("Authorization", "Bearer "+receipt)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		in.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, answer
}

// page returns what staff see, or, with an address that has a receipt, a submitter.
func (in *installation) page(path string, want int) string {
	in.t.Helper()
	client := in.client
	if strings.HasPrefix(path, "/receipt/") {
		client = visitor()
	}
	status, answer := in.ask(client, http.MethodGet, path, "", nil)
	if status != want {
		in.t.Errorf("%s answers %d, want %d", path, status, want)
	}
	return string(answer)
}

// call makes a call of the API by a person's receipt.
func (in *installation) call(p *release010.Person, method, path string, body, out any) {
	in.t.Helper()
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			in.t.Fatal(err)
		}
	}
	status, answer := in.ask(http.DefaultClient, method, api.Prefix+path, p.Receipt, encoded)
	if status != http.StatusOK {
		in.t.Fatalf("%s %s for %s answers %d: %s", method, path, p.Name, status, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		in.t.Fatalf("%s %s for %s: %v", method, path, p.Name, err)
	}
}

// mustHaveAll checks every person and every file by every door.
func (in *installation) mustHaveAll() {
	in.t.Helper()
	var directory []*release010.Person
	states := map[string]int{}
	for _, p := range in.People {
		states[p.State]++
		for _, f := range p.Files {
			states["file "+f.State]++
		}
		switch p.State {
		case "submitted":
			directory = append(directory, p)
			in.mustHaveSubmitted(p)
		case "submitting":
			in.mustHaveReceipt(p)
			in.page("/people/"+p.ID, http.StatusNotFound)
		case "deleting":
			in.page("/receipt/"+p.Receipt, http.StatusNotFound)
			in.mustHavePersonPage(p)
		}
	}
	want := []string{"deleting", "file deleting", "file stored", "file uploading", "submitted", "submitting"}
	if got := slices.Sorted(maps.Keys(states)); !slices.Equal(got, want) {
		in.t.Errorf("the manifest has the states %q, want %q", got, want)
	}
	in.mustHaveDirectory(directory)
}

// mustHaveDirectory checks whom staff find.
func (in *installation) mustHaveDirectory(people []*release010.Person) {
	in.t.Helper()
	newest := slices.SortedFunc(slices.Values(people), func(a, b *release010.Person) int {
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	want := [][]string{{"id"}}
	for _, f := range dossier.Fields {
		want[0] = append(want[0], f.Name)
	}
	want[0] = append(want[0], "submitted_at")
	for _, p := range newest {
		submitted := p.CreatedAt.Format(time.RFC3339Nano)
		row := []string{p.ID, p.Name, p.Location, strconv.Itoa(p.Age), p.Technology}
		row = append(row, make([]string, len(dossier.Fields)-len(row)+1)...) // fields that 0.1.0 does not have
		want = append(want, append(row, submitted))
	}
	list := func(query string) [][]string {
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(in.page("/people.csv"+query, http.StatusOK),
			"\ufeff"))).ReadAll()
		if err != nil {
			in.t.Fatal(err)
		}
		return rows
	}
	if got := list(""); !reflect.DeepEqual(got, want) {
		in.t.Errorf("the directory has %q, want %q", got, want)
	}
	page := in.page("/people", http.StatusOK)
	for _, p := range in.People {
		if has := strings.Contains(page, `"/people/`+p.ID+`"`); has != slices.Contains(people, p) {
			in.t.Errorf("that the directory has %s, who is %s, is %t", p.Name, p.State, has)
		}
	}
	for query, name := range map[string]string{
		"elod": "Élodie Çelik", "ÉLODIE ç": "Élodie Çelik", "grace h": "Grace Hopper", "Charles": "",
		"hopper": "Grace Hopper", "celik": "Élodie Çelik",
	} {
		var names []string
		// What 0.1.0 left has no words: serve writes them once it has started.
		for until := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			names = nil
			for _, row := range list("?q=" + url.QueryEscape(query))[1:] {
				names = append(names, row[1])
			}
			if strings.Join(names, ", ") == name || time.Now().After(until) {
				break
			}
		}
		if strings.Join(names, ", ") != name {
			in.t.Errorf("the search for %q finds %q, want %q", query, names, name)
		}
	}
	for _, p := range people {
		for _, f := range p.Files {
			n := len(dossier.SearchWords(f.Name))
			if f.State != "stored" || n == 0 || n > dossier.MaxSearchWords || len(f.Name) > dossier.MaxNameLength {
				continue
			}
			found := list("?q=" + url.QueryEscape(f.Name))
			if !slices.ContainsFunc(found, func(row []string) bool { return row[0] == p.ID }) {
				in.t.Errorf("the search for the file %q does not find %s", f.Name, p.Name)
			}
		}
	}
}

// mustHaveSubmitted checks a person who was acknowledged: receipt, page of the staff, downloads and archives.
func (in *installation) mustHaveSubmitted(p *release010.Person) {
	in.t.Helper()
	in.mustHaveReceipt(p)
	in.mustHavePersonPage(p)
	var archived []string
	for _, f := range p.Files {
		paths := []string{"/receipt/" + p.Receipt + "/files/" + f.ID, "/people/" + p.ID + "/files/" + f.ID}
		if f.State != "stored" {
			for _, path := range paths {
				in.page(path, http.StatusNotFound)
			}
			continue
		}
		archived = append(archived, f.SHA256)
		if strings.HasPrefix(f.Type, "image/") {
			path := "/people/" + p.ID + "/files/" + f.ID + "/picture"
			if shown := []byte(in.page(path, http.StatusOK)); !dossier.IsThumbnail(shown) {
				in.t.Errorf("%s of %s is shown by %d bytes that are no thumbnail", f.Name, p.Name, len(shown))
			}
		}
		for _, path := range paths {
			in.mustBe(p, f, path, []byte(in.page(path, http.StatusOK)))
		}
		path := api.Prefix + "/files/" + f.ID + "/content"
		status, data := in.ask(http.DefaultClient, http.MethodGet, path, p.Receipt, nil)
		if status != http.StatusOK {
			in.t.Errorf("%s answers %d", path, status)
		}
		in.mustBe(p, f, path, data)
	}
	slices.Sort(archived)
	for _, path := range []string{"/receipt/" + p.Receipt + "/files.zip", "/people/" + p.ID + "/files.zip"} {
		if len(archived) == 0 {
			in.page(path, http.StatusNotFound)
			continue
		}
		if got := in.archive(path); !slices.Equal(got, archived) {
			in.t.Errorf("the archive of %s has files with the SHA-256 %q, want %q", p.Name, got, archived)
		}
	}
}

// mustBe checks the bytes of a file that came from somewhere.
func (in *installation) mustBe(p *release010.Person, f *release010.File, from string, data []byte) {
	in.t.Helper()
	if sum := sha256.Sum256(data); int64(len(data)) != f.Size || hex.EncodeToString(sum[:]) != f.SHA256 {
		in.t.Errorf("%s of %s, from %s, has %d bytes with the SHA-256 %x; want %d, %s",
			f.Name, p.Name, from, len(data), sum, f.Size, f.SHA256)
	}
}

// mustBeStored checks the bytes of a file that a receipt gives.
func (in *installation) mustBeStored(p *release010.Person, f *release010.File) {
	in.t.Helper()
	path := "/receipt/" + p.Receipt + "/files/" + f.ID
	in.mustBe(p, f, path, []byte(in.page(path, http.StatusOK)))
}

// archive returns the SHA-256 of each file of a ZIP, sorted.
func (in *installation) archive(path string) (sums []string) {
	in.t.Helper()
	data := in.page(path, http.StatusOK)
	z, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		in.t.Fatalf("%s: %v", path, err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			in.t.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			in.t.Errorf("%s in %s: %v", f.Name, path, err)
		}
		r.Close()
		sums = append(sums, hex.EncodeToString(sum.Sum(nil)))
	}
	slices.Sort(sums)
	return sums
}

// mustHaveReceipt checks what the holder of a receipt sees, in the page and by the API.
func (in *installation) mustHaveReceipt(p *release010.Person) {
	in.t.Helper()
	page := in.page("/receipt/"+p.Receipt, http.StatusOK)
	if !strings.Contains(page, html.EscapeString(p.Name)) {
		in.t.Errorf("the receipt of %s does not say so", p.Name)
	}
	for _, f := range p.Files {
		link := "/receipt/" + p.ID + "/files/" + f.ID
		if has := strings.Contains(page, link); has != (f.State == "stored" && p.State == "submitted") {
			in.t.Errorf("that the receipt of %s, who is %s, has a link to %s, which is %s, is %t",
				p.Name, p.State, f.Name, f.State, has)
		}
		if has := strings.Contains(page, html.EscapeString(f.Name)); has != (f.State != "deleting") {
			in.t.Errorf("that the receipt of %s names %s, which is %s, is %t", p.Name, f.Name, f.State, has)
		}
	}
	got, want := in.receipt(p), api.Person{
		ID: p.ID, Name: p.Name, Location: p.Location, Age: p.Age, Technology: p.Technology,
		State: api.PersonState(p.State), CreatedAt: p.CreatedAt,
	}
	if got.Person != want {
		in.t.Errorf("the API has the person %+v, want %+v", got.Person, want)
	}
	var list []string
	for _, f := range p.Files {
		if f.State != "deleting" {
			list = append(list, wantedFile(f, f.State == "stored"))
		}
	}
	in.mustList(p, got.Files, list)
}

func (in *installation) receipt(p *release010.Person) (r api.Receipt) {
	in.t.Helper()
	in.call(p, http.MethodGet, "/receipt", nil, &r)
	return r
}

// mustList compares the API's list of a person's files with the one that is wanted.
func (in *installation) mustList(p *release010.Person, got []api.File, want []string) {
	in.t.Helper()
	var list []string
	for _, f := range got {
		list = append(list, listedFile(f))
	}
	if !slices.Equal(list, want) {
		in.t.Errorf("the API has these files of %s:\n%s\nwant\n%s",
			p.Name, strings.Join(list, "\n"), strings.Join(want, "\n"))
	}
}

// listedFile is a file of the API's as the test compares it.
func listedFile(f api.File) string {
	var content api.Content
	if f.Content != nil {
		content = *f.Content
	}
	return fileLine(f.ID, f.Name, string(f.State), f.Size, content.Sha256, content.Crc64Nvme, content.Type)
}

func fileLine(id, name, state string, size *int64, sha256, crc64, mediaType string) string {
	length := "of unknown size"
	if size != nil {
		length = fmt.Sprintf("%d bytes", *size)
	}
	return fmt.Sprintf("%s %q %s, %s, %s %s %q", id, name, state, length, sha256, crc64, mediaType)
}

// wantedFile is a file as listedFile has to show it, as stored or not.
func wantedFile(f *release010.File, stored bool) string {
	switch {
	case stored:
		return fileLine(f.ID, f.Name, "stored", &f.Size, f.SHA256, f.CRC64, f.Type)
	case f.Direct: // announced with its size
		return fileLine(f.ID, f.Name, "uploading", &f.Size, "", "", "")
	}
	return fileLine(f.ID, f.Name, "uploading", nil, "", "", "")
}

// mustHavePersonPage checks what staff see of a person.
func (in *installation) mustHavePersonPage(p *release010.Person) {
	in.t.Helper()
	page := in.page("/people/"+p.ID+"?view=cards", http.StatusOK)
	for _, text := range []string{p.Name, p.Location, p.Technology} {
		if !strings.Contains(page, html.EscapeString(text)) {
			in.t.Errorf("the page of %s does not say %q", p.Name, text)
		}
	}
	if has := strings.Contains(page, "This person and all their files are being deleted"); has != (p.State == "deleting") {
		in.t.Errorf("that the page says that %s is being deleted is %t", p.Name, has)
	}
	for _, f := range p.Files {
		_, entry, found := strings.Cut(page, "<bdi>"+html.EscapeString(f.Name)+"</bdi>")
		if !found {
			in.t.Errorf("the page of %s does not name %s", p.Name, f.Name)
		}
		if f.State == "stored" && !strings.Contains(page, f.SHA256) {
			in.t.Errorf("the page of %s does not have the SHA-256 of %s", p.Name, f.Name)
		}
		entry, _, _ = strings.Cut(entry, "</li>")
		words := map[string][]string{"uploading": {"Not complete", "Being sent"}, "deleting": {"Being deleted"}}[f.State]
		if len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(entry, word) }) {
			in.t.Errorf("the page of %s says none of %q of %s", p.Name, words, f.Name)
		}
	}
}
