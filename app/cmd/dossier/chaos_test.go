package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/upload"
)

// The variables that make TestChaos and TestRot other ones: how long the bad times last, and the seed of their chances.
// The same seed makes the same files and the same faults; when they meet is up to the machine.
const (
	chaosTimeVariable = "DOSSIER_TEST_CHAOS"
	chaosSeedVariable = "DOSSIER_TEST_CHAOS_SEED"
)

// badTimes returns how long the bad times last, and the seed of their chances.
func badTimes(t *testing.T) (lasts time.Duration, seed uint64) {
	t.Helper()
	lasts, seed = 10*time.Second, rand.Uint64()
	if v := os.Getenv(chaosTimeVariable); v != "" {
		var err error
		if lasts, err = time.ParseDuration(v); err != nil {
			t.Fatalf("%s: %v", chaosTimeVariable, err)
		}
	}
	if v := os.Getenv(chaosSeedVariable); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("%s: %v", chaosSeedVariable, err)
		}
	}
	t.Logf("%s=%d", chaosSeedVariable, seed)
	return lasts, seed
}

// hasty are the settings by which what is half-done counts as left behind soon, so also what somebody is still at.
var hasty = []string{
	"DOSSIER_TIMEOUT_STORE=3s", "DOSSIER_TIMEOUT_STALL=3s", "DOSSIER_TIMEOUT_IDLE=3s", "DOSSIER_TIMEOUT_UPLOAD=8s",
	"DOSSIER_RECONCILE_AGE=9s", "DOSSIER_RECONCILE_INTERVAL=1s", "DOSSIER_SWEEP_INTERVAL=2s",
}

// balancer is one that knows nothing of the instances' health, and passes on no advice to wait, which is for the life
// of people.
func balancer(t *testing.T, listen []string) *httptest.Server {
	t.Helper()
	var turn atomic.Int64
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	b := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", listen[int(turn.Add(1))%len(listen)]
		},
		ModifyResponse: func(res *http.Response) error { res.Header.Del("Retry-After"); return nil },
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(func() {
		b.Close()
		transport.CloseIdleConnections()
	})
	return b
}

// unreliable is a TCP proxy that treats connections badly: it delays them, cuts them after a number of bytes in either
// direction, with or without a farewell, or leaves them hanging.
type unreliable struct {
	net.Listener
	to  string
	bad atomic.Bool

	mu   sync.Mutex
	rand *rand.Rand
	open map[net.Conn]bool
	cuts int
}

func newUnreliable(t *testing.T, to string, seed uint64) *unreliable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &unreliable{Listener: l, to: to, rand: rand.New(rand.NewPCG(seed, 1)), open: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { n.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		n.hangUp()
		wg.Wait()
	})
	return n
}

// hangUp cuts all connections.
func (n *unreliable) hangUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		_ = c.Close()
	}
}

// fate is what becomes of one connection.
type fate struct {
	// delay is before each piece.
	delay time.Duration
	// up and down are after how many bytes of the client's, and of the server's, it ends; negative: never.
	up, down int64
	// reset ends it without a farewell, hang after a silence.
	reset bool
	hang  time.Duration
}

func (n *unreliable) fate() fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := fate{up: -1, down: -1}
	if !n.bad.Load() {
		return f
	}
	r := n.rand
	if r.IntN(4) == 0 {
		f.delay = time.Duration(r.IntN(30)) * time.Millisecond
	}
	// A head of a request has some hundred bytes, a small file no more, a part of a large one eight million.
	size := func() int64 { return int64(1) << (6 + r.IntN(17)) * int64(64+r.IntN(64)) / 64 }
	switch r.IntN(20) {
	case 0, 1:
		f.up = size()
	case 2, 3:
		f.down = size()
	case 4:
		f.up, f.down = size(), size()
	case 5:
		f.up = 0
	default: // also the better ones do not last
		f.down, f.up = 4*size(), 8*size()
	}
	f.reset = r.IntN(2) == 0
	if r.IntN(6) == 0 {
		f.hang = time.Duration(r.IntN(1500)) * time.Millisecond
	}
	return f
}

func (n *unreliable) serve(client net.Conn) {
	f := n.fate()
	server, err := net.Dial("tcp", n.to)
	if err != nil {
		_ = client.Close()
		return
	}
	n.mu.Lock()
	n.open[client], n.open[server] = true, true
	n.mu.Unlock()
	var once sync.Once
	end := func() {
		once.Do(func() {
			if f.reset {
				for _, c := range []net.Conn{client, server} {
					_ = c.(*net.TCPConn).SetLinger(0)
				}
			}
			_ = client.Close()
			_ = server.Close()
			n.mu.Lock()
			delete(n.open, client)
			delete(n.open, server)
			n.mu.Unlock()
		})
	}
	cut := func() {
		n.mu.Lock()
		n.cuts++
		n.mu.Unlock()
		time.Sleep(f.hang)
		end()
	}
	// pass brings bytes to the other side until there are no more of them, or most have passed.
	pass := func(to, from net.Conn, most int64) {
		b := make([]byte, 32<<10)
		for {
			m, err := from.Read(b)
			if most >= 0 && int64(m) >= most {
				_, _ = to.Write(b[:most])
				cut()
				return
			}
			if most >= 0 {
				most -= int64(m)
			}
			if n.bad.Load() {
				time.Sleep(f.delay)
			}
			if _, werr := to.Write(b[:m]); werr != nil || err != nil && err != io.EOF {
				end()
				return
			}
			if err == io.EOF {
				_ = to.(*net.TCPConn).CloseWrite()
				return
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { pass(server, client, f.up) })
	wg.Go(func() { pass(client, server, f.down) })
	wg.Wait()
	end()
}

// acknowledged is a file that somebody was told is stored.
type acknowledged struct {
	person dossier.PersonID
	name   string
	sum    [32]byte
}

// chaos is one run of TestChaos.
type chaos struct {
	t      *testing.T
	bin    string
	base   string
	folder string
	// over is closed when the bad times are.
	over chan struct{}

	// service is an instance of the domain on the same stores, without a bad network before them: it deletes persons,
	// and reconciles.
	service *dossier.Service

	mu    sync.Mutex
	acked map[acknowledged]bool
	// deleted are the persons who were deleted, perhaps while their files came.
	deleted map[dossier.PersonID]bool
	// runs counts what was tried, by how it ended.
	runs map[string]int
}

func (c *chaos) count(how string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[how]++
}

func (c *chaos) ack(a acknowledged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[a] = true
}

// delete removes a person, whatever is on its way.
func (c *chaos) delete(id dossier.PersonID) {
	c.mu.Lock()
	c.deleted[id] = true
	c.mu.Unlock()
	if err := c.service.DeletePerson(context.Background(), id); err != nil && !errors.Is(err, dossier.ErrNotFound) {
		c.t.Errorf("delete a person: %v", err)
	}
	c.count("person deleted")
}

// isDeleted reports whether delete was called for the person.
func (c *chaos) isDeleted(id dossier.PersonID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deleted[id]
}

// reconcile reconciles without a pause while times are bad, and takes for left behind what stood still for a moment
// only.
func (c *chaos) reconcile() {
	for !c.isOver() {
		_, err := c.service.Reconcile(context.Background(),
			dossier.ReconcileOptions{OlderThan: 2 * time.Second, Sweep: true}, func(r dossier.Repair) {
				c.count("reconciled: " + r.What)
			})
		if err != nil {
			c.count("reconciliation failed in part")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// isOver reports whether the bad times are.
func (c *chaos) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// chaosSize is the size of a file: mostly small, sometimes of several parts.
func chaosSize(r *rand.Rand) int {
	switch r.IntN(40) {
	case 0, 1, 5, 6:
		return 0
	case 2:
		return 5<<20 - 1 + r.IntN(3) // around the size from which a form's file is sent in parts
	case 3:
		return 8<<20 - 1 + r.IntN(3)
	case 4:
		return 8<<20 + r.IntN(12<<20)
	case 7, 8, 9, 10, 11, 12:
		return r.IntN(300_000)
	}
	return r.IntN(5000)
}

// client hands in files, one submission after the other, each until it is acknowledged.
func (c *chaos) client(number int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, uint64(number)+100))
	for n := 0; !c.isOver() && !c.t.Failed(); n++ {
		content := map[string][]byte{}
		for i := range 1 + r.IntN(10) {
			data := make([]byte, chaosSize(r))
			// never fails
			_, _ = rand.NewChaCha8([32]byte{byte(number), byte(n), byte(n >> 8), byte(i), byte(seed)}).Read(data)
			content[fmt.Sprintf("%d-%d-%d.bin", number, n, i)] = data
		}
		if r.IntN(4) == 0 {
			c.form(r, content)
			continue
		}
		folder := filepath.Join(c.folder, fmt.Sprintf("%d-%d", number, n))
		if err := os.Mkdir(folder, 0o700); err != nil {
			c.t.Error(err)
			return
		}
		for name, data := range content {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
				c.t.Error(err)
				return
			}
		}
		if r.IntN(3) == 0 {
			c.process(r, folder)
		} else {
			c.library(r, folder, content)
		}
		if err := os.RemoveAll(folder); err != nil {
			c.t.Error(err)
			return
		}
	}
}

// form posts a form without JavaScript, again and again until it is acknowledged; or not, where the submitter has had
// enough.
func (c *chaos) form(r *rand.Rand, content map[string][]byte) {
	f := &form{receipt: dossier.NewReceipt()}
	for _, data := range content {
		f.files = append(f.files, unique(f.files, data))
	}
	for try := 0; ; try++ {
		var sent atomic.Int64
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := f.post(ctx, c.base, &sent)
		cancel()
		if err == nil {
			break
		}
		c.count("form broken off")
		if r.IntN(8) == 0 && !c.isOver() {
			c.count("form given up")
			return
		}
		if c.isOver() && try > 20 {
			c.t.Errorf("a form is not taken although the bad times are over: %v", err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.count("form acknowledged")
	for i, data := range f.files {
		c.ack(acknowledged{f.receipt.Person, f.name(i), sha256.Sum256(data)})
	}
}

// library sends a folder by the client's package, in this process. Now and then a run is broken off, and the same is
// run again.
func (c *chaos) library(r *rand.Rand, folder string, content map[string][]byte) {
	base, err := url.Parse(c.base)
	if err != nil {
		c.t.Error(err)
		return
	}
	name := filepath.Base(folder)
	var person dossier.PersonID
	for n := 0; ; n++ {
		found, err := upload.Collect([]string{folder}, true, func(string, string) {})
		if err != nil {
			c.t.Error(err)
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		if r.IntN(3) == 0 && !c.isOver() {
			time.AfterFunc(time.Duration(r.IntN(1500))*time.Millisecond, cancel)
		}
		var deletion sync.WaitGroup
		if person != (dossier.PersonID{}) && !c.isOver() && r.IntN(4) == 0 {
			pause := time.Duration(r.IntN(500)) * time.Millisecond
			deletion.Go(func() {
				time.Sleep(pause)
				c.delete(person)
			})
		}
		told := map[string]bool{}
		o := upload.Options{
			Site: base, Details: dossier.Details{Name: "Grace Hopper " + name, Location: "Arlington", Age: 85,
				Technology: "COBOL"}, Files: found,
			Parallel: 1 + r.IntN(4), Patience: 10 * time.Second, Stall: 5 * time.Second,
			State:  filepath.Join(c.folder, "state"),
			Notice: func(string) {},
			Ended: func(f upload.Result) error {
				if f.Err == nil {
					told[dossier.JoinPath(f.Source.Folder, f.Source.Name)] = true
				} else {
					c.count("file failed: " + upload.Code(f.Err))
				}
				return nil
			},
		}
		var summary upload.Summary
		u, err := upload.Open(ctx, o)
		if err == nil {
			if summary, err = u.Do(ctx); err == nil {
				err = u.Forget()
			}
			err = errors.Join(err, u.Close())
		}
		broken := ctx.Err() != nil
		cancel()
		deletion.Wait()
		if summary.Person != "" {
			var perr error
			if person, perr = dossier.ParsePersonID(summary.Person); perr != nil {
				c.t.Error(perr)
				return
			}
			for told := range told {
				data, ok := content[strings.TrimPrefix(told, name+"/")]
				if !ok {
					c.t.Errorf("told of a file %q that nobody sent", told)
				}
				c.ack(acknowledged{person, told, sha256.Sum256(data)})
			}
		}
		switch {
		case c.isDeleted(person):
			return
		case err == nil && summary.Failed == 0 && summary.Stored == len(content):
			c.count("upload complete")
			return
		case broken:
			c.count("upload broken off")
		case err != nil:
			c.count("upload ended: " + upload.Code(err))
			if upload.Code(err) == upload.CodeInput || upload.Code(err) == "" {
				c.t.Errorf("an upload ends with %v", err)
				return
			}
		default:
			c.count("upload incomplete")
		}
		if c.isOver() && n > 20 {
			c.t.Errorf("an upload does not come to its end although the bad times are over: %v, %+v", err, summary)
			return
		}
	}
}

// process sends a folder by the command, which is killed now and then, and run again.
func (c *chaos) process(r *rand.Rand, folder string) {
	content, err := os.ReadDir(folder)
	if err != nil {
		c.t.Error(err)
		return
	}
	for n := 0; ; n++ {
		cmd := exec.Command(c.bin, "upload", "--recursive", folder, "--to", c.base, "--json", "--patience", "10s",
			"--name", "Ada Lovelace "+filepath.Base(folder), "--location", "London", "--age", "36", "--technology",
			"Analytical Engine")
		cmd.Env = []string{"HOME=" + c.folder}
		var stdout, stderr teststores.Journal
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			c.t.Error(err)
			return
		}
		killed := atomic.Bool{}
		timer := time.NewTimer(time.Hour)
		if r.IntN(2) == 0 && !c.isOver() {
			timer.Reset(time.Duration(r.IntN(1500)) * time.Millisecond)
		}
		done := make(chan struct{})
		go func() {
			select {
			case <-timer.C:
				killed.Store(true)
				_ = cmd.Process.Kill()
			case <-done:
			}
		}()
		err := cmd.Wait()
		close(done)
		run := &uploading{Cmd: cmd, t: c.t}
		fmt.Fprint(&run.stdout, &stdout)
		if err == nil || !killed.Load() {
			told, summary := run.lines()
			person, perr := dossier.ParsePersonID(summary.Person)
			for _, f := range told {
				if f.State != "stored" {
					c.count("file failed: " + f.Error.Code)
					continue
				}
				sum, serr := api.ParseSHA256(f.SHA256)
				if perr != nil || serr != nil {
					c.t.Errorf("told %+v of %+v", f, summary)
					return
				}
				c.ack(acknowledged{person, dossier.JoinPath(f.Folder, f.Name), sum})
			}
			switch {
			case err == nil && summary.Stored == len(content):
				c.count("process complete")
				return
			case summary.State == "incomplete":
				c.count("process incomplete")
			default:
				c.t.Errorf("the command ends with %v, %+v\n%s", err, summary, stderr.String())
				return
			}
		} else {
			c.count("process killed")
		}
		if c.isOver() && n > 20 {
			c.t.Errorf("the command does not come to its end although the bad times are over: %v\n%s", err,
				stderr.String())
			return
		}
	}
}

// TestChaos has clients hand in files through networks that cut and delay, to instances that are killed and restarted,
// while these reconcile all the time. When the bad times are over every submission comes to its end; every file that
// anybody was told is stored is there, byte for byte; and reconciliation leaves nothing else.
func TestChaos(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	lasts, seed := badTimes(t)
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cloud := teststores.Cloud(t)
	store := newUnreliable(t, strings.TrimPrefix(cloud.S3.Endpoint, "http://"), seed)
	env := slices.Concat(cloud.Environ(), noRates, hasty,
		[]string{"AWS_ENDPOINT_URL_S3=http://" + store.Addr().String()})
	listen := []string{freeAddress(t), freeAddress(t)}
	instances := make([]*process, len(listen))
	for i := range instances {
		instances[i] = start(t, listen[i], env)
	}
	site := newUnreliable(t, strings.TrimPrefix(balancer(t, listen).URL, "http://"), seed+1)

	c := &chaos{
		t: t, bin: bin, base: "http://" + site.Addr().String(), folder: t.TempDir(), over: make(chan struct{}),
		acked: map[acknowledged]bool{}, deleted: map[dossier.PersonID]bool{}, runs: map[string]int{},
	}
	stores := cloud.Stores(t)
	c.service = dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{})
	site.bad.Store(true)
	store.bad.Store(true)
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() { c.client(i, seed) })
	}
	clients.Go(c.reconcile)
	r := rand.New(rand.NewPCG(seed, 2))
	kills := 0
	for until := time.Now().Add(lasts); time.Now().Before(until) && !t.Failed(); {
		time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
		i := r.IntN(len(instances))
		instances[i].kill()
		instances[i] = start(t, listen[i], env)
		kills++
	}
	site.bad.Store(false)
	store.bad.Store(false)
	site.hangUp()
	store.hangUp()
	close(c.over)
	clients.Wait()
	for _, p := range instances {
		p.kill()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("%d files acknowledged, %d kills, %d and %d connections cut, runs %v", len(c.acked), kills, site.cuts,
		store.cuts, c.runs)
	if len(c.acked) == 0 || kills == 0 || site.cuts == 0 || store.cuts == 0 {
		t.Error("the bad times were none: the test shows nothing")
	}
	env = cloud.Environ()
	for range 2 {
		report := reconcileNow(t, env)
		t.Logf("reconcile did %v and gave up %d multipart uploads", report.Counts, report.AbortedMultipartUploads)
	}
	if last := reconcileNow(t, env); len(last.Counts) != 0 || last.AbortedMultipartUploads != 0 || last.Failures != 0 {
		t.Errorf("a third reconcile still finds something: %+v", last)
	}
	c.audit(stores)
}

// audit compares what is in the stores with what was acknowledged, and with itself.
func (c *chaos) audit(s teststores.Stores) {
	t, ctx := c.t, c.t.Context()
	there := map[acknowledged]int{}
	keys := map[string]bool{}
	counted := map[dossier.PersonID]dossier.Quota{}
	for f, err := range s.Catalog.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if f.State != dossier.FileStored {
			t.Errorf("a record is left that is %s: %s", f.State, f.Key())
			continue
		}
		keys[f.Key()] = true
		q := counted[f.Person]
		counted[f.Person] = dossier.Quota{Files: q.Files + f.Counted().Files, Bytes: q.Bytes + f.Counted().Bytes}
		r, err := s.Objects.Open(ctx, f.Key(), 0, -1)
		if err != nil {
			t.Errorf("open %s: %v", f.Key(), err)
			continue
		}
		sum := sha256.New()
		n, err := io.Copy(sum, r)
		_ = r.Close()
		if err != nil || n != f.Content.Size || !bytes.Equal(sum.Sum(nil), f.Content.SHA256[:]) {
			t.Errorf("%s holds %d bytes (%v), and not those of its record, %d", f.Key(), n, err, f.Content.Size)
		}
		there[acknowledged{f.Person, f.Path(), f.Content.SHA256}]++
		if p, err := s.People.Person(ctx, f.Person); err != nil || p.State != dossier.PersonSubmitted {
			t.Errorf("the person of %s is %q, %v", f.Key(), p.State, err)
		}
	}
	for id := range c.deleted {
		if _, err := s.People.Person(ctx, id); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("a deleted person is there: %v", err)
		}
		if counted[id] != (dossier.Quota{}) {
			t.Errorf("a deleted person has %+v", counted[id])
		}
	}
	for a := range c.acked {
		if there[a] != 1 && !c.deleted[a.person] {
			t.Errorf("%s of person %s was acknowledged, and is there %d times", a.name, a.person, there[a])
		}
	}
	for o, err := range s.Objects.List(ctx, dossier.ObjectPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if !keys[o.Key] {
			t.Errorf("an object without a record: %s", o.Key)
		}
	}
	for left, err := range s.Objects.Unfinished(ctx, time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("an unfinished multipart upload: %s", left.Key)
	}
	for person, want := range counted {
		if usage, err := s.Catalog.Usage(ctx, person); err != nil || usage.Quota != want {
			t.Errorf("person %s is counted %+v (%v), and has %+v", person, usage.Quota, err, want)
		}
	}
	for person, err := range s.Catalog.Miscounted(ctx) {
		t.Errorf("person %s is miscounted (%v)", person, err)
	}
	for p, err := range s.People.Leftovers(ctx, time.Now().Add(time.Hour)) {
		t.Errorf("a person is left who is %q (%v)", p.State, err)
	}
	t.Logf("%d files are stored, %d of them acknowledged", len(keys), len(c.acked))
}
