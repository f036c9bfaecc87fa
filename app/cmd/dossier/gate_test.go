package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app/internal/teststores"
)

// gate stands before servers, which take turns, and lets every request through, unless a test has something else to do
// with it. It knows the parts of files that pass.
type gate struct {
	*httptest.Server
	doing atomic.Pointer[deed]
	// closing ends what is swallowed.
	closing chan struct{}

	mu sync.Mutex
	// came is how often each part came, by its number.
	came map[int]int
	seen []request
}

// does is what a gate does with a request: answer it in the server's place and return true, or let it through, perhaps
// altered or later.
type does = func(http.ResponseWriter, *http.Request) bool

// deed is what a gate does, until over is closed.
type deed struct {
	does does
	over chan struct{}
}

// request is one that was answered by a server behind a gate.
type request struct {
	method, path string
	part, status int
}

func newGate(t *testing.T, servers ...string) *gate {
	t.Helper()
	g := &gate{closing: make(chan struct{}), came: map[int]int{}}
	var turn atomic.Int64
	targets := make([]*url.URL, len(servers))
	for i, s := range servers {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		targets[i] = u
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression, transport.MaxIdleConnsPerHost = true, 32
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[int(turn.Add(1))%len(targets)])
			r.Out.Host = r.In.Host // requests to S3 are signed with it
		},
		// Before the client knows: so what it was told is counted.
		ModifyResponse: func(res *http.Response) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.seen = append(g.seen, request{res.Request.Method, res.Request.URL.Path, partOf(res.Request), res.StatusCode})
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := partOf(r)
		if part > 0 {
			g.mu.Lock()
			g.came[part]++
			g.mu.Unlock()
		}
		if deed := g.doing.Load(); deed != nil && deed.does(w, r) {
			return
		}
		if part > 0 {
			// One that has come whole is stored, and counted, also where the client does not wait for the answer any
			// more.
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		g.pass()
		close(g.closing)
		g.CloseClientConnections()
		g.Close()
		transport.CloseIdleConnections()
	})
	return g
}

var partPath = regexp.MustCompile(`^/api/v1/transfers/[^/]+/parts/(\d+)$`)

// partOf returns the number of the part that a request sends; 0 for every other request.
func partOf(r *http.Request) int {
	if r.Method != http.MethodPut {
		return 0
	}
	text := r.URL.Query().Get("partNumber")
	if m := partPath.FindStringSubmatch(r.URL.Path); m != nil {
		text = m[1]
	}
	n, _ := strconv.Atoi(text)
	return n
}

// do has the gate do something from now on. What was held passes.
func (g *gate) do(do does) { g.put(&deed{do, make(chan struct{})}) }

// with has the gate do something until the test ends.
func (g *gate) with(t *testing.T, do does) {
	g.do(do)
	t.Cleanup(g.pass)
}

// pass lets everything through again, what was held as well.
func (g *gate) pass() { g.put(nil) }

func (g *gate) put(d *deed) {
	if before := g.doing.Swap(d); before != nil {
		close(before.over)
	}
}

// hold keeps the parts with these numbers waiting until the gate does something else.
func (g *gate) hold(parts ...int) { g.stop(parts, func() {}) }

// lose keeps the parts with these numbers waiting until the gate does something else, and breaks their connections off
// then.
func (g *gate) lose(parts ...int) { g.stop(parts, func() { panic(http.ErrAbortHandler) }) }

func (g *gate) stop(parts []int, then func()) {
	over := make(chan struct{})
	g.put(&deed{func(_ http.ResponseWriter, r *http.Request) bool {
		if slices.Contains(parts, partOf(r)) {
			select {
			case <-over:
			case <-r.Context().Done():
			}
			then()
		}
		return false
	}, over})
}

// swallow takes a request whole, and answers nothing until the client has gone.
func (g *gate) swallow(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client goes
	select {
	case <-r.Context().Done():
	case <-g.closing:
	}
}

// trap swallows each request that matches, until the test ends or the gate does something else. It sends for each one.
func (g *gate) trap(t *testing.T, matches func(*http.Request) bool) (came <-chan struct{}) {
	held := make(chan struct{}, 64)
	g.with(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if !matches(r) {
			return false
		}
		held <- struct{}{}
		g.swallow(r)
		return true
	})
	return held
}

// take returns what was answered since the last take, or forget.
func (g *gate) take() []request {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := g.seen
	g.seen = nil
	return seen
}

// forget lets everything through, and counts anew.
func (g *gate) forget() {
	g.pass()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.came, g.seen = map[int]int{}, nil
}

// counts returns how often a part came since the gate last forgot, and how often it was stored.
func (g *gate) counts(part int) (came, stored int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range partsStored(g.seen) {
		if n == part {
			stored++
		}
	}
	return g.came[part], stored
}

// stored returns the numbers of the parts that were taken, as partsStored does.
func (g *gate) stored() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return partsStored(g.seen)
}

// waitStored waits until the parts are stored.
func (g *gate) waitStored(t *testing.T, parts ...int) {
	t.Helper()
	for _, n := range parts {
		eventually(t, fmt.Sprintf("part %d is stored", n), func() bool { _, stored := g.counts(n); return stored > 0 })
	}
}

// partsStored returns the numbers of the parts that were taken, in order, each as often as it was.
func partsStored(seen []request) (parts []int) {
	for _, r := range seen {
		if r.part > 0 && r.status < 300 {
			parts = append(parts, r.part)
		}
	}
	slices.Sort(parts)
	return parts
}

// ofParts does something with parts alone.
func ofParts(do does) does {
	return func(w http.ResponseWriter, r *http.Request) bool { return partOf(r) > 0 && do(w, r) }
}

// once does something with the first request of each kind: with each part of each file, and with each operation.
func once(do does) does {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(w http.ResponseWriter, r *http.Request) bool {
		key := r.Method + " " + r.URL.Path + " " + r.URL.Query().Get("partNumber")
		mu.Lock()
		first := !seen[key]
		seen[key] = true
		mu.Unlock()
		return first && do(w, r)
	}
}

// whole does something once the request has come to its end: a browser that is answered before sees a broken
// connection, perhaps.
func whole(do does) does {
	return func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		return do(w, r)
	}
}

// some does something with the first requests with each part, as many as that.
func some(most int, do does) does {
	var mu sync.Mutex
	seen := map[int]int{}
	return func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		seen[partOf(r)]++
		first := seen[partOf(r)] <= most
		mu.Unlock()
		return first && do(w, r)
	}
}

// larger does something with each request whose body is larger than most, in bytes: what a proxy with a limit does.
func larger(most int64, do does) does {
	return func(w http.ResponseWriter, r *http.Request) bool { return r.ContentLength > most && do(w, r) }
}

// s3Error answers 400 with an error as S3 words it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func s3Error(code string) does {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>%s</Code></Error>", code)
		return true
	}
}

// answer gives a status, and headers by name and value.
func answer(status int, header ...string) does {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// cut breaks the connection.
func cut(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// flip changes a bit of what is sent.
func flip(_ http.ResponseWriter, r *http.Request) bool {
	if r.ContentLength > 0 {
		r.Body = &flipper{ReadCloser: r.Body}
	}
	return false
}

// flipper changes one bit of what passes.
type flipper struct {
	io.ReadCloser
	done bool
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 && !f.done {
		p[n/2] ^= 4
		f.done = true
	}
	return n, err
}

// slow has what is sent pass on a slow line.
func slow(_ http.ResponseWriter, r *http.Request) bool {
	r.Body = slowBody{r.Body}
	return false
}

type slowBody struct{ io.ReadCloser }

func (b slowBody) Read(into []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return b.ReadCloser.Read(into[:min(len(into), 64<<10)])
}

// gatedSite is a site to send files to: app is before its instances, parts before what takes the parts of files. With
// embedded stores both are one.
type gatedSite struct {
	app, parts *gate
	stores     teststores.Stores
	env        []string
	// cloud are the servers; nil where the stores are embedded.
	cloud *teststores.Servers
}

// noRates are the settings without a limit on how often one client may ask.
var noRates = []string{"DOSSIER_RATE_REGISTRATIONS=0", "DOSSIER_RATE_ANNOUNCEMENTS=0", "DOSSIER_RATE_SIGNATURES=0"}

// embeddedSite is one instance with embedded stores.
func embeddedSite(t *testing.T, settings ...string) *gatedSite {
	t.Helper()
	data, address := teststores.Migrated(t), freeAddress(t)
	g := newGate(t, "http://"+address)
	env := slices.Concat([]string{"DOSSIER_DATA=" + data, "DOSSIER_PUBLIC_URL=" + g.URL}, noRates, settings)
	told(t, start(t, address, slices.Clone(env)))
	return &gatedSite{app: g, parts: g, stores: teststores.Embedded(t, data), env: env}
}

// cloudSite is two instances on MariaDB, an S3 server and a DynamoDB server. Pages of the site may send to the bucket.
func cloudSite(t *testing.T) *gatedSite {
	t.Helper()
	c := teststores.Cloud(t)
	store := newGate(t, c.S3.Endpoint)
	addresses := []string{freeAddress(t), freeAddress(t)}
	balancer := newGate(t, "http://"+addresses[0], "http://"+addresses[1])
	env := slices.Concat(c.Environ(), noRates, []string{"AWS_ENDPOINT_URL_S3=" + store.URL, "DOSSIER_PUBLIC_URL=" + balancer.URL})
	for _, address := range addresses {
		told(t, start(t, address, slices.Clone(env)))
	}
	s := &gatedSite{app: balancer, parts: store, stores: c.Stores(t), env: env, cloud: c}
	s.allow(t, balancer.URL)
	return s
}

// allow lets pages of an origin send to the bucket, and those of no other.
func (s *gatedSite) allow(t *testing.T, origin string) {
	t.Helper()
	if err := teststores.Allow(t.Context(), s.cloud.Buckets(), s.cloud.Bucket, origin); err != nil {
		t.Fatal(err)
	}
}

// gatedTest is a test of a site whose gates are its own while it runs.
type gatedTest struct {
	name string
	run  func(*testing.T, *gatedSite)
}

// runAll runs tests one after the other.
func (s *gatedSite) runAll(t *testing.T, tests []gatedTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, s.forTest(t)) })
	}
}

// forTest returns the site with gates that do nothing and have counted nothing.
func (s *gatedSite) forTest(t *testing.T) *gatedSite {
	forget := func() {
		s.app.forget()
		s.parts.forget()
	}
	forget()
	// What is held would keep the next test waiting.
	t.Cleanup(forget)
	return s
}

// told shows what a process has said when the test fails.
func told(t *testing.T, p *process) {
	t.Cleanup(func() {
		if t.Failed() {
			p.kill()
			t.Logf("the server said\n%s", p.output)
		}
	})
}
