package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
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
)

// These tests run the real binary under a memory limit against those who mean harm. All addresses of 127.0.0.0/8 are
// this machine's, so each client has an address of its own.
const (
	attacker  = "127.0.0.66"
	elsewhere = "127.0.0.7"
	// mostResident is how much memory, in MiB, the server may have resident at most in any of these tests with embedded
	// stores, and mostWithS3 the same where it holds parts of forms on their way to S3.
	mostResident = 250
	mostWithS3   = 500
	// addressSpace, in KiB, is what the process may map. A Go program reserves about 2 GB of it at its start.
	addressSpace = 3 << 20
)

// besieged starts the server with little memory. Of the rates, only those of what the honest ones do all the time are
// off.
func besieged(t *testing.T, resident int, env ...string) *process {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	listen := freeAddress(t)
	p := launch(t, listen, append(env, fmt.Sprintf("GOMEMLIMIT=%dMiB", resident*3/4), "DOSSIER_RATE_SUBMISSIONS=0",
		"DOSSIER_RATE_REGISTRATIONS=0"),
		"bash", "-c", fmt.Sprintf(`ulimit -v %d && exec "$0" serve`, addressSpace), bin)
	t.Cleanup(func() {
		most, err := highWater(p.Process.Pid)
		if err != nil {
			t.Errorf("the server did not survive: %v\n%s", err, p.output)
			return
		}
		t.Logf("the server had %.0f MiB resident at most", most)
		if most > float64(resident) {
			t.Errorf("the server had %.0f MiB resident, want %d at most", most, resident)
		}
		for _, number := range []string{"saturated=", "turned_away=", "most_at_once.forms="} {
			if !strings.Contains(p.output.String(), number) {
				t.Errorf("the server's log has no metrics with %s\n%s", number, p.output)
			}
		}
	})
	return p
}

// mustBeReady checks that the server says that it can take requests, however full it is.
func (p *process) mustBeReady(t *testing.T) (saturated bool) {
	t.Helper()
	status, said := get(t, p.base+"/readyz")
	if status != http.StatusOK {
		t.Errorf("/readyz answers %d: %s", status, said)
	}
	return strings.Contains(string(said), "saturated\n")
}

// clientAt returns a client behind an address of this machine.
func clientAt(address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialFrom opens a connection from an address, with a small buffer for what it receives.
func dialFrom(t *testing.T, p *process, address string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// honest is somebody who uses the site as it is meant, by a program that waits when it is told to.
type honest struct {
	base    string
	address string
	http    *http.Client

	mu    sync.Mutex
	took  []time.Duration
	again int
	// receipts are those that were acknowledged.
	receipts []dossier.Receipt
}

func newHonest(p *process, address string) *honest {
	return &honest{base: p.base, address: address, http: clientAt(address)}
}

// do makes a request until it is answered with something else than that it comes too early.
func (h *honest) do(ctx context.Context, method, path string, header http.Header, body []byte) (int, []byte, error) {
	began := time.Now()
	for {
		req, err := http.NewRequestWithContext(ctx, method, h.base+path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		req.Header = header
		res, err := h.http.Do(req)
		if err != nil {
			return 0, nil, err
		}
		said, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return 0, nil, err
		}
		if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.took = append(h.took, time.Since(began))
			return res.StatusCode, said, nil
		}
		wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil {
			return 0, nil, fmt.Errorf("%d without Retry-After: %s", res.StatusCode, said)
		}
		h.mu.Lock()
		h.again++
		h.mu.Unlock()
		select {
		case <-time.After(time.Duration(wait) * time.Second):
		case <-ctx.Done():
			return 0, nil, fmt.Errorf("%w: %d: %s", context.Cause(ctx), res.StatusCode, said)
		}
	}
}

// submit sends a form with one file.
func (h *honest) submit(ctx context.Context, size int64) error {
	receipt := dossier.NewReceipt()
	begin, end, contentType, err := formAround(receipt)
	if err != nil {
		return err
	}
	body := slices.Concat([]byte(begin), randomBytes(int(size)), []byte(end))
	status, said, err := h.do(ctx, http.MethodPost, "/submissions", http.Header{"Content-Type": {contentType}}, body)
	if err == nil && status != http.StatusSeeOther {
		err = fmt.Errorf("the form is answered %d: %s", status, said)
	}
	if err == nil {
		h.receipts = append(h.receipts, receipt)
	}
	return err
}

// register registers a person by the API.
func (h *honest) register(ctx context.Context) error {
	body, err := json.Marshal(api.Registration{Name: "Grace Hopper", Location: "Arlington", Age: 85, Technology: "COBOL"})
	if err != nil {
		return err
	}
	status, said, err := h.do(ctx, http.MethodPost, api.Prefix+"/people",
		http.Header{"Content-Type": {"application/json"}},
		body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the registration is answered %d: %s", status, said)
	}
	return err
}

// tell logs how long the requests took, and how many were told to come again.
func (h *honest) tell(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.took)
	if n := len(h.took); n > 0 {
		t.Logf("honest from %s: %d requests, the 95th percentile %s, the longest %s; %d times told to come again",
			h.address, n, h.took[n*95/100].Round(time.Millisecond), h.took[n-1].Round(time.Millisecond), h.again)
	}
}

// counts are how often each status was answered; 0 is a connection that broke.
type counts struct {
	mu sync.Mutex
	of map[int]int
}

func (c *counts) add(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int]int{}
	}
	c.of[status]++
}

// only checks that no other status was answered than these, and that each was.
func (c *counts) only(t *testing.T, what string, must int, may ...int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("%s: %v", what, c.of)
	for status := range c.of {
		if status != must && !slices.Contains(may, status) {
			t.Errorf("%s: answered %d", what, status)
		}
	}
	if c.of[must] == 0 {
		t.Errorf("%s: never answered %d", what, must)
	}
}

// besides has honest people use the site from elsewhere and from the attacker's own address until the attack is over,
// and at least some times.
func besides(t *testing.T, p *process, size int64, attack func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var over atomic.Bool
	var wg sync.WaitGroup
	for _, address := range []string{elsewhere, attacker} {
		h := newHonest(p, address)
		wg.Go(func() {
			// A few times more at the end would be without the attack.
			for n := 0; n < 5 || !over.Load(); n++ {
				if err := errors.Join(h.submit(ctx, size), h.register(ctx)); err != nil {
					t.Errorf("honest from %s: %v", address, err)
					return
				}
			}
			if address == elsewhere && h.again > 0 {
				t.Errorf("honest from %s were told %d times to come again, for what others do", address, h.again)
			}
			h.tell(t)
		})
	}
	attack()
	over.Store(true)
	wg.Wait()
}

// register returns the receipt of a person that is registered from an address.
func register(t *testing.T, c *apiClient) string {
	t.Helper()
	var r api.Registered
	if err := c.ask(t.Context(), http.MethodPost, "/people", "",
		api.Registration{Name: "Grace Hopper", Location: "Arlington", Age: 85, Technology: "COBOL"}, &r); err != nil {
		t.Fatal(err)
	}
	return r.Receipt
}

// 120 bodies of 1 MiB, again and again, to where a kilobyte is enough.
func TestHostileJSON(t *testing.T) {
	servers.EndToEnd(t)
	p := besieged(t, mostResident, "DOSSIER_DATA="+teststores.Migrated(t))
	c := &apiClient{base: p.base, http: clientAt(attacker)}
	receipt := register(t, c)
	path := "/files/" + dossier.NewFileID().String()
	if err := c.ask(t.Context(), http.MethodPut, path, receipt, api.Announcement{Name: "a", Size: 1},
		&api.File{}); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"parts":[` + strings.Repeat(`{},`, (1<<20)/3-10) + `{}]}`)
	var got counts
	besides(t, p, 20_000, func() {
		var wg sync.WaitGroup
		for i := range 120 {
			wg.Go(func() {
				h := clientAt(attacker)
				defer h.CloseIdleConnections()
				for n := range 5 {
					target := p.base + api.Prefix + path + []string{"/complete", "/parts"}[i%2]
					if n == 4 {
						target = p.base + api.Prefix + "/files/" + dossier.NewFileID().String() + "/parts"
					}
					var r io.Reader = bytes.NewReader(body)
					if n%2 == 1 {
						r = struct{ io.Reader }{r} // with no length told
					}
					req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, target, r)
					req.Header.Set("Content-Type", "application/json")
					req.Header.Set("Authorization", "Bearer "+receipt)
					res, err := h.Do(req)
					if err != nil {
						got.add(0) // the server closes the connection rather than read all
						continue
					}
					got.add(res.StatusCode)
					_ = res.Body.Close()
				}
			})
		}
		wg.Wait()
		p.mustBeReady(t)
	})
	got.only(t, "bodies of 1 MiB", http.StatusRequestEntityTooLarge, 0, http.StatusTooManyRequests,
		http.StatusServiceUnavailable, http.StatusUnprocessableEntity, http.StatusNotFound)
}

// 54 senders send 4.9 MB of a form each, and then next to nothing.
func TestHostileForms(t *testing.T) {
	servers.EndToEnd(t)
	p := besieged(t, mostWithS3, teststores.Cloud(t).Environ()...)
	besides(t, p, 6<<20, func() {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var begun atomic.Int64
		for range 54 {
			conn := dialFrom(t, p, attacker)
			begin, _, contentType, err := formAround(dossier.NewReceipt())
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				_, err := fmt.Fprintf(conn, "POST /submissions HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: "+
					"%d\r\n\r\n%s",
					contentType, 50<<20, begin)
				_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if err == nil {
					_, err = conn.Write(make([]byte, 4_900_000)) // as far as it is taken
				}
				begun.Add(1)
				for err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					select {
					case <-stop:
						return
					case <-time.After(time.Second):
					}
					_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
					_, err = conn.Write([]byte("abcd")) // 216 bytes a minute
				}
			})
		}
		for begun.Load() < 54 && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		// All hold what they may. Those who come now wait for them, or do not.
		for range 4 {
			p.mustBeReady(t)
			time.Sleep(time.Second)
		}
		close(stop)
		wg.Wait()
	})
}

// 180 readers who do not read take the archive of 10,000 empty files, and others ask for its size.
func TestHostileArchives(t *testing.T) {
	servers.EndToEnd(t)
	const files = 10_000
	data := teststores.Migrated(t)
	receipt := emptyFiles(t, data, files)
	p := besieged(t, mostResident, "DOSSIER_DATA="+data)
	path := receiptPath(t, receipt.String()) + "/files.zip"
	cookie := "dossier_receipt=" + receipt.String()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for range 180 {
		conn := dialFrom(t, p, attacker)
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", path,
			cookie); err != nil {
			t.Fatal(err)
		}
	}
	var heads counts
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			h := clientAt(attacker)
			defer h.CloseIdleConnections()
			req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.base+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Cookie", cookie)
			res, err := h.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			heads.add(res.StatusCode)
		})
	}
	for _, address := range []string{elsewhere, attacker} {
		h := newHonest(p, address)
		wg.Go(func() {
			for range 2 {
				status, said, err := h.do(ctx, http.MethodGet, path, http.Header{"Cookie": {cookie}}, nil)
				if err != nil || status != http.StatusOK || bytes.Count(said, []byte("PK\x01\x02")) != files {
					t.Errorf("honest from %s: %d, %d bytes, %v", address, status, len(said), err)
				}
			}
			if address == elsewhere && h.again > 0 {
				t.Errorf("honest from %s were told %d times to come again", address, h.again)
			}
			h.tell(t)
		})
	}
	wg.Wait()
	heads.only(t, "looks at the archive's size", http.StatusTooManyRequests, http.StatusOK)
	p.mustBeReady(t)
}

// emptyFiles makes a person with so many empty files in a data folder, and returns its receipt.
func emptyFiles(t *testing.T, data string, files int) dossier.Receipt {
	t.Helper()
	s := teststores.Embedded(t, data)
	receipt := dossier.NewReceipt()
	now := time.Now().UTC().Truncate(time.Microsecond)
	person := dossier.Person{ID: receipt.Person, ReceiptHash: receipt.Hash(), State: dossier.PersonSubmitted,
		Details:   dossier.Details{Name: "Grace Hopper", Location: "Arlington", Age: 85, Technology: "COBOL"},
		CreatedAt: now, UpdatedAt: now}
	if err := s.People.Insert(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(data, "objects", "files", receipt.Person.String())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	db := openSQLite(t, filepath.Join(data, "catalog.db"))
	insert(t, db, "files (person_id, file_id, name, author, state, size, sha256, crc64, content_type, created_at, "+
		"updated_at)",
		files, func(i int) []any {
			id := dossier.NewFileID().String()
			if err := os.WriteFile(filepath.Join(folder, id), nil, 0o600); err != nil {
				t.Error(err)
			}
			return []any{receipt.Person.String(), id, fmt.Sprintf("%0200d.bin", i), person.Name, "stored", 0,
				fmt.Sprintf("%x", sha256.Sum256(nil)), fmt.Sprintf("%016x", dossier.NewCRC64().Sum64()),
				"application/octet-stream", now.UnixMicro(), now.UnixMicro()}
		})
	return receipt
}

// One signed part is sent by 300 at once, and then completed by 20 at once.
func TestHostileParts(t *testing.T) {
	servers.EndToEnd(t)
	data := teststores.Migrated(t)
	p := besieged(t, mostResident, "DOSSIER_DATA="+data)
	c := &apiClient{base: p.base, http: clientAt(attacker)}
	receipt := register(t, c)
	path := "/files/" + dossier.NewFileID().String()
	const size = 1 << 20
	if err := c.ask(t.Context(), http.MethodPut, path, receipt, api.Announcement{Name: "a", Size: size},
		&api.File{}); err != nil {
		t.Fatal(err)
	}
	content := contentOf(t, size)
	part, err := generatedPart(1, size, size)
	if err != nil {
		t.Fatal(err)
	}
	var signed api.SignedParts
	if err := c.ask(t.Context(), http.MethodPost, path+"/parts", receipt,
		api.PartsToSign{Parts: []api.Part{{Number: 1, Size: size, Crc64Nvme: crcText(part)}}}, &signed); err != nil {
		t.Fatal(err)
	}
	target := p.base + signed.Parts[0].URL
	if u, err := url.Parse(signed.Parts[0].URL); err == nil && u.IsAbs() {
		target = u.String()
	}
	objects := filepath.Join(data, "objects")
	before := diskUsage(t, objects)
	var most atomic.Int64
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				most.Store(max(most.Load(), diskUsage(t, objects)-before))
			}
		}
	})
	var sent, completed counts
	besides(t, p, 1000, func() {
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() {
				h := clientAt(attacker)
				defer h.CloseIdleConnections()
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, target, bytes.NewReader(part))
				for name, value := range signed.Parts[0].Headers {
					req.Header.Set(name, value)
				}
				res, err := h.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				sent.add(res.StatusCode)
				_ = res.Body.Close()
			})
		}
		wg.Wait()
		for range 20 {
			wg.Go(func() {
				err := (&apiClient{base: p.base, http: clientAt(attacker)}).ask(t.Context(), http.MethodPost,
					path+"/complete", receipt, completion(content), &api.File{})
				if err != nil {
					t.Error(err)
					return
				}
				completed.add(http.StatusOK)
			})
		}
		wg.Wait()
	})
	close(over)
	watching.Wait()
	sent.only(t, "one part by 300 at once", http.StatusNoContent)
	completed.only(t, "20 completions at once", http.StatusOK)
	// The part, the one that replaces it, the file that is made of it, and the honest ones' small files.
	t.Logf("%d KiB more on the disk at most", most.Load()>>10)
	if most.Load() > 5*size {
		t.Errorf("%d bytes more on the disk for one part of %d", most.Load(), size)
	}
}

// diskUsage returns how many bytes a folder takes.
func diskUsage(t *testing.T, folder string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it went meanwhile
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return bytes
}

// Wrong keys from the staff's own address slow down who guesses, and nobody who knows the key.
func TestHostileSignIns(t *testing.T) {
	data := teststores.Migrated(t)
	p := besieged(t, mostResident, "DOSSIER_DATA="+data)
	secret, err := os.ReadFile(filepath.Join(data, "staff-secret"))
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(key string) int {
		h := clientAt(attacker)
		defer h.CloseIdleConnections()
		res, err := h.PostForm(p.base+"/staff/sign-in", url.Values{"key": {key}})
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	var wrong, right counts
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				wrong.add(signIn("not this one"))
			}
		})
	}
	for range 20 {
		right.add(signIn(strings.TrimSpace(string(secret))))
	}
	wg.Wait()
	right.add(signIn(strings.TrimSpace(string(secret))))
	wrong.only(t, "wrong keys", http.StatusTooManyRequests, http.StatusUnauthorized)
	right.only(t, "the right key", http.StatusSeeOther)
}
