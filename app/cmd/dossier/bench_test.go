package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/dustin/go-humanize"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/people"
)

// The sizes that are measured, in bytes, and the goals, as ratios.
const (
	fewBytes     = 4 << 20
	manyBytes    = 1 << 30
	fileBytes    = 200_000_000
	partsAtOnce  = 4
	smallBytes   = 20_000
	smallClients = 8
	smallRound   = 2 * time.Second
	slowUploads  = 200
	slowBytes    = 64 << 10

	mostMemory     = 1.25
	mostSlowMemory = 256 // KiB
	leastEmbedded  = 0.75
	leastServers   = 1.00
	leastDirect    = 0.98
	mostThroughApp = 0.01 // of the bytes of a file that is sent directly

	leastSmallEmbedded = 0.95
	leastSmallServers  = 1.50
)

// BenchmarkForm measures the real binary, with the embedded stores and with real servers:
//
//   - memory: the most that the server's process had resident while it took one small and one large file;
//   - slow: how much memory each of many uploads costs that have begun and send no more;
//   - file: how fast it takes one file, beside a plain copy of the same bytes into the same store;
//   - direct: how fast a client gets one file into S3 by requests that the API signs, beside one that signs them
//     itself;
//   - submissions: how many small ones it takes a second, beside the same store calls without the server.
//
// One iteration is one round: both sides, one after the other. The medians over the rounds are reported and stand in a
// table at the end; "make bench" runs five. Only memory is asserted, because times are the machine's as much as the
// program's.
func BenchmarkForm(b *testing.B) {
	results := &results{}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			s := kind.open(b)
			b.Run("memory", func(b *testing.B) { results.add(b, kind.name, s.memory(b)) })
			b.Run("slow", func(b *testing.B) { results.add(b, kind.name, s.slow(b)) })
			for _, c := range s.copies {
				b.Run("file/"+c.name, func(b *testing.B) { results.add(b, kind.name, s.file(b, c)) })
			}
			if s.direct != nil {
				b.Run("direct", func(b *testing.B) {
					speed, through := s.sendDirectly(b)
					results.add(b, kind.name, speed)
					b.ReportMetric(through.ratio(), "through-server")
					results.row(kind.name, through)
				})
			}
			for _, clients := range s.clients {
				b.Run(fmt.Sprintf("submissions/%d", clients), func(b *testing.B) {
					results.add(b, kind.name, s.submissions(b, clients))
				})
			}
		})
	}
	results.print(os.Stdout)
}

// kinds are the stores that are measured.
var kinds = []struct {
	name string
	open func(*testing.B) *subject
}{{"embedded", openEmbedded}, {"servers", openServers}}

// memory compares a large file with a small one. Each round has a server of its own: one that took a large file before
// has not given all memory back yet.
func (s *subject) memory(b *testing.B) comparison {
	if runtime.GOOS != "linux" {
		b.Skip("the peak of a process's memory is read from Linux's /proc")
	}
	c := comparison{what: fmt.Sprintf("peak memory, %s and %s", humanize.IBytes(fewBytes),
		humanize.IBytes(manyBytes)), unit: "MiB", most: mostMemory}
	for b.Loop() {
		client := s.serve(b)
		s.take(b, client, fewBytes) // what is set up once is set up now
		c.plain = append(c.plain, client.peak(b, func() { s.take(b, client, fewBytes) }))
		c.form = append(c.form, client.peak(b, func() { s.take(b, client, manyBytes) }))
		client.kill()
	}
	if r := c.ratio(); r > mostMemory {
		b.Errorf("MEMORY GROWS WITH THE FILE: %.1f MiB for %d bytes, %.1f MiB for %d, ratio %.2f, at most %.2f is "+
			"allowed",
			median(c.plain), int64(fewBytes), median(c.form), int64(manyBytes), r, mostMemory)
	}
	return c
}

// slow counts what uploads hold that have sent something and then wait. None of them ends.
func (s *subject) slow(b *testing.B) comparison {
	if runtime.GOOS != "linux" {
		b.Skip("a process's memory is read from Linux's /proc")
	}
	c := comparison{what: fmt.Sprintf("memory of each of %d slow uploads, %s sent", slowUploads,
		humanize.IBytes(slowBytes)), unit: "KiB", most: mostSlowMemory / (slowBytes / 1024.)}
	for b.Loop() {
		client := s.serve(b)
		s.take(b, client, fewBytes) // what is set up once is set up now
		before := client.status(b, "VmRSS")
		most := client.peak(b, func() { client.hold(b, slowUploads, slowBytes) })
		c.plain = append(c.plain, slowBytes/1024)
		c.form = append(c.form, (most*1024-before)/slowUploads)
		client.kill()
	}
	return c
}

// file compares one file by the form with a plain copy.
func (s *subject) file(b *testing.B, plain plainCopy) comparison {
	c := comparison{what: fmt.Sprintf("one file of %d MB; plain: %s", fileBytes/1_000_000, plain.name), unit: "MB/s",
		least: s.leastRate}
	client := s.serve(b)
	s.take(b, client, fewBytes)
	for b.Loop() {
		began := time.Now()
		remove, err := plain.copy(b.Context(), newGenerated(fileBytes))
		took := time.Since(began)
		if err != nil {
			b.Fatalf("plain copy: %v", err)
		}
		if err := remove(); err != nil {
			b.Fatalf("remove the plain copy: %v", err)
		}
		c.plain = append(c.plain, fileBytes/1e6/took.Seconds())
		c.form = append(c.form, fileBytes/1e6/s.take(b, client, fileBytes).Seconds())
	}
	client.kill()
	return c
}

// sendDirectly compares a client of the API, which sends the parts where it is told to, with one that needs no API, and
// counts what passes the server.
func (s *subject) sendDirectly(b *testing.B) (speed, through comparison) {
	speed = comparison{what: fmt.Sprintf("one file of %d MB sent directly, %d parts at once", fileBytes/1_000_000,
		partsAtOnce), unit: "MB/s", least: leastDirect}
	through = comparison{what: "bytes of it that pass the server", unit: "KB", most: mostThroughApp}
	client := s.serve(b)
	content := contentOf(b, fileBytes)
	for b.Loop() {
		began := time.Now()
		if err := s.direct.send(b.Context(), content); err != nil {
			b.Fatalf("send past the API: %v", err)
		}
		speed.plain = append(speed.plain, fileBytes/1e6/time.Since(began).Seconds())
		api := newAPIClient(client.base)
		began = time.Now()
		person, err := api.send(b.Context(), s.direct.http, content)
		if err != nil {
			b.Fatalf("send by the API: %v", err)
		}
		speed.form = append(speed.form, fileBytes/1e6/time.Since(began).Seconds())
		through.plain = append(through.plain, fileBytes/1e3)
		through.form = append(through.form, float64(api.passed.Load())/1e3)
		s.mustHave(b, person, fileBytes)
	}
	client.kill()
	return speed, through
}

// submissions compares submissions of one small file each, by one client or several at once, with store calls that do
// the same one after the other.
func (s *subject) submissions(b *testing.B, clients int) comparison {
	c := comparison{what: fmt.Sprintf("submissions of %d KB, clients: %d", smallBytes/1000, clients), unit: "/s",
		least: s.leastSmallRate}
	client := s.serve(b)
	form := func() error {
		_, err := client.submit(b.Context(), smallBytes)
		return err
	}
	content := contentOf(b, smallBytes)
	bare := func() error { return s.bare(b.Context(), smallBytes, content) }
	for b.Loop() {
		c.plain = append(c.plain, rate(b, clients, bare))
		c.form = append(c.form, rate(b, clients, form))
	}
	client.kill()
	return c
}

// rate runs one thing over and over, by several at once, and returns how often it ended in a second.
func rate(b *testing.B, clients int, once func() error) float64 {
	b.Helper()
	var done atomic.Int64
	var failure atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Since(began) < smallRound {
				if err := once(); err != nil {
					failure.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err := failure.Load(); err != nil {
		b.Fatal(*err)
	}
	return float64(done.Load()) / took.Seconds()
}

// subject is one kind of stores.
type subject struct {
	stores teststores.Stores
	svc    *dossier.Service
	env    []string
	// leastRate is the goal for a large file, leastSmallRate that for many small ones.
	leastRate, leastSmallRate float64
	// clients are how many submit small files at once, in one measurement after the other.
	clients []int
	copies  []plainCopy
	// load puts records of other people and their files into the stores, past them, and returns how many of files there
	// are.
	load func(b *testing.B, n int) (files int)
	// data is the folder of the embedded stores; empty: there is none.
	data string
	// direct is where files can be sent past the server; nil: nowhere.
	direct *bareS3
}

// plainCopy puts bytes where the store puts its own, in the plainest way that is as durable, and returns how to remove
// them.
type plainCopy struct {
	name string
	copy func(context.Context, io.Reader) (remove func() error, err error)
}

// openEmbedded uses a folder on a disk, not in memory: what a write costs there is the point.
func openEmbedded(b *testing.B) *subject {
	data := b.TempDir()
	stores := teststores.Embedded(b, data)
	return &subject{
		stores: stores, svc: dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{}),
		env: []string{"DOSSIER_DATA=" + data}, leastRate: leastEmbedded, leastSmallRate: leastSmallEmbedded,
		clients: []int{smallClients},
		copies: []plainCopy{{"copy of the file", func(_ context.Context, r io.Reader) (func() error, error) {
			f, err := os.Create(filepath.Join(data, "objects", "plain-copy"))
			if err != nil {
				return nil, err
			}
			remove := func() error { return os.Remove(f.Name()) }
			if _, err = io.Copy(f, r); err == nil {
				err = f.Sync()
			}
			return remove, cmp.Or(err, f.Close())
		}}},
		data: data,
		load: func(b *testing.B, n int) int {
			people, catalog := filepath.Join(data, "people.db"), filepath.Join(data, "catalog.db")
			fillSQLite(b, people).people(b, n)
			fillSQLite(b, catalog).files(b, n)
			b.Logf("the databases take %d and %d bytes a person", settled(b, people)/int64(n),
				settled(b, catalog)/int64(n))
			return n
		},
	}
}

func openServers(b *testing.B) *subject {
	cloud := teststores.Cloud(b)
	stores := cloud.Stores(b)
	client := s3.NewFromConfig(cloud.S3.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	bare := &bareS3{client: client, bucket: cloud.Bucket,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: partsAtOnce}}}
	manager := func(name string, options ...func(*transfermanager.Options)) plainCopy {
		transfers, key := transfermanager.New(client, options...), "plain-copy"
		return plainCopy{name, func(ctx context.Context, r io.Reader) (func() error, error) {
			_, err := transfers.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &cloud.Bucket, Key: &key,
				Body: r})
			return func() error { return bare.remove(ctx, key) }, err
		}}
	}
	return &subject{
		stores: stores, svc: dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{}),
		env: cloud.Environ(), leastRate: leastServers, leastSmallRate: leastSmallServers, clients: []int{smallClients, 1},
		copies: []plainCopy{
			manager("transfer manager"),
			// As the store does, as far as it can be set.
			manager("transfer manager, parts of 5 MiB, one at once", func(o *transfermanager.Options) {
				o.PartSizeBytes, o.Concurrency = dossier.MinPartSize, 1
			}),
		},
		direct: bare,
		load: func(b *testing.B, n int) int {
			db, err := people.ConnectMySQL(b.Context(), people.MySQLConfig{
				Host: cloud.MySQL.Host, Port: cloud.MySQL.Port, Name: cloud.Database, User: cloud.MySQL.AdminUser,
				Password: cloud.MySQL.AdminPassword, TLS: true, CAFile: cloud.MySQL.CAFile, Timeout: time.Hour,
			})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				// To delete millions of rows, as other tests' are, would take longer than to make them.
				_, err := db.Exec("TRUNCATE TABLE people")
				if err := errors.Join(err, db.Close()); err != nil {
					b.Error(err)
				}
			})
			fillMySQL(db).people(b, n)
			var size int64
			if _, err = db.ExecContext(b.Context(), "ANALYZE TABLE people"); err == nil {
				err = db.QueryRowContext(b.Context(), `SELECT data_length + index_length FROM information_schema.tables
					WHERE table_schema = DATABASE() AND table_name = 'people'`).Scan(&size)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.Logf("the database takes %d bytes a person", size/int64(n))
			return loadCatalog(b, stores.Catalog, min(n, mostItems))
		},
	}
}

// take submits one file, returns how long that took, sees that it is there whole, and deletes it.
func (s *subject) take(b *testing.B, c *client, size int64) time.Duration {
	b.Helper()
	began := time.Now()
	person, err := c.submit(b.Context(), size)
	took := time.Since(began)
	if err != nil {
		b.Fatalf("submit %d bytes: %v", size, err)
	}
	s.mustHave(b, person, size)
	return took
}

// mustHave sees that a person has one file, stored, of that size, and deletes it.
func (s *subject) mustHave(b *testing.B, person dossier.PersonID, size int64) {
	b.Helper()
	files, err := s.stores.Catalog.Files(b.Context(), person, dossier.FileID{}, 2)
	if err != nil {
		b.Fatal(err)
	}
	if len(files) != 1 || files[0].State != dossier.FileStored || files[0].Content.Size != size {
		b.Fatalf("submitted %d bytes, the catalog has %+v", size, files)
	}
	if err := s.svc.DeletePerson(b.Context(), person); err != nil {
		b.Fatal(err)
	}
}

// bare makes the store calls of one submission of one file and nothing else: each step of the write path by a call of
// its own, one after the other.
func (s *subject) bare(ctx context.Context, size int64, content dossier.Content) error {
	now, receipt := time.Now(), dossier.NewReceipt()
	p := dossier.Person{
		ID: receipt.Person, ReceiptHash: receipt.Hash(), State: dossier.PersonSubmitting, CreatedAt: now,
		UpdatedAt: now,
		Details:   dossier.Details{Name: "Grace Hopper", Location: "Arlington", Age: 85, Technology: "COBOL"},
	}
	f := dossier.File{
		Person: p.ID, ID: dossier.NewFileID(), Name: "file-0.bin", Author: p.Name, State: dossier.FileUploading,
		CreatedAt: now, UpdatedAt: now,
	}
	limits := s.svc.Limits()
	reserve := func(add dossier.Quota) error {
		_, err := s.stores.Catalog.Reserve(ctx, p.ID, add,
			dossier.Quota{Files: int64(limits.PersonFiles), Bytes: limits.PersonBytes}, now)
		return err
	}
	for _, step := range []func() error{
		func() error { return s.stores.People.Insert(ctx, p) },
		func() error { return reserve(f.Counted()) },
		func() error { return s.stores.Catalog.Put(ctx, f) },
		func() error { _, err := s.stores.People.Person(ctx, p.ID); return err },
		func() error { _, err := s.stores.Objects.Put(ctx, f.Key(), newGenerated(size)); return err },
		func() error { _, err := s.stores.Objects.Stat(ctx, f.Key()); return err },
		func() error { return reserve(dossier.Quota{Bytes: size}) },
		func() error { return s.stores.Catalog.Describe(ctx, p.ID, f.ID, content, now) },
		func() error { _, err := s.stores.Catalog.Commit(ctx, p.ID, f.ID, now); return err },
		func() error {
			return s.stores.People.Acknowledge(ctx, p.ID, now,
				[]string{"arlington", "bin", "cobol", "file-0", "grace", "hopper"})
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// client is the real binary, serving, and an HTTP client of it.
type client struct {
	*process
	http *http.Client
}

// serve starts the server on a free port.
func (s *subject) serve(b *testing.B) *client {
	b.Helper()
	bin, err := build()
	if err != nil {
		b.Fatal(err)
	}
	// The records that a benchmark loads have no objects.
	p := &process{Cmd: exec.Command(bin, "serve", "--despite-losses"), output: &teststores.Journal{},
		ended: make(chan struct{})}
	// All come from one network, which may add as many people as the benchmark has time for.
	p.Env = append(slices.Clone(s.env), "DOSSIER_LISTEN=127.0.0.1:0", "DOSSIER_RATE_SUBMISSIONS=0",
		"DOSSIER_MAX_DAY_PERSONS=100000000", "DOSSIER_MAX_DAY_FILES=100000000",
		"DOSSIER_LOG_LEVEL=error", "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.Stderr = p.output
	stdout, err := p.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	// It says where it is as soon as it takes connections.
	lines := bufio.NewReader(stdout)
	said, err := lines.ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		_ = p.Wait()
		close(p.ended)
	}()
	b.Cleanup(p.kill)
	var found bool
	if p.base, found = strings.CutPrefix(strings.TrimSpace(said), "Dossier is at "); !found {
		p.kill()
		b.Fatalf("the server does not start (%v): %s%s", err, said, p.output)
	}
	return &client{p, &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: smallClients},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// submit sends a form with one file, with its length told before, as browsers do. The file is never held as a whole.
func (c *client) submit(ctx context.Context, size int64) (dossier.PersonID, error) {
	receipt := dossier.NewReceipt()
	begin, end, contentType, err := formAround(receipt)
	if err != nil {
		return receipt.Person, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/submissions",
		io.MultiReader(strings.NewReader(begin), newGenerated(size), strings.NewReader(end)))
	if err != nil {
		return receipt.Person, err
	}
	req.ContentLength = int64(len(begin)) + size + int64(len(end))
	req.Header.Set("Content-Type", contentType)
	res, err := c.http.Do(req)
	if err != nil {
		return receipt.Person, err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body) // to its end, so that the connection is used again
	if err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("status %s: %s", res.Status, page)
	}
	return receipt.Person, err
}

// formAround returns what stands before and behind the bytes of the one file of a form.
func formAround(receipt dossier.Receipt) (begin, end, contentType string, err error) {
	var around bytes.Buffer
	w := multipart.NewWriter(&around)
	if err := (&form{receipt: receipt, files: [][]byte{nil}}).body(w); err != nil {
		return "", "", "", err
	}
	end = "\r\n--" + w.Boundary() + "--\r\n"
	begin, found := strings.CutSuffix(around.String(), end)
	if !found {
		return "", "", "", fmt.Errorf("form without its end: %q", around.String())
	}
	return begin, end, w.FormDataContentType(), nil
}

// peak returns, in MiB, the most memory that the server had resident while work ran
// (https://www.kernel.org/doc/html/latest/filesystems/proc.html: clear_refs, VmHWM).
func (c *client) peak(b *testing.B, work func()) float64 {
	b.Helper()
	proc := fmt.Sprintf("/proc/%d/", c.Process.Pid)
	if err := os.WriteFile(proc+"clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	work()
	return c.status(b, "VmHWM") / 1024
}

// status returns a line of the server's /proc status, in KiB.
func (c *client) status(b *testing.B, name string) float64 {
	b.Helper()
	kib, err := statusOf(c.Process.Pid, name)
	if err != nil {
		b.Fatal(err)
	}
	return kib
}

// highWater returns, in MiB, the most memory that a running process had resident.
func highWater(pid int) (float64, error) {
	kib, err := statusOf(pid, "VmHWM")
	return kib / 1024, err
}

// statusOf returns a line of a process's /proc status, in KiB.
func statusOf(pid int, name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		}
	}
	return 0, fmt.Errorf("no %s in\n%s", name, status)
}

// hold begins uploads, sends some bytes of each file, and returns when the server has taken them, or has stopped taking
// them.
func (c *client) hold(b *testing.B, uploads int, size int64) {
	b.Helper()
	address := strings.TrimPrefix(c.base, "http://")
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for range uploads {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		begin, end, contentType, err := formAround(dossier.NewReceipt())
		if err != nil {
			b.Fatal(err)
		}
		length := int64(len(begin)+len(end)) + 10*size // most of it never comes
		head := fmt.Sprintf("POST /submissions HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
			address, contentType, length)
		if _, err := io.Copy(conn, io.MultiReader(strings.NewReader(head+begin), newGenerated(size))); err != nil {
			b.Fatal(err)
		}
	}
	// Each has a record as soon as its file is begun. What came behind it is read at once, or waits for memory.
	began := time.Now()
	for last, same := 0.0, 0; same < 10 && time.Since(began) < time.Minute; {
		time.Sleep(100 * time.Millisecond)
		if now := c.status(b, "VmRSS"); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
}

// block is what generated files are made of: random, so that nothing on the way can pack it.
var block = sync.OnceValue(func() []byte {
	data := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // never fails
	return data
})

// generated is a file that exists only while it is read.
type generated struct{ at, size int64 }

func newGenerated(size int64) *generated { return &generated{size: size} }

func (g *generated) Read(p []byte) (int, error) {
	if g.at == g.size {
		return 0, io.EOF
	}
	from := block()[g.at%int64(len(block())):]
	n := copy(p[:min(int64(len(p)), g.size-g.at)], from)
	g.at += int64(n)
	return n, nil
}

// contentOf describes a generated file.
func contentOf(b testing.TB, size int64) dossier.Content {
	b.Helper()
	sha, crc := sha256.New(), dossier.NewCRC64()
	if _, err := io.Copy(io.MultiWriter(sha, crc), newGenerated(size)); err != nil {
		b.Fatal(err)
	}
	return dossier.Content{Size: size, SHA256: [32]byte(sha.Sum(nil)), CRC64: crc.Sum64(),
		Type: "application/octet-stream"}
}

// comparison is what a benchmark found: a value for each side in each round. Of memory, plain is the small file and
// form the large one.
type comparison struct {
	what, unit  string
	plain, form []float64
	// least or most is the goal for the ratio, form to plain; 0: none.
	least, most float64
}

func (c comparison) ratio() float64 { return median(c.form) / median(c.plain) }

// goal says what the ratio should be, and whether it is.
func (c comparison) goal() string {
	switch r := c.ratio(); {
	case c.most > 0 && r > c.most:
		return fmt.Sprintf("at most %.2f: MISSED", c.most)
	case c.least > 0 && r < c.least:
		return fmt.Sprintf("at least %.2f: MISSED", c.least)
	case c.most > 0:
		return fmt.Sprintf("at most %.2f", c.most)
	case c.least > 0:
		return fmt.Sprintf("at least %.2f", c.least)
	}
	return ""
}

// results are the rows of the table.
type results struct {
	rows   [][]string
	rounds int
}

// add reports a comparison and keeps it for the table.
func (r *results) add(b *testing.B, stores string, c comparison) {
	b.ReportMetric(0, "ns/op") // of a round: says nothing
	unit := strings.TrimPrefix(c.unit, "/")
	b.ReportMetric(median(c.plain), "plain-"+unit)
	b.ReportMetric(median(c.form), "form-"+unit)
	b.ReportMetric(c.ratio(), "ratio")
	r.rounds = len(c.form)
	r.row(stores, c)
}

// row keeps a comparison for the table.
func (r *results) row(stores string, c comparison) {
	r.rows = append(r.rows, []string{c.what, stores, spread(c.plain, c.unit), spread(c.form, c.unit),
		fmt.Sprintf("%.2f", c.ratio()), c.goal()})
}

// print writes the table.
func (r *results) print(w io.Writer) {
	if len(r.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s, %d cores, %s/%s, %s; median (least to most) of %d rounds\n\n",
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), r.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tstores\tplain, or small\tform, or large\tratio\tgoal")
	for _, row := range r.rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush()
	fmt.Fprintln(w)
}

// processor returns the name of the machine's CPU, where Linux tells it.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unnamed CPU"
}

func spread(values []float64, unit string) string {
	separate := " "
	if strings.HasPrefix(unit, "/") {
		separate = ""
	}
	return fmt.Sprintf("%.0f%s%s (%.0f to %.0f)", median(values), separate, unit, slices.Min(values),
		slices.Max(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
