package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// The clients of TestRot: who they are and what they have, how they send it, and how they get it back.

// A rotFile is made of its seed, so that none needs to be kept.
type rotFile struct {
	name string
	size int
	seed [32]byte
}

func (f rotFile) data() []byte {
	b := make([]byte, f.size)
	_, _ = rand.NewChaCha8(f.seed).Read(b) // never fails
	return b
}

// rotSizes are few, so that there is often another object of the same size. The last one has several parts.
var rotSizes = []int{0, 1, 900, 900, 4096, 70_000, 70_000, 70_000, 300_000, 300_000, 8<<20 + 77}

// rotPerson is somebody with files, each of a name of its own. It does not change.
type rotPerson struct {
	receipt dossier.Receipt
	details dossier.Details
	files   []rotFile
}

func newRotPerson(rng *rand.Rand, name string) *rotPerson {
	p := &rotPerson{receipt: dossier.NewReceipt(),
		details: dossier.Details{Name: "Grace Hopper " + name, Location: "Arlington", Age: 85, Technology: "COBOL"}}
	for i := range 1 + rng.IntN(5) {
		f := rotFile{name: fmt.Sprintf("%s-%d.bin", name, i), size: rotSizes[rng.IntN(len(rotSizes))]}
		for j := range f.seed {
			f.seed[j] = byte(rng.Uint32())
		}
		p.files = append(p.files, f)
	}
	return p
}

// file returns the one of that name, which is also that in an archive.
func (p *rotPerson) file(name string) (rotFile, bool) {
	// Of a file that just took another's place an archive may know both.
	name = regexp.MustCompile(` \(\d+\)\.`).ReplaceAllString(name, ".")
	i := slices.IndexFunc(p.files, func(f rotFile) bool { return f.name == name })
	if i < 0 {
		return rotFile{}, false
	}
	return p.files[i], true
}

// person returns one of those that have files; nil while there are none.
func (r *rot) person(rng *rand.Rand) *rotPerson {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.people) == 0 {
		return nil
	}
	return r.people[rng.IntN(len(r.people))]
}

// rotPeople is how many persons there are at most: what long bad times bring is damage, not ever more files.
const rotPeople = 100

// sends has one client after the other send files, new ones and such as were sent before, until they are acknowledged.
func (r *rot) sends(rng *rand.Rand, number int) {
	ways := slices.Sorted(maps.Keys(rotWays))
	for n := 0; !r.isOver(); n++ {
		r.mu.Lock()
		full := len(r.people) >= rotPeople
		r.mu.Unlock()
		p, what, way := r.person(rng), "sent again", ways[rng.IntN(len(ways))]
		if p == nil || !full && rng.IntN(2) == 0 {
			p, what = newRotPerson(rng, fmt.Sprintf("%d-%d", number, n)), "sent"
			if r.send(p, p.files, way, what) {
				r.mu.Lock()
				r.people = append(r.people, p)
				r.mu.Unlock()
			}
			continue
		}
		first := rng.IntN(len(p.files))
		r.send(p, p.files[first:first+1+rng.IntN(len(p.files)-first)], way, what)
	}
}

// send sends files by one way, again and again until they are acknowledged.
func (r *rot) send(p *rotPerson, files []rotFile, way, what string) bool {
	for try := 0; ; try++ {
		err := rotWays[way](r, p, files)
		if err == nil {
			break
		}
		r.count("not " + what + " by " + way)
		if r.isOver() && try > 20 {
			r.t.Errorf("files are not taken by %s although the bad times are over: %v", way, err)
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.count(what + " by " + way)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range files {
		r.acked[acknowledged{p.receipt.Person, f.name, sha256.Sum256(f.data())}] = true
	}
	return true
}

// rotWays are the ways in which files are sent. The error is nil where all were acknowledged.
var rotWays = map[string]func(*rot, *rotPerson, []rotFile) error{
	"the form": (*rot).form, "the API": (*rot).api, "the command": (*rot).command,
}

func (r *rot) form(p *rotPerson, files []rotFile) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, field := range [][2]string{{"receipt", p.receipt.String()}, {"name", p.details.Name},
		{"location", p.details.Location},
		{"age", strconv.Itoa(p.details.Age)}, {"technology", p.details.Technology}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile("files", f.name)
		if err == nil {
			_, err = part.Write(f.data())
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return postBody(ctx, r.base, w.FormDataContentType(), &body)
}

// call makes a request to the API, as who has the receipt; several times where an instance is down, for every call may
// be repeated.
func (r *rot) call(p *rotPerson, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for range 4 {
		if err = r.callOnce(p, method, path, body, out); err == nil || errors.Is(err, errRefused) {
			break
		}
	}
	return err
}

// errRefused is an answer of the app.
var errRefused = errors.New("refused")

func (r *rot) callOnce(p *rotPerson, method, path string, body []byte, out any) error {
	req, err := http.NewRequest(method, r.base+api.Prefix+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.receipt.String())
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: %s %s: %s: %s", errRefused, method, path, res.Status, answer)
	}
	return json.Unmarshal(answer, out)
}

func (r *rot) register(p *rotPerson) error {
	d := p.details
	return r.call(p, http.MethodPost, "/people",
		api.Registration{Name: d.Name, Location: d.Location, Age: d.Age, Technology: d.Technology}, &api.Registered{})
}

// api sends each file as a new one, whatever the person has.
func (r *rot) api(p *rotPerson, files []rotFile) error {
	if err := r.register(p); err != nil {
		return err
	}
	for _, f := range files {
		data, id := f.data(), dossier.NewFileID().String()
		var announced, stored api.File
		if err := r.call(p, http.MethodPut, "/files/"+id, api.Announcement{Name: f.name, Size: int64(f.size)},
			&announced); err != nil {
			return err
		}
		crc := dossier.NewCRC64()
		_, _ = crc.Write(data) // never fails
		for number, rest := 1, data; number == 1 || len(rest) > 0; number++ {
			part := rest[:min(int64(len(rest)), *announced.PartSize)]
			rest = rest[len(part):]
			if err := r.part(p, id, number, part); err != nil {
				return err
			}
		}
		sum := sha256.Sum256(data)
		whole := api.Completion{Crc64Nvme: api.FormatCRC64NVME(crc.Sum64()), Sha256: api.FormatSHA256(sum)}
		if err := r.call(p, http.MethodPost, "/files/"+id+"/complete", whole, &stored); err != nil {
			return err
		}
		if stored.State != api.Stored || stored.Name != f.name || stored.Content.Sha256 != whole.Sha256 ||
			stored.Damage != nil {
			r.t.Errorf("%s was completed as %+v", f.name, stored)
		}
	}
	return nil
}

// part has a part signed, and sends it.
func (r *rot) part(p *rotPerson, id string, number int, data []byte) error {
	crc := dossier.NewCRC64()
	_, _ = crc.Write(data) // never fails
	var signed api.SignedParts
	ask := api.PartsToSign{Parts: []api.Part{{Number: number, Size: int64(len(data)),
		Crc64Nvme: api.FormatCRC64NVME(crc.Sum64())}}}
	if err := r.call(p, http.MethodPost, "/files/"+id+"/parts", ask, &signed); err != nil {
		return err
	}
	to, err := url.Parse(r.base)
	if err == nil {
		to, err = to.Parse(signed.Parts[0].URL)
	}
	if err != nil {
		return err
	}
	req, err := http.NewRequest(string(signed.Parts[0].Method), to.String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	for name, value := range signed.Parts[0].Headers {
		req.Header.Set(name, value)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("part %d: %s", number, res.Status)
	}
	return nil
}

func (r *rot) command(p *rotPerson, files []rotFile) error {
	if err := r.register(p); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(r.folder, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	args := []string{"upload", "--to", r.base, "--receipt", p.receipt.String(), "--json", "--patience", "10s"}
	for _, f := range files {
		path := filepath.Join(folder, f.name)
		if err := os.WriteFile(path, f.data(), 0o600); err != nil {
			return err
		}
		args = append(args, path)
	}
	cmd := exec.Command(r.bin, args...)
	cmd.Env = []string{"HOME=" + folder}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("dossier upload: %w\n%s", err, out)
	}
	if told := strings.Count(string(out), `"state":"stored"`); told != len(files) {
		r.t.Errorf("%d files were sent by the command, which tells\n%s", len(files), out)
	}
	return nil
}

// rotAnswer is what a request was answered with. It is complete where err is nil: all bytes came that were promised.
type rotAnswer struct {
	status int
	body   []byte
	err    error
}

// get asks one of the instances.
func (r *rot) get(instance int, path string, header http.Header) rotAnswer {
	req, err := http.NewRequest(http.MethodGet, "http://"+r.listen[instance]+path, nil)
	if err != nil {
		return rotAnswer{err: err}
	}
	maps.Copy(req.Header, header)
	res, err := r.client.Do(req)
	if err != nil {
		return rotAnswer{err: err}
	}
	defer res.Body.Close()
	a := rotAnswer{status: res.StatusCode}
	a.body, a.err = io.ReadAll(res.Body)
	return a
}

// whole reports whether something was answered whole, and fails the test at once if what was is not what was sent.
func (r *rot) whole(what string, a rotAnswer, right func([]byte) error) bool {
	switch {
	case a.err != nil:
		r.count("reading broke off")
		return false
	case a.status == http.StatusOK, a.status == http.StatusPartialContent:
		if err := right(a.body); err != nil {
			r.t.Errorf("WRONG BYTES: %s was answered whole (%d), and is not what was sent: %v", what, a.status, err)
			return false
		}
		return true
	case a.status == http.StatusInternalServerError, a.status == http.StatusNotFound,
		a.status == http.StatusServiceUnavailable:
		r.count(fmt.Sprint("reading was refused: ", a.status))
	default:
		r.t.Errorf("%s answers %d: %s", what, a.status, a.body)
	}
	return false
}

// rotReads are the ways to a file, and rotRanges the ranges that are all of it.
var rotReads = []string{"by the receipt", "by staff", "by the API"}

func rotRanges(size int) []string {
	if size == 0 {
		return []string{""}
	}
	return []string{"", "bytes=0-", fmt.Sprintf("bytes=0-%d", size-1), fmt.Sprintf("bytes=-%d", size)}
}

// read downloads a file that the API listed, and reports whether it came whole.
func (r *rot) read(instance int, p *rotPerson, f api.File, way, wholeRange string) bool {
	sent, ok := p.file(f.Name)
	if !ok {
		r.t.Errorf("a file %q, which nobody sent", f.Name)
		return false
	}
	header := http.Header{}
	if wholeRange != "" {
		header.Set("Range", wholeRange)
	}
	path, cookie := "/people/"+p.receipt.Person.String()+"/files/"+f.ID, r.session.String()
	switch way {
	case "by the receipt":
		path, cookie = receiptPath(r.t, p.receipt.String())+"/files/"+f.ID, "dossier_receipt="+p.receipt.String()
	case "by the API":
		path = api.Prefix + "/files/" + f.ID + "/content"
		header.Set("Authorization", "Bearer "+p.receipt.String())
	}
	header.Set("Cookie", cookie)
	return r.whole(f.Name+" "+way+" "+wholeRange, r.get(instance, path, header), func(body []byte) error {
		return compare(body, sent)
	})
}

func compare(got []byte, sent rotFile) error {
	want := sent.data()
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d bytes, not %d", sent.name, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("byte %d of %d of %s is %#02x, not %#02x", i, len(want), sent.name, got[i], want[i])
		}
	}
	return nil
}

// readArchive downloads a ZIP, and returns the names of the files in it; nil where it did not come whole.
func (r *rot) readArchive(instance int, p *rotPerson, staff bool) (names []string) {
	path := receiptPath(r.t, p.receipt.String()) + "/files.zip"
	header := http.Header{"Cookie": {"dossier_receipt=" + p.receipt.String()}}
	if staff {
		path, header = "/people/"+p.receipt.Person.String()+"/files.zip", http.Header{"Cookie": {r.session.String()}}
	}
	r.whole("files.zip", r.get(instance, path, header), func(body []byte) error {
		z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			return err
		}
		for _, entry := range z.File {
			names = append(names, entry.Name)
			if entry.Name == "Missing files.txt" {
				continue
			}
			sent, ok := p.file(entry.Name)
			if !ok {
				return fmt.Errorf("it has a file %q", entry.Name)
			}
			content, err := entry.Open()
			if err != nil {
				return err
			}
			data, err := io.ReadAll(content)
			if err == nil {
				err = compare(data, sent)
			}
			if err := errors.Join(err, content.Close()); err != nil {
				return err
			}
		}
		r.count("read whole: files.zip")
		return nil
	})
	return names
}

// reads downloads, in all ways, what anybody has.
func (r *rot) reads(rng *rand.Rand) {
	for !r.isOver() {
		p, instance := r.person(rng), rng.IntN(len(r.listen))
		if p == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if rng.IntN(4) == 0 {
			r.readArchive(instance, p, rng.IntN(2) == 0)
			continue
		}
		var list api.Receipt
		if err := r.call(p, http.MethodGet, "/receipt", nil, &list); err != nil || len(list.Files) == 0 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		f := list.Files[rng.IntN(len(list.Files))]
		if sent, _ := p.file(f.Name); f.State == api.Stored {
			ranges := rotRanges(sent.size)
			way := rotReads[rng.IntN(len(rotReads))]
			if r.read(instance, p, f, way, ranges[rng.IntN(len(ranges))]) {
				r.count("read whole")
			}
		}
	}
}
