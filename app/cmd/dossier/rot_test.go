package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// TestRot damages stored files at random, below the stores, while clients send files, send them again and download
// them, instances are killed and the command reconciles. Whatever is answered whole is what was sent. When the damaging
// ends, everything that is damaged is marked after two passes of the scrub at most, and nothing else is; and whatever
// is sent again is whole.
//
// Clocks that differ between instances are for the domain's tests: a process has that of its machine.
func TestRot(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	for name, open := range map[string]func(*testing.T) *rot{"embedded": rotEmbedded, "servers": rotServers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lasts, seed := badTimes(t)
			r := open(t)
			r.begin(seed)
			r.badTimes(lasts)
			r.settle()
			damaged := r.mustBeFound()
			r.heal(damaged)
			r.mustBeWhole()
			for _, p := range r.instances {
				p.kill()
			}
			for range 2 {
				report := reconcileNow(t, r.env)
				t.Logf("reconcile did %v", report.Counts)
			}
			last := reconcileNow(t, r.env)
			if len(last.Counts) != 0 || last.AbortedMultipartUploads != 0 || last.Failures != 0 || last.Verified == 0 {
				t.Errorf("a third reconcile still finds something: %+v", last)
			}
			(&chaos{t: t, acked: r.acked}).audit(r.stores)
		})
	}
}

// rot is one run of TestRot on one kind of stores.
type rot struct {
	t      *testing.T
	bin    string
	stores teststores.Stores
	// env are the settings of instances and commands, and calm those that they have once the bad times are over.
	env, calm []string
	// objects is the folder in which the store has every object as the file of its key.
	objects string
	listen  []string
	// instances are those that run, and all those of any time.
	instances, all []*process
	// base is that of a balancer before the instances.
	base   string
	folder string
	seed   uint64
	client *http.Client
	// session is that of staff.
	session *http.Cookie
	// over is closed when the bad times are.
	over chan struct{}

	mu     sync.Mutex
	people []*rotPerson
	acked  map[acknowledged]bool
	// runs counts what was tried, by how it ended.
	runs map[string]int
	// told is what "dossier reconcile" said of what it found.
	told teststores.Journal
}

func rotEmbedded(t *testing.T) *rot {
	data := teststores.Migrated(t)
	return &rot{t: t, stores: teststores.Embedded(t, data), objects: filepath.Join(data, "objects"),
		env: []string{"DOSSIER_DATA=" + data, "DOSSIER_STAFF_SECRET=" + teststores.StaffSecret}}
}

func rotServers(t *testing.T) *rot {
	cloud := teststores.Cloud(t)
	return &rot{t: t, stores: cloud.Stores(t), objects: filepath.Join(cloud.S3.Data, cloud.Bucket),
		// What S3 sends by a link does not pass the app, which promises nothing of it: that rests on S3, and on the
		// scrub.
		env: append(cloud.Environ(), "DOSSIER_S3_LINKS=false")}
}

// begin starts two instances that read everything again and again.
func (r *rot) begin(seed uint64) {
	t := r.t
	var err error
	if r.bin, err = build(); err != nil {
		t.Fatal(err)
	}
	r.seed, r.folder, r.over = seed, t.TempDir(), make(chan struct{})
	r.acked, r.runs = map[acknowledged]bool{}, map[string]int{}
	r.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(r.client.CloseIdleConnections)
	r.calm = slices.Clip(slices.Concat(r.env, noRates,
		[]string{"DOSSIER_SCRUB_BYTES=1TiB", "DOSSIER_SCRUB_INTERVAL=1s"}))
	r.env = slices.Clip(slices.Concat(r.calm, hasty))
	r.listen = []string{freeAddress(t), freeAddress(t)}
	r.instances = make([]*process, len(r.listen))
	for i := range r.listen {
		r.start(i)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, p := range r.instances {
				p.kill()
				said := p.output.String()
				t.Logf("a server said last\n%s", said[max(0, len(said)-8<<10):])
			}
		}
	})
	r.base = balancer(t, r.listen).URL
	res, err := r.client.PostForm("http://"+r.listen[0]+"/staff/sign-in", url.Values{"key": {teststores.StaffSecret}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if len(res.Cookies()) != 1 {
		t.Fatalf("the sign-in answers %s with the cookies %v", res.Status, res.Cookies())
	}
	r.session = res.Cookies()[0]
}

// start starts an instance. It serves despite losses: of the few files that there are, too many may be lost at once for
// it to believe that they are of one moment.
func (r *rot) start(i int) {
	r.instances[i] = startCommand(r.t, r.listen[i], r.env, "serve", "--despite-losses")
	r.all = append(r.all, r.instances[i])
}

func (r *rot) count(how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs[how]++
}

func (r *rot) isOver() bool {
	select {
	case <-r.over:
		return true
	default:
		return r.t.Failed()
	}
}

// badTimes lets everything happen at once for a while.
func (r *rot) badTimes(lasts time.Duration) {
	t := r.t
	var clients, others sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(r.over)
		others.Wait()
		clients.Wait()
	})
	defer end() // a start that fails ends the test at once
	for i := range uint64(4) {
		clients.Go(func() { r.sends(rand.New(rand.NewPCG(r.seed, i)), int(i)) })
	}
	for i := range uint64(3) {
		others.Go(func() { r.reads(rand.New(rand.NewPCG(r.seed, 10+i))) })
	}
	others.Go(func() { r.damages(rand.New(rand.NewPCG(r.seed, 20))) })
	others.Go(r.reconciles)
	rng := rand.New(rand.NewPCG(r.seed, 30))
	kills := 0
	for until := time.Now().Add(lasts); !t.Failed(); {
		time.Sleep(time.Duration(1000+rng.IntN(2000)) * time.Millisecond)
		i := rng.IntN(len(r.instances))
		r.instances[i].kill()
		r.start(i)
		kills++
		// A machine that is slow gets the time that it needs for something to happen.
		r.mu.Lock()
		happened := r.runs["damaged: flipped"] > 0 && r.runs["damaged: truncated"] > 0 &&
			r.runs["damaged: removed"] > 0 &&
			r.runs["damaged: another's bytes"] > 0 && r.runs["read whole"] > 0 && r.runs["read whole: files.zip"] > 0 &&
			r.runs["sent again by the form"] > 0 && r.runs["sent again by the API"] > 0 &&
			r.runs["sent again by the command"] > 0
		r.mu.Unlock()
		if happened && time.Now().After(until) {
			break
		}
	}
	end()
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Logf("%d persons, %d files acknowledged, %d kills, runs %v", len(r.people), len(r.acked), kills, r.runs)
}

// settle has what was left half-done finished or removed, so that nothing changes any more by itself: an upload that
// was cut off may be what heals a file that is damaged since.
func (r *rot) settle() {
	for _, p := range r.instances {
		p.kill()
	}
	r.env = r.calm
	for range 2 {
		r.custody("--older-than", "0s")
	}
	for f, err := range r.stores.Catalog.All(r.t.Context()) {
		if err != nil || f.State != dossier.FileStored {
			r.t.Errorf("after all was reconciled, %s is %s, %v", f.Key(), f.State, err)
		}
	}
	for i := range r.instances {
		r.start(i)
	}
}

// path is where an object lies.
func (r *rot) path(f dossier.File) string {
	return filepath.Join(r.objects, filepath.FromSlash(f.Key()))
}

// damages changes the bytes of stored files, as a disk does, or somebody who has no business there. Everything else
// that a store knows of an object stays: its time, and with S3 its checksum.
func (r *rot) damages(rng *rand.Rand) {
	stored := func() (dossier.File, bool) {
		p := r.person(rng)
		if p == nil {
			return dossier.File{}, false
		}
		files, err := r.stores.Catalog.Files(context.Background(), p.receipt.Person, dossier.FileID{}, 100)
		if err != nil {
			r.count("not damaged: the catalog does not answer") // in time, on a machine that is that busy
			return dossier.File{}, false
		}
		files = slices.DeleteFunc(files, func(f dossier.File) bool { return f.State != dossier.FileStored })
		if len(files) == 0 {
			return dossier.File{}, false
		}
		return files[rng.IntN(len(files))], true
	}
	for !r.isOver() {
		time.Sleep(time.Duration(20+rng.IntN(200)) * time.Millisecond)
		f, ok := stored()
		if !ok || f.Damage != nil && rng.IntN(4) > 0 { // else long bad times would leave little that is whole
			continue
		}
		var what string
		var err error
		switch n := rng.IntN(10); {
		case n < 2:
			what, err = "removed", os.Remove(r.path(f))
		case n < 4 && f.Content.Size > 0:
			what, err = "truncated", os.Truncate(r.path(f), rng.Int64N(f.Content.Size))
		case n < 6:
			for range 20 {
				if other, ok := stored(); ok && other.Content.Size == f.Content.Size &&
					other.Content.SHA256 != f.Content.SHA256 {
					what, err = "another's bytes", replaceBytes(r.path(f), r.path(other))
					break
				}
			}
		case f.Content.Size > 0:
			what, err = "flipped", flipBit(r.path(f), rng)
		}
		switch {
		case err != nil && !errors.Is(err, os.ErrNotExist): // removed by now
			r.t.Errorf("damage an object: %v", err)
		case err == nil && what != "":
			r.count("damaged: " + what)
		}
	}
}

func flipBit(path string, rng *rand.Rand) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	at, b := rng.Int64N(info.Size()), []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		return err
	}
	b[0] ^= 1 << rng.IntN(8)
	_, err = f.WriteAt(b, at)
	return err
}

// replaceBytes puts another file's bytes into a file.
func replaceBytes(path, other string) error {
	data, err := os.ReadFile(other)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Close())
}

// reconcile runs the command, which is to end well, and returns what it tells of the custody.
func (r *rot) reconcile(args ...string) (dossier.Custody, error) {
	cmd := exec.Command(r.bin, append([]string{"reconcile", "--json"}, args...)...)
	cmd.Env = r.env
	cmd.Stderr = &r.told
	out, err := cmd.Output()
	if err != nil {
		return dossier.Custody{}, fmt.Errorf("dossier reconcile: %w\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var report struct{ Custody dossier.Custody }
	err = json.Unmarshal([]byte(lines[len(lines)-1]), &report)
	return report.Custody, err
}

// custody is reconcile when times are calm: only a store that does not answer in time, on a machine that is that busy,
// may keep it from ending well, and not again and again.
func (r *rot) custody(args ...string) dossier.Custody {
	r.t.Helper()
	for try := 0; ; try++ {
		c, err := r.reconcile(args...)
		if err == nil {
			return c
		}
		if exit, _ := errors.AsType[*exec.ExitError](err); try == 5 || exit == nil || exit.ExitCode() != exitFailed {
			r.t.Fatal(err)
		}
	}
}

// reconciles reconciles and sweeps by the command, which takes for left behind what stood still for some seconds.
func (r *rot) reconciles() {
	for !r.isOver() {
		_, err := r.reconcile("--older-than", "4s")
		exit, _ := errors.AsType[*exec.ExitError](err)
		switch {
		case err == nil:
			r.count("reconciled")
		case exit != nil && exit.ExitCode() == exitFailed: // what is damaged just then cannot be looked at
			r.count("reconciliation failed in part")
		default:
			r.t.Errorf("reconcile beside clients: %v", err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// mustBeFound waits until all that was stored when it is called has been read by passes of the scrub, which are the one
// that runs and the one after it, and checks that exactly what is damaged is marked. It returns that.
func (r *rot) mustBeFound() (damaged []dossier.File) {
	t := r.t
	look := func() dossier.Custody { return r.custody("--sweep=false", "--older-than", "1h") }
	began := func(passes ...*dossier.ScrubPass) (last time.Time) {
		for _, p := range passes {
			if p != nil && p.StartedAt.After(last) {
				last = p.StartedAt
			}
		}
		return last
	}
	at := look()
	before := began(at.Scrub.Current, at.Scrub.Last)
	for !began(at.Scrub.Last).After(before) {
		select {
		case <-t.Context().Done():
			t.Fatalf("no pass of the scrub comes to its end: %+v", at.Scrub)
		case <-time.After(100 * time.Millisecond):
		}
		at = look()
	}
	names := map[string]bool{}
	for f, err := range r.stores.Catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if f.State != dossier.FileStored {
			continue
		}
		data, err := os.ReadFile(r.path(f))
		whole := err == nil && sha256.Sum256(data) == f.Content.SHA256
		if !whole {
			damaged = append(damaged, f)
			names[f.Name] = true
		}
		switch want := errors.Is(err, os.ErrNotExist); {
		case whole && f.Damage != nil:
			t.Errorf("%s is whole, and marked as %+v", f.Name, *f.Damage)
		case !whole && f.Damage == nil:
			t.Errorf("%s, of %d bytes, has %d (%v), and is not marked", f.Name, f.Content.Size, len(data), err)
		case !whole && (f.Damage.Kind == dossier.ObjectMissing) != want:
			t.Errorf("%s (%v) is marked as %+v", f.Name, err, *f.Damage)
		}
	}
	t.Logf("%d files are damaged; the scrub's last pass: %+v", len(damaged), *at.Scrub.Last)
	if len(damaged) == 0 {
		t.Error("nothing is damaged: the test shows nothing")
	}
	if at.DamagedFiles != len(damaged) || at.Scrub.Last.Unread != 0 || at.Scrub.Last.Found != int64(len(damaged)) {
		t.Errorf("%d files are damaged, and custody is %+v, its last pass %+v", len(damaged), at, *at.Scrub.Last)
	}
	r.mustBeMarked(names)
	r.mustBeLogged(damaged)
	return damaged
}

// mustBeMarked checks that these files, and no others, are marked as damaged for their senders and for staff.
func (r *rot) mustBeMarked(names map[string]bool) {
	marked, files := map[string]bool{}, 0
	for _, p := range r.people {
		var list api.Receipt
		if err := r.call(p, http.MethodGet, "/receipt", nil, &list); err != nil {
			r.t.Fatal(err)
		}
		files += len(list.Files)
		here := 0
		for _, f := range list.Files {
			if f.Damage != nil {
				marked[f.Name] = true
				here++
			}
		}
		page := r.get(0, "/people/"+p.receipt.Person.String(), http.Header{"Cookie": {r.session.String()}})
		if n := strings.Count(string(page.body), "Damaged"); page.status != http.StatusOK || n != here {
			r.t.Errorf("a person's page (%d) marks %d files, and %d are damaged", page.status, n, here)
		}
	}
	if !maps.Equal(marked, names) {
		r.t.Errorf("the API marks %v\nwant %v, of %d files", marked, names, files)
	}
	page := r.get(1, "/staff/storage", http.Header{"Cookie": {r.session.String()}})
	shown := regexp.MustCompile(`<bdi>(\d+-\d+-\d+\.(?:bin|png))</bdi>`).FindAllSubmatch(page.body, -1)
	for _, m := range shown {
		if !names[string(m[1])] {
			r.t.Errorf("the page about the storage names %s, which is whole", m[1])
		}
	}
	if most := 100; page.status != http.StatusOK || len(shown) != min(len(names), most) {
		r.t.Errorf("the page about the storage (%d) names %d files, and %d are damaged", page.status, len(shown),
			len(names))
	}
}

var loggedDamage = regexp.MustCompile(`(?m)^.*"?ERROR"?.*stored file is damaged.*file"?[:=]"?([0-9a-f-]{36}).*$`)

// mustBeLogged checks that somebody logged an error for each of the files.
func (r *rot) mustBeLogged(files []dossier.File) {
	logged := map[string]bool{}
	for _, o := range append([]*teststores.Journal{&r.told}, outputs(r.all)...) {
		for _, m := range loggedDamage.FindAllStringSubmatch(o.String(), -1) {
			logged[m[1]] = true
		}
	}
	for _, f := range files {
		if !logged[f.ID.String()] {
			r.t.Errorf("nobody logged an error for %s, which is marked as %+v", f.ID, f.Damage)
		}
	}
}

func outputs(processes []*process) (all []*teststores.Journal) {
	for _, p := range processes {
		all = append(all, p.output)
	}
	return all
}

// heal sends the files again.
func (r *rot) heal(damaged []dossier.File) {
	ways := slices.Sorted(maps.Keys(rotWays))
	for i, f := range damaged {
		p := slices.IndexFunc(r.people, func(p *rotPerson) bool { return p.receipt.Person == f.Person })
		sent, ok := r.people[max(p, 0)].file(f.Name)
		if p < 0 || !ok {
			r.t.Errorf("a file %q of person %s, which nobody sent", f.Name, f.Person)
			continue
		}
		r.send(r.people[p], []rotFile{sent}, ways[i%len(ways)], "healed")
	}
}

// mustBeWhole downloads every file in every way, and checks that all is whole and nothing is marked.
func (r *rot) mustBeWhole() {
	r.mustBeMarked(map[string]bool{})
	for i, p := range r.people {
		var list api.Receipt
		if err := r.call(p, http.MethodGet, "/receipt", nil, &list); err != nil {
			r.t.Fatal(err)
		}
		var names []string
		for j, f := range list.Files {
			if f.State != api.Stored {
				continue // by a sender who tried more than once; reconciliation has its turn later
			}
			names = append(names, f.Name)
			sent, _ := p.file(f.Name)
			ranges := rotRanges(sent.size)
			for k, way := range rotReads {
				if !r.read(k%len(r.listen), p, f, way, ranges[(i+j+k)%len(ranges)]) {
					r.t.Errorf("%s, sent again where it was damaged, is not given whole %s", f.Name, way)
				}
			}
		}
		for _, staff := range []bool{false, true} {
			if got := r.readArchive(i%len(r.listen), p, staff); !slices.Equal(got, names) {
				r.t.Errorf("an archive has %q, want %q", got, names)
			}
		}
	}
}
