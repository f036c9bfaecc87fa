package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/release010"
)

// mustGoOn goes on with everything that 0.1.0 left half-done, and checks that what it counted counts.
func (in *installation) mustGoOn() {
	elodie := in.Person(in.t, "Élodie Çelik")
	in.mustCount(elodie)
	for name, missing := range map[string][]int{"three parts.bin": {2}, "announced.txt": {1}, "described.txt": nil} {
		in.mustResume(elodie, elodie.File(in.t, name), missing...)
	}
	uncommitted := elodie.File(in.t, "uncommitted.txt")
	var status api.FileStatus
	in.call(elodie, http.MethodGet, "/files/"+uncommitted.ID, nil, &status)
	if got, want := listedFile(status.File), wantedFile(uncommitted, true); got != want {
		in.t.Errorf("the file that only lacked its commit is %s, want %s", got, want)
	}
	in.mustBeStored(elodie, uncommitted)
	in.mustCount(elodie)

	in.mustResumeCommand()

	// The same file again, by the same receipt, is the same file: what 0.1.0 committed is known as such.
	ada := in.Person(in.t, "Ada Lovelace")
	before := in.receipt(ada).Files
	in.sendAgain(ada, "notes.txt", "loom.png", "empty.txt", "Größe – 図面 №7.txt")
	if after := in.receipt(ada).Files; !reflect.DeepEqual(before, after) {
		in.t.Errorf("after the same form was sent again there are the files %+v, want %+v", after, before)
	}
	// So is a form that was cut off before it was acknowledged.
	annie := in.Person(in.t, "Annie Easley")
	in.sendAgain(annie, "centaur.txt")
	annie.State = "submitted"
	in.mustHaveSubmitted(annie)
	annie.State = "submitting"

	// And one that was cut off in the middle of a file.
	charles := in.Person(in.t, "Charles Babbage")
	in.sendAgain(charles, "plate 1.txt")
	plate := charles.File(in.t, "plate 1.txt")
	var stored []string
	for _, f := range in.receipt(charles).Files {
		if f.State == api.Stored {
			stored = append(stored, f.Name)
			in.mustBe(charles, plate, "the page of staff",
				[]byte(in.page("/people/"+charles.ID+"/files/"+f.ID, http.StatusOK)))
		}
	}
	if want := []string{plate.Name}; !slices.Equal(stored, want) {
		in.t.Errorf("after the form of %s was sent again %q are stored, want %q", charles.Name, stored, want)
	}

	// Staff carry a deletion to its end.
	alan := in.Person(in.t, "Alan Turing")
	page := in.page("/people/"+alan.ID+"/delete", http.StatusOK)
	_, token, _ := strings.Cut(page, `name="csrf" value="`)
	token, _, _ = strings.Cut(token, `"`)
	res, err := in.client.PostForm(in.base+"/people/"+alan.ID+"/delete",
		url.Values{"csrf": {html.UnescapeString(token)}})
	if err != nil {
		in.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		in.t.Errorf("the deletion of %s answers %s", alan.Name, res.Status)
	}
	in.page("/people/"+alan.ID, http.StatusNotFound)
}

// mustCount checks what is counted of a person, by a quota that it just fits in: with one file more, of ten bytes.
func (in *installation) mustCount(p *release010.Person) {
	in.t.Helper()
	one := in.in(in.t)
	one.serve(fmt.Sprintf("DOSSIER_MAX_PERSON_FILES=%d", p.Counted.Files+1),
		fmt.Sprintf("DOSSIER_MAX_PERSON_SIZE=%d", p.Counted.Bytes+10), "DOSSIER_MAX_FILE_SIZE=1KiB")
	id := dossier.NewFileID().String()
	for _, step := range []struct {
		id     string
		size   int64
		status int
	}{
		{dossier.NewFileID().String(), 11, http.StatusConflict},
		{id, 10, http.StatusOK},
		{dossier.NewFileID().String(), 0, http.StatusConflict},
	} {
		body, err := json.Marshal(api.Announcement{Name: "one more", Size: step.size})
		if err != nil {
			in.t.Fatal(err)
		}
		status, answer := one.ask(http.DefaultClient, http.MethodPut, api.Prefix+"/files/"+step.id, p.Receipt, body)
		if status != step.status {
			in.t.Errorf("with room for one file and ten bytes beside what %s has, one of %d bytes is answered with "+
				"%d, want %d: %s",
				p.Name, step.size, status, step.status, answer)
		}
	}
	status, answer := one.ask(http.DefaultClient, http.MethodDelete, api.Prefix+"/files/"+id, p.Receipt, nil)
	if status != http.StatusNoContent {
		in.t.Errorf("giving the file up answers %d: %s", status, answer)
	}
}

// mustResume sends the parts of a file that are missing, and completes it.
func (in *installation) mustResume(p *release010.Person, f *release010.File, missing ...int) {
	in.t.Helper()
	part := func(number int) api.Part {
		crc := dossier.NewCRC64()
		_, _ = crc.Write(f.Part(number)) // a hash never fails
		return api.Part{Number: number, Size: int64(len(f.Part(number))), Crc64Nvme: api.FormatCRC64NVME(crc.Sum64())}
	}
	var status api.FileStatus
	in.call(p, http.MethodGet, "/files/"+f.ID, nil, &status)
	have := []api.Part{}
	for _, number := range f.Parts {
		have = append(have, part(number))
	}
	if !slices.Equal(status.Parts, have) || *status.File.PartSize != release010.PartSize {
		in.t.Errorf("of %s there are the parts %v of %d bytes, want %v of %d",
			f.Name, status.Parts, *status.File.PartSize, have, release010.PartSize)
	}
	var announced api.File
	in.call(p, http.MethodPut, "/files/"+f.ID, api.Announcement{Name: f.Name, Size: f.Size}, &announced)
	if !reflect.DeepEqual(announced, status.File) {
		in.t.Errorf("announced again %s is %+v, want %+v", f.Name, announced, status.File)
	}
	for _, number := range missing {
		var signed api.SignedParts
		in.call(p, http.MethodPost, "/files/"+f.ID+"/parts", api.PartsToSign{Parts: []api.Part{part(number)}}, &signed)
		in.sendPart(f, signed.Parts[0])
	}
	var stored api.File
	in.call(p, http.MethodPost, "/files/"+f.ID+"/complete", api.Completion{Crc64Nvme: f.CRC64, Sha256: f.SHA256},
		&stored)
	if stored.State != api.Stored || *stored.Size != f.Size || stored.Content.Sha256 != f.SHA256 {
		in.t.Errorf("completed, %s is %+v", f.Name, stored)
	}
	in.mustBeStored(p, f)
}

// sendPart sends a part as it was signed.
func (in *installation) sendPart(f *release010.File, p api.SignedPart) {
	in.t.Helper()
	base, err := url.Parse(in.base + api.Prefix + "/files/" + f.ID + "/parts")
	if err != nil {
		in.t.Fatal(err)
	}
	to, err := base.Parse(p.URL)
	if err != nil {
		in.t.Fatal(err)
	}
	data := bytes.NewReader(f.Part(p.Number))
	req, err := http.NewRequestWithContext(in.t.Context(), string(p.Method), to.String(), data)
	if err != nil {
		in.t.Fatal(err)
	}
	for name, value := range p.Headers {
		if name != "Content-Length" { // set by the body
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		in.t.Fatalf("part %d of %s: the store answers %s", p.Number, f.Name, res.Status)
	}
}

// mustResumeCommand runs the command again that was killed, with its journal of 0.1.0.
func (in *installation) mustResumeCommand() {
	in.t.Helper()
	p := in.Person(in.t, "Katherine Johnson")
	content := map[string][]byte{}
	missing := p.File(in.t, "trajectory.bin").Part(3)
	for _, name := range in.Journal.Sources {
		content[name] = p.File(in.t, name).Data()
	}
	folder, _ := files(in.t, content)
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		in.t.Fatal(err)
	}
	args := []string{
		"--to", in.base,
		"--name", p.Name, "--location", p.Location, "--age", strconv.Itoa(p.Age), "--technology", p.Technology,
	}
	for _, name := range in.Journal.Sources {
		path := filepath.Join(folder, name)
		at := time.Unix(0, in.Journal.Modified[name])
		if err := os.Chtimes(path, at, at); err != nil {
			in.t.Fatal(err)
		}
		args = append(args, path)
	}
	u := newUploader(in.t)
	state := filepath.Join(u.home, ".local", "state", "dossier", "uploads")
	if err := os.MkdirAll(state, 0o700); err != nil {
		in.t.Fatal(err)
	}
	name, text := in.JournalOf(in.t, in.base, folder)
	if err := os.WriteFile(filepath.Join(state, name), text, 0o600); err != nil {
		in.t.Fatal(err)
	}
	_, summary := u.run(exitOK, args...)
	if !summary.Resumed || summary.Stored != len(content) || summary.SentBytes != int64(len(missing)) ||
		summary.ReceiptURL != in.base+"/receipt#"+p.Receipt {
		in.t.Errorf("the command that was killed ends with %+v; want it resumed, by its receipt, with %d bytes sent",
			summary, len(missing))
	}
	for _, f := range p.Files {
		in.mustBeStored(p, f)
	}
	if left := u.journals(); len(left) > 0 {
		in.t.Errorf("the command left %q", left)
	}
}

// sendAgain sends the form of a person again, with files of these names.
func (in *installation) sendAgain(p *release010.Person, names ...string) {
	in.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, field := range [][2]string{
		{"receipt", p.Receipt}, {"name", p.Name}, {"location", p.Location},
		{"age", strconv.Itoa(p.Age)}, {"technology", p.Technology},
	} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			in.t.Fatal(err)
		}
	}
	for _, name := range names {
		f := p.File(in.t, name)
		data := in.content(p, f)
		part, err := w.CreateFormFile("files", name)
		if err != nil {
			in.t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			in.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		in.t.Fatal(err)
	}
	if err := postBody(in.t.Context(), in.base, w.FormDataContentType(), &body); err != nil {
		in.t.Errorf("the form of %s, sent again: %v", p.Name, err)
	}
}

// content returns the bytes of a file that the test can make, or that is stored.
func (in *installation) content(p *release010.Person, f *release010.File) []byte {
	in.t.Helper()
	if f.Repeated != "" {
		return f.Data()
	}
	status, data := in.ask(http.DefaultClient, http.MethodGet, api.Prefix+"/files/"+f.ID+"/content", p.Receipt, nil)
	if status != http.StatusOK {
		in.t.Fatalf("%s of %s answers %d", f.Name, p.Name, status)
	}
	return data
}

// mustReconcile reconciles as if a day had passed, and checks what is reported.
func (in *installation) mustReconcile() {
	in.t.Helper()
	want := map[string]int{}
	var kept, transfers int
	for _, p := range in.People {
		switch p.State {
		case "submitting":
			want[dossier.RepairRemovedSubmission]++
		case "deleting":
			want[dossier.RepairRemovedPerson]++
		}
		for _, f := range p.Files {
			switch {
			case f.Kept && f.State == "stored":
				kept++
			case f.Kept:
				kept++
				want[dossier.RepairFinished]++
			case f.State == "uploading":
				if p.State == "submitted" { // else it goes with its person
					want[dossier.RepairRemovedUpload]++
				}
				if !f.Direct && f.SHA256 == "" { // broke off in a form: no record names the transfer
					transfers++
				}
			case f.State == "deleting" && p.State == "submitted":
				want[dossier.RepairRemovedFile]++
			}
		}
	}
	first := dossier.ReconcileReport{Swept: true, Counts: want, AbortedMultipartUploads: transfers, Verified: kept}
	// Of what a report says beside, here nothing is meant.
	counts := func() dossier.ReconcileReport {
		r := reconcileNow(in.t, in.env)
		r.VerifiedBytes, r.Files = 0, 0
		return r
	}
	got := counts()
	// Whose files changed was given words by that.
	if n := got.Counts[dossier.RepairWords]; n < 1 || n > len(in.People) {
		in.t.Errorf("reconcile wrote the words of %d people, want those of most of %d", n, len(in.People))
	}
	delete(got.Counts, dossier.RepairWords)
	if !reflect.DeepEqual(got, first) {
		in.t.Errorf("reconcile did %+v, want %+v", got, first)
	}
	nothing := dossier.ReconcileReport{Swept: true, Counts: map[string]int{}, Verified: kept}
	if got := counts(); !reflect.DeepEqual(got, nothing) {
		in.t.Errorf("a second reconcile did %+v, want %+v", got, nothing)
	}
}

// mustHaveKept checks that what was acknowledged is there after a reconciliation, and nothing else.
func (in *installation) mustHaveKept() {
	in.t.Helper()
	var people []*release010.Person
	for _, p := range in.People {
		if p.State != "submitted" {
			in.page("/receipt/"+p.Receipt, http.StatusNotFound)
			in.page("/people/"+p.ID, http.StatusNotFound)
			continue
		}
		one := *p
		one.Files = nil
		one.Counted.Files, one.Counted.Bytes = 0, 0
		for _, f := range p.Files {
			if f.Kept {
				stored := *f
				stored.State = "stored"
				one.Files = append(one.Files, &stored)
				one.Counted.Files++
				one.Counted.Bytes += f.Size
			}
		}
		in.mustHaveSubmitted(&one)
		if len(one.Files) != len(p.Files) { // some of what was counted is gone
			in.mustCount(&one)
		}
		people = append(people, p)
	}
	in.mustHaveDirectory(people)
}
